"""What a provider sends as JSON, read strictly, and its words as they may be shown to people."""

from __future__ import annotations

import json
from typing import Any

from broker.domain.errors import IdentityProviderFailed

MENDED_THERE = "whoever runs the provider mends that"
"""What is said of a fault that nobody here has made."""
_MOST_SHOWN = 200


def read_object(body: bytes, *, what: str, advice: str = MENDED_THERE) -> dict[str, Any]:
    """The JSON object that `body` is; `what` names it for people. Raises `IdentityProviderFailed` with the advice.

    Of members with one name, two readers may each believe another one (RFC 8725, section 2.4): they are refused.
    """
    try:
        read = json.loads(body.decode("utf-8"), object_pairs_hook=_members, parse_constant=_refuse_constant)
    except _TwiceNamed:
        raise IdentityProviderFailed(f"{what} names a member twice: {advice}") from None
    except (ValueError, RecursionError):
        # Not UTF-8, no JSON, too deep for any honest document, or a number of more digits than Python reads.
        raise IdentityProviderFailed(f"{what} is no JSON that can be read: {advice}") from None
    if not isinstance(read, dict):
        raise IdentityProviderFailed(f"{what} is no JSON object: {advice}")
    return read


def shown(text: object) -> str:
    """A provider's words for people: characters that are seen, not many of them; '' for what is no text."""
    if not isinstance(text, str):
        return ""
    return "".join(each if each.isprintable() else "?" for each in text[:_MOST_SHOWN])


class _TwiceNamed(Exception):
    """An object has two members of one name."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _TwiceNamed
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and the infinities are no JSON (RFC 8259, section 6)
