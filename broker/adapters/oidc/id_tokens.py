"""Whether an ID token is the provider's, for us and for this sign-in; pure, the clock is an argument.

Sources: OpenID Connect Core 1.0 (errata set 2), sections 2, 3.1.3.6 and 3.1.3.7; RFC 7519; RFC 8725.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt

from broker.adapters.oidc.documents import read_object, shown
from broker.adapters.oidc.keys import ALGORITHMS, Key
from broker.domain.errors import IdentityProviderFailed
from broker.domain.people.single_sign_on import is_subject

LEEWAY_S = 60
"""Between the provider's clock and ours."""
OLDEST_S = 24 * 60 * 60
"""A token is made for the sign-in that asks for it: one of yesterday is another's."""
_LEAST_RSA_BITS = 2048
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


class KeyNotKnown(IdentityProviderFailed):
    """A token was signed with a key that is not among those at hand: the provider may have new ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the ID token of this sign-in must say."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    access_token: str | None = field(default=None, repr=False)
    """The one that came with it."""


def verify(token: str, keys: Sequence[Key], expected: Expected, *, now: float) -> dict[str, Any]:
    """The claims of an ID token. `now`: Unix time in seconds.

    Raises `KeyNotKnown` when other keys may help, and `IdentityProviderFailed` for what is not believed.
    """
    header, claims_segment = _take_apart(token)
    algorithm = _algorithm(header)
    _verify_signature(token, _candidates(header, algorithm, keys), algorithm)
    claims = read_object(_decode(claims_segment), what="the provider's ID token")
    _check_parties(claims, expected)
    _check_times(claims, now=now)
    _check_nonce(claims, expected)
    _check_access_token(claims, expected, algorithm)
    if not isinstance(claims.get("sub"), str) or not is_subject(claims["sub"]):
        raise IdentityProviderFailed(
            "the provider's ID token names nobody: its `sub` has 1 to 255 printable ASCII characters"
        )
    return claims


def _take_apart(token: str) -> tuple[dict[str, Any], str]:
    """Header and claims, the latter as they were sent."""
    segments = token.split(".")
    if len(segments) != 3:
        raise IdentityProviderFailed(
            "the provider's ID token is no signed JWT; its administrator turns encryption of ID tokens off"
        )
    return read_object(_decode(segments[0]), what="the header of the provider's ID token"), segments[1]


def _decode(segment: str) -> bytes:
    try:
        return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise IdentityProviderFailed("the provider's ID token is no signed JWT: a part of it is no base64url") from None


def _algorithm(header: dict[str, Any]) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise IdentityProviderFailed(
            f"the provider's ID token is signed with {shown(algorithm) or 'nothing'!r}, which is not believed; its"
            " administrator chooses one of " + ", ".join(ALGORITHMS)
        )
    if "crit" in header:
        raise IdentityProviderFailed(
            "the provider's ID token asks for an extension that is not known here (crit); its administrator turns that"
            " off"
        )
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") != "jwt":
        # RFC 8725, section 3.11: access tokens and others say what they are.
        raise IdentityProviderFailed("the provider's ID token says that it is a token of another kind (typ)")
    return algorithm


def _candidates(header: dict[str, Any], algorithm: str, keys: Sequence[Key]) -> list[Key]:
    """The keys that it may be signed with: those it names, or, naming none, the one that there is."""
    kid = header.get("kid")
    if kid is None:
        fitting = [each for each in keys if each.fits(algorithm)]
        if len(fitting) > 1:
            raise IdentityProviderFailed(
                "the provider's ID token does not say which of the provider's keys it is signed with (kid); whoever"
                " runs the provider mends that"
            )
        if not fitting:
            raise KeyNotKnown(
                f"the provider's ID token is signed with {algorithm}, and the provider publishes no such key"
            )
        return fitting
    if not isinstance(kid, str):
        raise IdentityProviderFailed("the provider's ID token names its key by what is no text (kid)")
    named = [each for each in keys if each.kid == kid]
    if not named:
        raise KeyNotKnown("the provider's ID token is signed with a key that the provider does not publish")
    fitting = [each for each in named if each.fits(algorithm)]
    if not fitting:
        raise IdentityProviderFailed(
            f"the provider's ID token is signed with {algorithm}, and the key that it names is for another algorithm"
        )
    return fitting


def _verify_signature(token: str, candidates: list[Key], algorithm: str) -> None:
    if not any(_is_signed(token, each, algorithm) for each in candidates):
        if candidates[0].kid is None:
            # Without a name, a new key looks like the old one.
            raise KeyNotKnown("the provider's ID token is not signed with the key that the provider publishes")
        raise IdentityProviderFailed(
            "the signature of the provider's ID token is wrong: somebody may have changed it on its way"
        )


def _is_signed(token: str, key: Key, algorithm: str) -> bool:
    """Bound to the algorithm before the token is looked at. A key that is none signs nothing."""
    try:
        made = jwt.PyJWK(dict(key.jwk), algorithm=algorithm)
        if key.jwk["kty"] == "RSA" and made.key.key_size < _LEAST_RSA_BITS:
            raise IdentityProviderFailed(
                f"the provider signs with an RSA key of less than {_LEAST_RSA_BITS} bits; its administrator sets a"
                " longer one"
            )
        jwt.PyJWS(algorithms=[algorithm]).decode_complete(token, key=made, algorithms=[algorithm])
    except (jwt.PyJWTError, ValueError, TypeError):
        return False
    return True


def _check_parties(claims: dict[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise IdentityProviderFailed(
            f"the provider's ID token is of another issuer, {shown(claims.get('iss'))!r}; an owner enters that which"
            " signs"
        )
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in audiences or not all(isinstance(each, str) for each in audiences):
        raise IdentityProviderFailed("the provider's ID token is for another client (aud); an owner looks at client_id")
    authorized = claims.get("azp")
    if (authorized is not None or len(audiences) > 1) and authorized != expected.client_id:
        raise IdentityProviderFailed(
            "the provider's ID token was given to another client (azp); an owner looks at client_id"
        )


def _check_times(claims: dict[str, Any], *, now: float) -> None:
    ends, issued = _instant(claims, "exp"), _instant(claims, "iat")
    begins = _instant(claims, "nbf") if "nbf" in claims else issued
    behind = "; sign in again, and should it stay so, the provider's clock or this broker's is wrong"
    if ends <= now - LEEWAY_S:
        raise IdentityProviderFailed("the provider's ID token has ended already" + behind)
    if max(issued, begins) > now + LEEWAY_S:
        raise IdentityProviderFailed("the provider's ID token begins in the future" + behind)
    if issued < now - OLDEST_S:
        raise IdentityProviderFailed("the provider's ID token is more than a day old" + behind)


def _instant(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise IdentityProviderFailed(f"the provider's ID token does not say in seconds when it is good ({name})")
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise IdentityProviderFailed(f"the provider's ID token is good at no time that there is ({name})")
    return seconds


def _check_nonce(claims: dict[str, Any], expected: Expected) -> None:
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(_octets(nonce), _octets(expected.nonce)):
        raise IdentityProviderFailed("the provider's ID token is not of this sign-in (nonce): sign in again")


def _check_access_token(claims: dict[str, Any], expected: Expected, algorithm: str) -> None:
    """That both came from one answer (section 3.1.3.6): the left half of the hash, by the signature's algorithm."""
    if "at_hash" not in claims:
        return
    hashed, token = claims["at_hash"], expected.access_token
    if isinstance(hashed, str) and token is not None:
        # Ed25519 signs with SHA-512 (RFC 8032, section 5.1).
        digest = _HASHES.get(algorithm[-3:], hashlib.sha512)(_octets(token)).digest()
        half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
        if hmac.compare_digest(half, _octets(hashed.rstrip("="))):
            return
    raise IdentityProviderFailed("the provider's ID token came with the access token of another sign-in (at_hash)")


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
