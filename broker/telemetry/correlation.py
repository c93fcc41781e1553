"""The id of the request that is being served: log lines bear it, and the answer says it."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

HEADER = b"x-request-id"
_GIVEN = re.compile(rb"[0-9A-Za-z._-]{8,64}")
_current: ContextVar[str | None] = ContextVar("relaycast_request", default=None)


def begin_request(given: bytes | None) -> str:
    """Name the request that this task serves from here on: as a proxy before us did, where that can be a name."""
    name = given.decode() if given is not None and _GIVEN.fullmatch(given) else secrets.token_hex(8)
    _current.set(name)
    return name


def current_request() -> str | None:
    """The request that this task serves, if it does."""
    return _current.get()
