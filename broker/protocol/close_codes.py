"""WebSocket close codes. Below 4500 the peer may come back (after `retry_after_s`); from 4500 on it must not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CloseCode:
    """A code, the reason sent with it, and whether to come back."""

    code: int
    reason: str
    retry_after_s: float | None
    """None: do not come back."""


DRAINING = CloseCode(4400, "this gateway is shutting down; reconnect", 0.1)
SLOW_CONSUMER = CloseCode(4408, "the queue to this peer was full; reconnect and resume", 1.0)
STORE_AWAY = CloseCode(4410, "the store is away; reconnect", 1.0)
HELLO_TIMEOUT = CloseCode(4411, "no hello in time", 1.0)
SILENT = CloseCode(4412, "commands were not acknowledged; reconnect", 0.1)
BAD_MESSAGE = CloseCode(4500, "a message broke the protocol", None)
UNAUTHENTICATED = CloseCode(4501, "the token is unknown, revoked or expired", None)
NOT_PERMITTED = CloseCode(4503, "the token is not for this", None)
UNKNOWN = CloseCode(4504, "no such session or agent", None)
SUPERSEDED = CloseCode(4509, "a newer connection of the same proxy has taken over", None)
PROTOCOL_VERSION = CloseCode(4526, "this protocol version is not spoken here; upgrade", None)

ALL = (
    DRAINING,
    SLOW_CONSUMER,
    STORE_AWAY,
    HELLO_TIMEOUT,
    SILENT,
    BAD_MESSAGE,
    UNAUTHENTICATED,
    NOT_PERMITTED,
    UNKNOWN,
    SUPERSEDED,
    PROTOCOL_VERSION,
)


def may_return(code: int) -> bool:
    """Whether a peer closed with `code` should reconnect. Anything outside our range (1006, 1012, …) may."""
    return not 4500 <= code < 4600
