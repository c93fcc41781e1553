"""The keys with which a provider signs, and which of them a token may have been signed with.

Sources: RFC 7517 (JWK), RFC 7518 (JWA), RFC 8725 (best practices; an algorithm is never what a token alone says).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from broker.domain.errors import IdentityProviderFailed

ALGORITHMS: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""What ID tokens may be signed with, and the `kty` and `crv` of a key for it. None needs a secret of ours."""
MOST_KEYS = 50
"""Of an issuer that are kept; large services publish about ten."""
_LONGEST = {"n": 1400, "e": 11, "x": 100, "y": 100, "kid": 1024}
"""Characters of a member. 1366 are an RSA key of 8192 bits, 11 an exponent of 64: the work of a check stays small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A public key that signs."""

    jwk: dict[str, str]
    """The members that make the key, and no other."""
    kid: str | None
    alg: str | None
    """The only algorithm that it is for; None: whichever agrees with its kind."""

    def fits(self, algorithm: str) -> bool:
        """Whether a token that says so may have been signed with it."""
        kty, curve = ALGORITHMS[algorithm]
        return self.alg in {None, algorithm} and self.jwk["kty"] == kty and self.jwk.get("crv") == curve


def read_keys(document: dict[str, Any]) -> tuple[Key, ...]:
    """The keys of a JWK Set with which ID tokens may be signed. Raises `IdentityProviderFailed` when there is none.

    Others are left out, as RFC 7517, section 5, says: for encryption, symmetric, of kinds that are not known. A key
    that is published with its private part is nobody's alone, and left out too.
    """
    listed = document.get("keys")
    found = tuple(_usable(listed)) if isinstance(listed, list) else ()
    if not found:
        raise IdentityProviderFailed(
            "the provider publishes no key with which it could sign ID tokens so that they are believed; its"
            " administrator sets one of " + ", ".join(ALGORITHMS)
        )
    return found


def _usable(listed: Iterable[Any]) -> Iterator[Key]:
    kept = 0
    for each in listed:
        key = _key(each) if isinstance(each, dict) else None
        if key is not None and kept < MOST_KEYS:
            kept += 1
            yield key


def _key(given: dict[str, Any]) -> Key | None:
    members = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}
    kty, kid, alg = given.get("kty"), given.get("kid"), given.get("alg")
    if not isinstance(kty, str) or kty not in members or "d" in given or not _is_for_signing(given):
        return None
    jwk = {name: given.get(name) for name in members[kty]}
    texts = {name: value for name, value in jwk.items() if isinstance(value, str) and _is_short(name, value)}
    if texts.keys() != jwk.keys() or not _is_optional_text("kid", kid) or not _is_optional_text("alg", alg):
        return None
    return Key(jwk=texts, kid=kid, alg=alg)


def _is_for_signing(given: dict[str, Any]) -> bool:
    if given.get("use", "sig") != "sig":
        return False
    operations = given.get("key_ops", ["verify"])
    return isinstance(operations, list) and "verify" in operations


def _is_short(name: str, value: str) -> bool:
    return len(value) <= _LONGEST.get(name, 20)


def _is_optional_text(name: str, value: object) -> bool:
    return value is None or (isinstance(value, str) and _is_short(name, value))
