"""Whatever people and clients write: a query, a filter, a document, settings; or a refusal that can be read."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from graphql import GraphQLError, build_schema

from broker.domain.errors import BadRequest, RelayError
from broker.domain.logs.event_filter import event_filter
from broker.domain.logs.search.language import parse
from broker.domain.plans.api_limits import ApiLimits
from connect.settings import Options, read_config, resolve_settings
from graphql_api.execution.limits import DocumentLimits
from graphql_api.schema import COMMITTED
from tests.domain.logs.log_events import event
from tests.fuzz.harness import fuzz, patient

pytestmark = patient

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape" if len(data) % 5 == 0 else "replace")


def refused_or(check: Callable[[str], object], *refusals: type[Exception]) -> Callable[[bytes], None]:
    def checked(data: bytes) -> None:
        try:
            check(text_of(data))
        except refusals as refusal:
            assert str(refusal)

    return checked


QUERIES = [
    b'"exit 1" -lint agent:A,B since:2h *conn* npm* exit:!=0',
    b'session:main cli:codex tool:relay_* command:"npm *" path:src/*.py failed:false',
    b'until:2026-11-22T10:00+02:00 kind:Command,files -kind:text "a \\"b\\""',
    "日本語のログ検索 kind:text é -ö".encode(),
    b"TypeError: x is undefined at localhost:8080 std::vector",
]


def test_any_search_is_read_or_refused_in_words() -> None:
    fuzz(refused_or(lambda text: parse(text, now=NOW), BadRequest), QUERIES)


def test_a_long_search_takes_no_more_time_than_its_length_allows() -> None:
    for part in (b'"', b"(", b"-", b"a:", b"*", b"\\", b'"\\"', b"a ", b"since:"):
        fuzz(refused_or(lambda text: parse(text, now=NOW), BadRequest), [part * 100_000], parts=0)


FILTERS = [b'{"agents":["Bob"],"kinds":["turn.*","agent.state"]}', b'{"kinds":["*"]}', b'{"agents":["bOB","x"]}']


def test_any_filter_says_the_same_of_an_event_and_of_its_text() -> None:
    told = [event("turn.ended", {"turn": "1"}), event("session.created", {}, name=None), event("agent.state", {})]

    def check(text: str) -> None:
        try:
            asked = orjson.loads(text.encode("utf-8", "replace"))
            names, kinds = [[str(each) for each in asked[key]] for key in ("agents", "kinds")]
        except (ValueError, TypeError, KeyError):
            return
        only = event_filter(agents=names, kinds=kinds)
        for each in told:
            assert only.admits(each) is only.admits_text(orjson.dumps(each).decode())

    fuzz(refused_or(check, BadRequest), FILTERS)


DOCUMENTS = [
    b"query A($n: Int = 5) { viewer { ...F } } fragment F on Viewer { __typename }",
    b'subscription { sessionEvents(session: "main") { __typename } }',
    b"{ a: sessions(first: 100) { nodes { agents { name } } } b: sessions(first: 100) { nodes { agents { name } } } }",
    b'mutation { send(input: {to: "x", text: """block"""}) { __typename } }',
    b"query { sessions { ...A } } fragment A on X { ...B } fragment B on X { ...A }",
]


def test_any_document_is_weighed_or_refused_in_words() -> None:
    limits = DocumentLimits(build_schema(COMMITTED.read_text()), ApiLimits())
    fuzz(refused_or(lambda text: limits.weights(limits.parse_document(text)), GraphQLError), DOCUMENTS)


SETTINGS = [
    b"""
url = "http://127.0.0.1:8787"
name = "laptop"
labels = ["gpu", "eu"]
spool_bytes = 1000000
token_file = "/nowhere"
[agents.mine]
command = ["python3", "agent.py"]
""",
    b'[agents.a]\ncommand = ["x"]\n[agents.b]\ncommand = ["y", "z"]\n',
]


def test_any_settings_file_is_read_or_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "relay-connect.toml"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        try:
            read_config(path, environment={})
            resolve_settings(Options(config=path, token="rk_live_x"), environment={"HOME": str(tmp_path)})
        except RelayError as refusal:
            assert str(path) in str(refusal) or refusal.message

    fuzz(check, SETTINGS)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfname = 'x'\n", b"name = 'x'\r\n"])
def test_what_windows_editors_put_into_a_settings_file_is_no_hindrance(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "relay-connect.toml"
    path.write_bytes(content)
    assert read_config(path, environment={}).name == "x"
