"""A provider that answers what it should not: nothing of it is believed, and it takes neither memory nor time."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from broker.adapters.oidc.metadata import DISCOVERY
from broker.adapters.oidc.providers import MOST_DOCUMENT_BYTES, MOST_TOKEN_BYTES, OidcProviders
from broker.adapters.outbound.client import GuardedClient
from broker.domain.errors import IdentityProviderFailed, OutboundFailed, OutboundRefused
from broker.domain.outbound.addresses import AddressPolicy
from broker.domain.people.single_sign_on import Identity, ProviderTerms
from broker.services.ports.single_sign_on import Challenge
from tests.fixtures.minting import encoded, mint, signing_key
from tests.fixtures.receiver import DRIP, Receiver, answer, receiving

CHALLENGE = Challenge(state="the state", nonce="the nonce", verifier="the-verifier" * 4)
CODE, SECRET, ACCESS_TOKEN = "the-code-of-it", "the-secret-of-it", "the-access-token"
TOLD = {"name": "Ada", "email": "ada@example.com", "email_verified": True}
OPENED = AddressPolicy(["127.0.0.0/8"])


def json_answer(document: object, status: int = 200) -> bytes:
    return answer(status, json.dumps(document).encode(), Content_Type="application/json")


@dataclass(slots=True, kw_only=True)
class Hostile:
    """It is an honest provider until something is changed."""

    receiver: Receiver
    providers: OidcProviders
    now: float = 1_800_000_000.0
    elapsed: float = 0.0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.receiver.port}"

    @property
    def terms(self) -> ProviderTerms:
        return ProviderTerms(issuer=self.issuer, client_id="relaycast", secret="sso")

    def answers(self, path: str, said: bytes | None) -> None:
        self.receiver.at_paths[path] = said

    def describe(self, **changed: object) -> None:
        """Its discovery document; None leaves a member out."""
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + "/authorize",
            "token_endpoint": self.issuer + "/token",
            "jwks_uri": self.issuer + "/keys",
            "userinfo_endpoint": self.issuer + "/me",
            **changed,
        }
        self.answers(DISCOVERY, json_answer({name: value for name, value in document.items() if value is not None}))

    def claims(self, **changed: object) -> dict[str, object]:
        honest = {
            "iss": self.issuer,
            "aud": "relaycast",
            "sub": "0042",
            "nonce": CHALLENGE.nonce,
            "iat": self.now,
            "exp": self.now + 300,
        }
        return {**honest, **changed}

    def gives(self, token: str, **members: object) -> None:
        """Its answer at the token endpoint."""
        self.answers("/token", json_answer({"id_token": token, "access_token": ACCESS_TOKEN, **members}))

    async def redeem(self) -> Identity:
        return await self.providers.redeem(
            self.terms, CHALLENGE, code=CODE, client_secret=SECRET, answer_at="https://relay.example.com/answer"
        )

    async def refused(self, reason: str) -> None:
        """It is refused for that, in words that are short and tell no secret."""
        with pytest.raises(IdentityProviderFailed, match=reason) as caught:
            await self.redeem()
        message = caught.value.message
        assert message.isprintable()
        assert len(message) < 600
        assert not any(each in message for each in (CODE, SECRET, ACCESS_TOKEN, CHALLENGE.verifier))

    def asked(self, path: str) -> int:
        return sum(each.path == path for each in self.receiver.requests)


@asynccontextmanager
async def provider(*, policy: AddressPolicy = OPENED, total_s: float = 10.0) -> AsyncIterator[Hostile]:
    guarded = GuardedClient(policy, total_s=total_s)
    async with receiving(answer(404)) as receiver:
        made: Hostile
        providers = OidcProviders(guarded, lambda: made.now, monotonic=lambda: made.elapsed)
        made = Hostile(receiver=receiver, providers=providers)
        made.describe()
        made.answers("/keys", json_answer({"keys": [signing_key("ES256").jwk()]}))
        made.gives(mint(made.claims()))
        made.answers("/me", json_answer({"sub": "0042", **TOLD}))
        yield made
        await guarded.close()


@pytest.fixture
async def hostile() -> AsyncIterator[Hostile]:
    async with provider() as made:
        yield made


async def test_while_nothing_is_changed_it_lets_somebody_in(hostile: Hostile) -> None:
    await hostile.providers.check(hostile.terms)
    assert await hostile.redeem() == Identity(
        issuer=hostile.issuer, subject="0042", names=("Ada", "ada"), domains=("example.com",)
    )
    told = next(each for each in hostile.receiver.requests if each.path == "/me")
    assert told.headers["authorization"] == f"Bearer {ACCESS_TOKEN}"


async def test_userinfo_is_not_asked_for_what_the_token_says(hostile: Hostile) -> None:
    hostile.gives(mint(hostile.claims(**TOLD)))
    assert (await hostile.redeem()).names == ("Ada", "ada")
    assert hostile.asked("/me") == 0


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "https://accounts.google.com"}, "of another issuer, 'https://accounts.google.com'"),
        ({"aud": "another"}, "for another client"),
        ({"nonce": "of another"}, "not of this sign-in"),
        ({"exp": 1}, "has ended already"),
        ({"at_hash": "AAAA"}, "at_hash"),
        ({"sub": ""}, "names nobody"),
    ],
)
async def test_a_wrong_token_lets_nobody_in_and_nothing_more_is_asked(
    hostile: Hostile, changed: dict[str, object], reason: str
) -> None:
    hostile.gives(mint(hostile.claims(**changed)))
    await hostile.refused(reason)
    assert hostile.asked("/me") == 0


async def test_userinfo_of_somebody_else_lets_nobody_in(hostile: Hostile) -> None:
    hostile.answers("/me", json_answer({"sub": "0043", **TOLD}))
    await hostile.refused("tells of somebody else than its ID token")


@pytest.mark.parametrize("path", [DISCOVERY, "/keys", "/token", "/me"])
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (answer(404), "answers 404"),
        (answer(500, b"<h1>no</h1>"), "answers 500"),
        (answer(302, Location="http://127.0.0.1:9/"), "answers 302, a redirect, and none is followed"),
        (answer(200, b"<!doctype html><title>Sign in</title>"), "is no JSON that can be read"),
        (answer(200, b"\xff\xfe"), "is no JSON that can be read"),
        (answer(200, b"[" * 60_000), "is no JSON that can be read"),
        (answer(200, b'{"keys":' + b"9" * 60_000 + b"}"), "is no JSON that can be read"),
        (answer(200, b'{"sub":"0042","sub":"0043"}'), "names a member twice"),
        (answer(200, b"[]"), "is no JSON object"),
        (answer(200), "is no JSON that can be read"),
    ],
)
async def test_what_is_no_answer_is_told_in_words(hostile: Hostile, path: str, said: bytes, reason: str) -> None:
    hostile.answers(path, said)
    await hostile.refused(reason)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        (DISCOVERY, MOST_DOCUMENT_BYTES),
        ("/keys", MOST_DOCUMENT_BYTES),
        ("/token", MOST_TOKEN_BYTES),
        ("/me", MOST_TOKEN_BYTES),
    ],
)
async def test_no_more_is_read_than_an_honest_answer_has(hostile: Hostile, path: str, most: int) -> None:
    honest = hostile.receiver.at_paths[path]
    assert honest is not None
    body = honest.partition(b"\r\n\r\n")[2]
    hostile.answers(path, answer(200, body + b" " * (most + 1 - len(body))))
    await hostile.refused(f"has more than {most // 1024} kB")
    hostile.answers(path, answer(200, body + b" " * (most - len(body))))
    hostile.elapsed += 5
    assert (await hostile.redeem()).subject == "0042"


@pytest.mark.parametrize("path", [DISCOVERY, "/keys", "/token", "/me"])
@pytest.mark.parametrize("never", [None, DRIP])
async def test_an_answer_that_does_not_end_is_given_up(path: str, never: bytes | None) -> None:
    async with provider(total_s=0.3) as hostile:
        hostile.answers(path, never)
        began = time.monotonic()
        with pytest.raises(OutboundFailed) as failed:
            await hostile.redeem()
        assert failed.value.code == "OUTBOUND_TIMEOUT"
        assert time.monotonic() - began < 10


async def test_all_that_is_asked_together_has_an_end_too(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.adapters.oidc.providers.REDEEM_S", 0.3)
    hostile.answers("/token", None)
    await hostile.refused("to say who this is: sign in again")


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://169.254.169.254/latest", "OUTBOUND_NOT_ALLOWED"),
        ("https://10.0.0.1/token", "OUTBOUND_NOT_ALLOWED"),
        ("http://1.1.1.1/token", "OUTBOUND_INSECURE"),
    ],
)
async def test_an_endpoint_leads_nowhere_that_this_broker_does_not_call(
    hostile: Hostile, endpoint: str, url: str, code: str
) -> None:
    hostile.describe(**{endpoint: url})
    with pytest.raises(OutboundRefused) as refused:
        await hostile.redeem()
    assert refused.value.code == code


async def test_an_issuer_in_a_private_network_is_not_called() -> None:
    async with provider(policy=AddressPolicy()) as hostile:
        with pytest.raises(OutboundRefused) as refused:
            await hostile.providers.check(hostile.terms)
        assert (refused.value.code, hostile.receiver.connections) == ("OUTBOUND_NOT_ALLOWED", 0)


async def test_metadata_of_another_issuer_are_not_used(hostile: Hostile) -> None:
    hostile.describe(issuer="https://accounts.google.com")
    await hostile.refused("the provider calls itself 'https://accounts.google.com'")
    assert hostile.asked("/token") == 0


async def test_tokens_of_unknown_keys_cost_a_provider_one_question_in_half_a_minute(hostile: Hostile) -> None:
    await hostile.redeem()
    hostile.gives(mint(hostile.claims(), header={"kid": "made up"}))
    for _ in range(5):
        await hostile.refused("a key that the provider does not publish")
    assert hostile.asked("/keys") == 1
    hostile.elapsed += 30
    for _ in range(5):
        await hostile.refused("a key that the provider does not publish")
    assert hostile.asked("/keys") == 2


async def test_strangers_who_begin_sign_ins_cost_a_provider_one_question(hostile: Hostile) -> None:
    begun = [
        hostile.providers.address(hostile.terms, CHALLENGE, answer_at="https://relay.example.com/a") for _ in range(50)
    ]
    assert len(set(await asyncio.gather(*begun))) == 1
    assert len(hostile.receiver.requests) == 1


async def test_a_browser_is_sent_with_all_that_ties_the_answer_to_it(hostile: Hostile) -> None:
    url = await hostile.providers.address(hostile.terms, CHALLENGE, answer_at="https://relay.example.com/a?b=c")
    digest = hashlib.sha256(CHALLENGE.verifier.encode()).digest()
    assert dict(parse_qsl(urlsplit(url).query, strict_parsing=True)) == {
        "response_type": "code",
        "client_id": "relaycast",
        "redirect_uri": "https://relay.example.com/a?b=c",
        "scope": "openid profile email",
        "state": CHALLENGE.state,
        "nonce": CHALLENGE.nonce,
        "code_challenge": encoded(digest),
        "code_challenge_method": "S256",
    }


async def test_a_provider_that_is_away_is_not_asked_by_each_who_comes(hostile: Hostile) -> None:
    hostile.answers(DISCOVERY, answer(503))
    for _ in range(5):
        await hostile.refused("answers 503")
    assert hostile.asked(DISCOVERY) == 1
    hostile.elapsed += 5
    hostile.describe()
    assert (await hostile.redeem()).subject == "0042"


async def test_who_sets_a_provider_up_sees_what_it_says_now(hostile: Hostile) -> None:
    await hostile.providers.check(hostile.terms)
    hostile.answers("/keys", json_answer({"keys": []}))
    hostile.elapsed += 30
    with pytest.raises(IdentityProviderFailed, match="publishes no key"):
        await hostile.providers.check(hostile.terms)
    hostile.describe(token_endpoint_auth_methods_supported=["private_key_jwt"])
    hostile.elapsed += 30
    hostile.answers("/keys", json_answer({"keys": [signing_key("ES256").jwk()]}))
    with pytest.raises(IdentityProviderFailed, match="takes a client's secret neither by"):
        await hostile.providers.check(hostile.terms)
    await hostile.providers.check(replace(hostile.terms, secret=None))


async def test_keys_of_another_place_are_other_keys(hostile: Hostile) -> None:
    await hostile.redeem()
    hostile.elapsed = 1800
    hostile.gives(mint(hostile.claims(), header={"kid": "made up"}))
    await hostile.refused("does not publish")  # so the keys are younger now than what says where they are
    new: Any = signing_key("ES256", 2)
    hostile.describe(jwks_uri=hostile.issuer + "/moved")
    hostile.answers("/moved", json_answer({"keys": [new.jwk()]}))
    hostile.gives(mint(hostile.claims(), key=new))
    hostile.elapsed = 3600
    assert (await hostile.redeem()).subject == "0042"


@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_what_it_repeats_of_a_request_is_not_shown(hostile: Hostile, status: int) -> None:
    told = f"code {CODE}, secret {SECRET}, verifier {CHALLENGE.verifier}"
    hostile.answers("/token", json_answer({"error": "invalid_grant", "error_description": told}, status))
    await hostile.refused("sign in again" if status != 200 else "gives no ID token")


async def test_without_userinfo_or_an_access_token_the_id_token_is_enough(hostile: Hostile) -> None:
    hostile.gives(mint(hostile.claims()), access_token=None)
    assert (await hostile.redeem()).names == ()
    hostile.describe(userinfo_endpoint=None)
    hostile.elapsed += 3600
    hostile.gives(mint(hostile.claims()))
    assert (await hostile.redeem()).names == ()
    assert hostile.asked("/me") == 0
