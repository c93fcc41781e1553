"""The tree of refusals and its picture."""

import re
from pathlib import Path

import broker
from broker.domain import errors
from broker.domain.errors import RelayError

LINE = re.compile(r"[├└]── (\w+) +(.+)")


def drawn() -> dict[str, list[str]]:
    return {kind: re.findall(r"[A-Z_]{4,}", codes) for kind, codes in LINE.findall(errors.__doc__ or "")}


def test_the_picture_shows_every_kind_with_its_own_code() -> None:
    kinds = {kind.__name__: kind for kind in RelayError.__subclasses__() if kind.__module__ == errors.__name__}
    picture = drawn()
    assert set(picture) == set(kinds)
    for name, kind in kinds.items():
        if kind.code not in {"NOT_FOUND", "CONFLICT"}:
            assert picture[name][0] == kind.code


def test_a_code_belongs_to_one_kind() -> None:
    codes = [code for listed in drawn().values() for code in listed]
    assert len(codes) == len(set(codes))


def test_every_code_in_the_picture_is_given_somewhere() -> None:
    root = Path(broker.__file__).parent
    sources = [*root.rglob("*.py"), *root.rglob("*.lua"), *(root.parent / "connect").rglob("*.py")]
    text = "\n".join(path.read_text().partition('"""')[2].partition('"""')[2] for path in sources)
    text += "\n".join(path.read_text() for path in sources if path.suffix == ".lua")
    missing = [code for listed in drawn().values() for code in listed if not re.search(rf"\b{code}\b", text)]
    assert missing == []


def test_http_statuses_tell_whose_turn_it_is() -> None:
    assert {k.__name__: k.http_status for k in RelayError.__subclasses__() if k.__module__ == errors.__name__} == {
        "BadRequest": 400,
        "NotAuthenticated": 401,
        "NotPermitted": 403,
        "NotFound": 404,
        "Conflict": 409,
        "PlanLimitReached": 402,
        "RateLimited": 429,
        "NoPlacement": 409,
        "SpawnFailed": 502,
        "Fenced": 409,
        "NotConfigured": 501,
        "OutboundFailed": 502,
        "IdentityProviderFailed": 502,
        "OutboundRefused": 403,
        "Unavailable": 503,
    }
