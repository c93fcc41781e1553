"""The flow against a certified OpenID Provider: with a secret, in header and body, and without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx
import pytest

from broker.adapters.oidc.providers import OidcProviders
from broker.adapters.outbound.client import GuardedClient
from broker.domain.errors import IdentityProviderFailed
from broker.domain.outbound.addresses import AddressPolicy
from broker.domain.people.single_sign_on import Identity, ProviderTerms
from broker.services.ports.single_sign_on import Challenge
from tests.fixtures.identity_provider import (
    CLIENT,
    CLIENT_BY_POST,
    CLIENT_SECRET,
    PUBLIC_CLIENT,
    CertifiedProvider,
    follow,
    identity_provider,
)

ANSWER_AT = "http://127.0.0.1:9/v1/single-sign-on/answer"
CHALLENGE = Challenge(state="state-of-it", nonce="nonce-of-it", verifier="v" * 43)
SECRETS = {CLIENT: CLIENT_SECRET, CLIENT_BY_POST: CLIENT_SECRET, PUBLIC_CLIENT: None}


@dataclass(slots=True)
class Clock:
    """Seconds that pass when they are told to."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A broker's part of signing in, and a browser's."""

    provider: CertifiedProvider
    providers: OidcProviders
    browser: httpx.AsyncClient
    monotonic: Clock

    def terms(self, client: str = CLIENT) -> ProviderTerms:
        return ProviderTerms(issuer=self.provider.issuer, client_id=client)

    async def answer(self, client: str = CLIENT) -> dict[str, str]:
        """What comes back with the browser."""
        url = await self.providers.address(self.terms(client), CHALLENGE, answer_at=ANSWER_AT)
        return await follow(url, browser=self.browser)

    async def redeem(
        self, code: str, client: str = CLIENT, *, challenge: Challenge = CHALLENGE, secret: str | None = None
    ) -> Identity:
        return await self.providers.redeem(
            self.terms(client),
            challenge,
            code=code,
            client_secret=secret or SECRETS[client],
            answer_at=ANSWER_AT,
        )

    async def sign_in(self, client: str = CLIENT) -> Identity:
        return await self.redeem((await self.answer(client))["code"], client)


@pytest.fixture
async def flow() -> AsyncIterator[Flow]:
    guarded = GuardedClient(AddressPolicy(["127.0.0.0/8"]))
    monotonic = Clock()
    async with identity_provider(answer_at=[ANSWER_AT]) as provider, httpx.AsyncClient(trust_env=False) as browser:
        providers = OidcProviders(guarded, monotonic=monotonic)
        yield Flow(provider=provider, providers=providers, browser=browser, monotonic=monotonic)
    await guarded.close()


@pytest.mark.parametrize("client", SECRETS)
async def test_whoever_the_provider_lets_in_is_known_by_what_it_calls_them(flow: Flow, client: str) -> None:
    await flow.providers.check(replace(flow.terms(client), secret=SECRETS[client] and "sso"))
    found = await flow.sign_in(client)
    assert found == Identity(
        issuer=flow.provider.issuer, subject="ada", names=("Ada L.", "ada"), domains=("example.com",)
    )


async def test_the_answer_has_the_state_and_the_issuer(flow: Flow) -> None:
    answer = await flow.answer()
    assert (answer["state"], answer["iss"]) == (CHALLENGE.state, flow.provider.issuer)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_tokens_are_believed_by_each_algorithm_and_with_the_claims_in_them(flow: Flow, algorithm: str) -> None:
    await flow.provider.set(algorithm=algorithm, inToken=True)
    assert (await flow.sign_in()).names == ("Ada L.", "ada")


async def test_an_address_that_the_provider_has_not_verified_counts_for_no_domain(flow: Flow) -> None:
    await flow.provider.sign_in(sub="eve", name="Eve", email="eve@example.com", email_verified=False)
    found = await flow.sign_in()
    assert (found.subject, found.domains) == ("eve", ())


async def test_another_account_in_the_same_browser_is_somebody_else(flow: Flow) -> None:
    first = await flow.sign_in()
    await flow.provider.sign_in(sub="bob", given_name="Bob", family_name="B.")
    second = await flow.sign_in()
    assert (first.subject, second.subject, second.names) == ("ada", "bob", ("Bob B.",))
    assert first.key != second.key


async def test_keys_that_were_changed_are_asked_for_anew_once_in_a_while(flow: Flow) -> None:
    await flow.sign_in()
    await flow.provider.set(keys="second")
    with pytest.raises(IdentityProviderFailed, match="a key that the provider does not publish"):
        await flow.sign_in()
    flow.monotonic.now += 31
    assert (await flow.sign_in()).subject == "ada"


async def test_a_code_is_good_once(flow: Flow) -> None:
    code = (await flow.answer())["code"]
    await flow.redeem(code)
    with pytest.raises(IdentityProviderFailed, match="the code was used already, or is too old") as refused:
        await flow.redeem(code)
    assert code not in refused.value.message


async def test_a_code_is_of_no_use_without_what_pkce_ties_it_to(flow: Flow) -> None:
    code = (await flow.answer())["code"]
    other = replace(CHALLENGE, verifier="w" * 43)
    with pytest.raises(IdentityProviderFailed, match="the code was used already, or is too old"):
        await flow.redeem(code, challenge=other)


async def test_a_code_of_another_sign_in_is_noticed_by_its_nonce(flow: Flow) -> None:
    code = (await flow.answer())["code"]
    with pytest.raises(IdentityProviderFailed, match=r"not of this sign-in \(nonce\)"):
        await flow.redeem(code, challenge=replace(CHALLENGE, nonce="another"))


@pytest.mark.parametrize("client", [CLIENT, CLIENT_BY_POST])
async def test_a_wrong_secret_is_told_in_words_and_not_shown(flow: Flow, client: str) -> None:
    code = (await flow.answer(client))["code"]
    with pytest.raises(IdentityProviderFailed, match="its secret is another one: an owner looks at") as refused:
        await flow.redeem(code, client, secret="guessed-wrong")
    assert "guessed-wrong" not in refused.value.message


async def test_who_is_refused_comes_back_with_the_providers_code_for_it(flow: Flow) -> None:
    await flow.provider.set(refusal="access_denied")
    answer = await flow.answer()
    assert (answer["error"], answer["state"]) == ("access_denied", CHALLENGE.state)


async def test_a_client_that_is_not_there_shows_at_the_provider(flow: Flow) -> None:
    url = await flow.providers.address(flow.terms("nobody"), CHALLENGE, answer_at=ANSWER_AT)
    shown = await flow.browser.get(url)
    assert shown.status_code == 400
    assert "invalid_client" in shown.text


async def test_another_spelling_of_the_issuer_is_refused_in_words(flow: Flow) -> None:
    terms = replace(flow.terms(), issuer=flow.provider.issuer + "/")
    with pytest.raises(IdentityProviderFailed, match="an owner enters the issuer like that, letter for letter"):
        await flow.providers.check(terms)
