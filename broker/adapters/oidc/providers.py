"""Asks identity providers over OpenID Connect: authorization code flow with PKCE.

Sources: OpenID Connect Core 1.0 and Discovery 1.0 (errata set 2), RFC 6749, RFC 7636.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from typing_extensions import override

from broker.adapters.oidc.documents import MENDED_THERE, read_object
from broker.adapters.oidc.id_tokens import Expected, KeyNotKnown, verify
from broker.adapters.oidc.identities import add_userinfo, identity, is_enough
from broker.adapters.oidc.keys import Key, read_keys
from broker.adapters.oidc.metadata import Metadata, address, discovery_url, read_metadata
from broker.adapters.oidc.remembered import Remembered
from broker.adapters.oidc.token_requests import Tokens, read_tokens, refusal, token_request
from broker.domain.errors import IdentityProviderFailed
from broker.domain.outbound.urls import show_host
from broker.domain.people.single_sign_on import Identity, ProviderTerms
from broker.services.ports import ApiAnswer, ApiCalls
from broker.services.ports.single_sign_on import Challenge, IdentityProviders

SCOPE = "openid profile email"
MOST_DOCUMENT_BYTES = 256 * 1024
"""Of a discovery document and of keys; those of large services have less than 20 kB."""
MOST_TOKEN_BYTES = 64 * 1024
"""Of tokens and of userinfo."""
REDEEM_S = 30.0
"""For all that is asked while somebody waits: each call alone may take half of it (`GuardedClient`)."""
_OLDEST_S = 60 * 60.0
"""Of what is remembered of an issuer."""
_YOUNG_S = 30.0
"""Younger than this it is not asked for again, whatever a token names."""


class OidcProviders(IdentityProviders):
    """Implements `IdentityProviders`. One for each process."""

    def __init__(
        self,
        calls: ApiCalls,
        clock: Callable[[], float] = time.time,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock`: Unix time in seconds, by which tokens end; `monotonic`: by which what is remembered gets old."""
        self._calls = calls
        self._clock = clock
        self._metadata: Remembered[Metadata] = Remembered(monotonic=monotonic)
        self._keys: Remembered[tuple[Key, ...]] = Remembered(monotonic=monotonic)

    @override
    async def check(self, terms: ProviderTerms) -> None:
        metadata = await self._about(terms.issuer, oldest_s=_YOUNG_S)
        await self._keys_of(metadata, oldest_s=_YOUNG_S)
        # Whether the secret is right shows at the first sign-in alone; how it is sent shows here.
        secret = None if terms.secret is None else ""
        token_request(metadata, client_id=terms.client_id, client_secret=secret, code="", verifier="", answer_at="")

    @override
    async def address(self, terms: ProviderTerms, challenge: Challenge, *, answer_at: str) -> str:
        metadata = await self._about(terms.issuer)
        digest = hashlib.sha256(challenge.verifier.encode()).digest()
        return address(
            metadata,
            {
                "response_type": "code",
                "client_id": terms.client_id,
                "redirect_uri": answer_at,
                "scope": SCOPE,
                "state": challenge.state,
                "nonce": challenge.nonce,
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            },
        )

    @override
    async def redeem(
        self, terms: ProviderTerms, challenge: Challenge, *, code: str, client_secret: str | None, answer_at: str
    ) -> Identity:
        try:
            async with asyncio.timeout(REDEEM_S):
                return await self._redeem(terms, challenge, code, client_secret, answer_at)
        except TimeoutError:
            raise IdentityProviderFailed(
                f"{show_host(terms.issuer)} takes more than {REDEEM_S:g} s to say who this is: sign in again, and"
                " should it stay so, whoever runs the provider looks why"
            ) from None

    async def _redeem(
        self, terms: ProviderTerms, challenge: Challenge, code: str, client_secret: str | None, answer_at: str
    ) -> Identity:
        metadata = await self._about(terms.issuer)
        request = token_request(
            metadata,
            client_id=terms.client_id,
            client_secret=client_secret,
            code=code,
            verifier=challenge.verifier,
            answer_at=answer_at,
        )
        answer = await self._calls.call(
            "POST", metadata.token_endpoint, body=request.body, headers=request.headers, most=MOST_TOKEN_BYTES + 1
        )
        # Neither may come back in what people, or logs, are told.
        secrets = [each for each in (code, challenge.verifier, client_secret) if each]
        tokens = _tokens(answer, secrets=secrets)
        claims = await self._claims(terms, challenge, metadata, tokens)
        if metadata.userinfo_endpoint and tokens.access_token and not is_enough(claims):
            userinfo = await self._get(
                metadata.userinfo_endpoint,
                what="the answer of the provider's userinfo endpoint",
                most=MOST_TOKEN_BYTES,
                headers={"authorization": f"Bearer {tokens.access_token}"},
            )
            claims = add_userinfo(claims, userinfo)
        return identity(claims, issuer=terms.issuer)

    async def _claims(
        self, terms: ProviderTerms, challenge: Challenge, metadata: Metadata, tokens: Tokens
    ) -> dict[str, Any]:
        """Of an ID token. With keys anew when it was signed with one that is not known: providers change them."""
        expected = Expected(
            issuer=terms.issuer,
            client_id=terms.client_id,
            nonce=challenge.nonce,
            access_token=tokens.access_token,
        )
        keys = await self._keys_of(metadata)
        try:
            return verify(tokens.id_token, keys, expected, now=self._clock())
        except KeyNotKnown:
            renewed = await self._keys_of(metadata, oldest_s=_YOUNG_S)
            return verify(tokens.id_token, renewed, expected, now=self._clock())

    async def _about(self, issuer: str, *, oldest_s: float = _OLDEST_S) -> Metadata:
        async def ask() -> Metadata:
            document = await self._get(
                discovery_url(issuer),
                what=f"the discovery document of {show_host(issuer)}",
                most=MOST_DOCUMENT_BYTES,
                advice="an owner enters the issuer as the provider calls it, not the URL of a page",
            )
            return read_metadata(document, issuer=issuer)

        return await self._metadata.get(issuer, ask, oldest_s=oldest_s)

    async def _keys_of(self, metadata: Metadata, *, oldest_s: float = _OLDEST_S) -> tuple[Key, ...]:
        async def ask() -> tuple[Key, ...]:
            url = metadata.jwks_uri
            return read_keys(
                await self._get(url, what=f"the list of keys of {show_host(url)}", most=MOST_DOCUMENT_BYTES)
            )

        # An issuer that names another place for its keys has other keys.
        return await self._keys.get(f"{metadata.issuer} {metadata.jwks_uri}", ask, oldest_s=oldest_s)

    async def _get(
        self,
        url: str,
        *,
        what: str,
        most: int,
        headers: Mapping[str, str] | None = None,
        advice: str = MENDED_THERE,
    ) -> dict[str, Any]:
        answer = await self._calls.call(
            "GET", url, body=None, headers={"accept": "application/json", **(headers or {})}, most=most + 1
        )
        if answer.status != 200:
            raise _other_status(answer, what=what, advice=advice)
        return read_object(_whole(answer, what=what, most=most), what=what, advice=advice)


def _tokens(answer: ApiAnswer, *, secrets: list[str]) -> Tokens:
    what = "the answer of the provider's token endpoint"
    body = _whole(answer, what=what, most=MOST_TOKEN_BYTES)
    if answer.status == 200:
        return read_tokens(read_object(body, what=what))
    try:
        document = read_object(body, what=what)
    except IdentityProviderFailed:
        raise _other_status(answer, what=what, advice=MENDED_THERE) from None
    raise refusal(document, secrets=secrets)


def _whole(answer: ApiAnswer, *, what: str, most: int) -> bytes:
    if len(answer.body) > most:
        raise IdentityProviderFailed(f"{what} has more than {most // 1024} kB: {MENDED_THERE}")
    return answer.body


def _other_status(answer: ApiAnswer, *, what: str, advice: str) -> IdentityProviderFailed:
    redirect = ", a redirect, and none is followed" if 300 <= answer.status < 400 else ""
    return IdentityProviderFailed(f"{what} is not there: it answers {answer.status}{redirect}; {advice}")
