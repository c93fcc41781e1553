"""Relay's global ids: the type and the key of a thing in one opaque text."""

from __future__ import annotations

import base64

from strawberry import ID

from broker.domain.errors import BadRequest

_LONGEST = 400


def global_id(kind: str, key: str) -> ID:
    """The id of a thing, the same for ever."""
    return ID(base64.b64encode(f"{kind}:{key}".encode()).decode())


def read_id(text: str) -> tuple[str, str]:
    """The type and the key. Raises `BadRequest` (INVALID_ID)."""
    try:
        decoded = base64.b64decode(text[:_LONGEST], validate=True).decode()
    except ValueError:  # not ASCII, not base64, or not UTF-8
        decoded = ""
    kind, colon, key = decoded.partition(":")
    if not colon or not kind.isalpha() or not key:
        raise BadRequest(f"{text[:80]!r} is not the id of anything: take it from a field called id", code="INVALID_ID")
    return kind, key


def key_of(kind: str, text: str) -> str:
    """The key behind the id of a thing of that type; a key itself is taken as it is. Raises `BadRequest`."""
    try:
        found, key = read_id(text)
    except BadRequest:
        return text[:_LONGEST]
    if found == kind:
        return key
    raise BadRequest(f"{text[:80]!r} is the id of a {found}; a {kind} is wanted here", code="INVALID_ID")
