"""Whom claims are about: their names, and the domains of addresses that the provider vouches for.

Source: OpenID Connect Core 1.0 (errata set 2), section 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from broker.domain.errors import IdentityProviderFailed
from broker.domain.people.single_sign_on import Identity

_LONGEST_NAME = 200
_LONGEST_DOMAIN = 253
_GOOGLE = "https://accounts.google.com"
_NAMES = ("name", "given_name", "family_name", "preferred_username", "nickname")


def is_enough(claims: dict[str, Any]) -> bool:
    """Whether they have a name and an address: else the provider is asked for more."""
    return bool(_text(claims, "email")) and any(_text(claims, each) for each in _NAMES)


def add_userinfo(claims: dict[str, Any], userinfo: dict[str, Any]) -> dict[str, Any]:
    """Claims of an ID token with what the provider answers besides. Raises `IdentityProviderFailed`.

    What the token says stays. An address and whether it was verified are of one source.
    """
    if userinfo.get("sub") != claims["sub"]:  # section 5.3.2: else nothing of it may be used
        raise IdentityProviderFailed(
            "the provider's userinfo endpoint tells of somebody else than its ID token (sub); whoever runs the provider"
            " mends that"
        )
    wanted = [each for each in _NAMES if not _text(claims, each)]
    if not _text(claims, "email"):
        wanted += ["email", "email_verified"]
    kept = {name: value for name, value in claims.items() if name not in wanted}
    return {**kept, **{name: userinfo[name] for name in wanted if name in userinfo}}


def identity(claims: dict[str, Any], *, issuer: str) -> Identity:
    """Whom verified claims are about."""
    return Identity(
        issuer=issuer,
        subject=claims["sub"],
        names=tuple(dict.fromkeys(filter(None, _names(claims)))),
        domains=tuple(dict.fromkeys(filter(None, _domains(claims, issuer)))),
    )


def _names(claims: dict[str, Any]) -> Iterator[str]:
    yield _text(claims, "name")
    yield f"{_text(claims, 'given_name')} {_text(claims, 'family_name')}".strip()[:_LONGEST_NAME]
    yield _text(claims, "preferred_username")
    yield _text(claims, "nickname")
    yield _text(claims, "email").rpartition("@")[0]


def _domains(claims: dict[str, Any], issuer: str) -> Iterator[str]:
    email, verified = claims.get("email"), claims.get("email_verified")
    # A text where a boolean should be: some services have sent it for years.
    if isinstance(email, str) and (verified is True or verified == "true"):
        local, _, domain = email.rpartition("@")
        yield _domain(domain) if local else ""
    # The company whose account it is; of another issuer the claim may be whatever somebody has typed.
    hosted = claims.get("hd")
    if issuer == _GOOGLE and isinstance(hosted, str):
        yield _domain(hosted)


def _domain(text: str) -> str:
    """As the domains are kept that a workspace lets in."""
    if len(text) > _LONGEST_DOMAIN:
        return ""
    domain = text.strip().lower().rstrip(".")
    try:
        return domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        return ""


def _text(claims: dict[str, Any], name: str) -> str:
    """A claim that is a text, as far as it is kept; '' for any other. Halves of characters are left out."""
    value = claims.get(name)
    if not isinstance(value, str):
        return ""
    return value[:_LONGEST_NAME].encode("utf-8", "ignore").decode().strip()
