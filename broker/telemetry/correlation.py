"""What the request that is being served is called, and which trace it is of: log lines and messages bear these."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

from broker.domain.traces.context import TraceContext, read_traceparent

HEADER = b"x-request-id"
TRACE_HEADER = b"traceparent"
_GIVEN = re.compile(rb"[0-9A-Za-z._-]{8,64}")
_current: ContextVar[str | None] = ContextVar("relaycast_request", default=None)
_cause: ContextVar[TraceContext | None] = ContextVar("relaycast_cause", default=None)


def begin_request(given: bytes | None) -> str:
    """Name the request that this task serves from here on: as a proxy before us did, where that can be a name."""
    name = given.decode() if given is not None and _GIVEN.fullmatch(given) else secrets.token_hex(8)
    _current.set(name)
    return name


def current_request() -> str | None:
    """The request that this task serves, if it does."""
    return _current.get()


def follow_trace(given: bytes | None) -> None:
    """What this task does follows from there, as its caller said (https://www.w3.org/TR/trace-context/)."""
    _cause.set(read_traceparent(given.decode("latin-1").strip()) if given is not None else None)


def current_cause() -> TraceContext | None:
    """What this task's work follows from; None where nobody has said."""
    return _cause.get()
