"""WebSocket close codes.

Below 4500 the peer may come back (after `retry_after_s`); from 4500 on it must not, but for `SLOW_CONSUMER`: its number
is the one that clients of graphql-transport-ws come back after, and one number means the same on every socket.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

_MAX_REASON_BYTES = 123


@dataclass(frozen=True, slots=True)
class CloseCode:
    """A code, the reason sent with it, and whether to come back."""

    code: int
    reason: str
    retry_after_s: float | None
    """None: do not come back."""

    def because(self, reason: str) -> CloseCode:
        """The same with a reason of its own, as much of it as a close frame has room for (RFC 6455, section 5.5)."""
        return replace(self, reason=reason.encode("utf-8", "replace")[:_MAX_REASON_BYTES].decode("utf-8", "ignore"))


DRAINING = CloseCode(4400, "this gateway is shutting down; reconnect", 0.1)
STORE_AWAY = CloseCode(4410, "the store is away; reconnect", 1.0)
HELLO_TIMEOUT = CloseCode(4411, "no hello in time", 1.0)
SILENT = CloseCode(4412, "commands were not acknowledged; reconnect", 0.1)
BROKEN_MESSAGE = CloseCode(4413, "a message could not be read; reconnect and send again what was not acknowledged", 1.0)
ELSEWHERE = CloseCode(
    4414, "this machine id is connected from elsewhere; if its state folder is a copy, start with --new-identity", 2.0
)
NOT_RENEWED = CloseCode(4415, "the short-lived token has ended; renew it and reconnect", 0.1)
BAD_MESSAGE = CloseCode(4500, "the first message broke the protocol", None)
UNAUTHENTICATED = CloseCode(4501, "the token is unknown, revoked or expired", None)
NOT_PERMITTED = CloseCode(4503, "the token is not for this", None)
UNKNOWN = CloseCode(4504, "no such session or agent", None)
SLOW_CONSUMER = CloseCode(4508, "what was sent was not read in time; reconnect, and resume after your last cursor", 1.0)
SUPERSEDED = CloseCode(4509, "a newer connection of the same proxy has taken over", None)
PROTOCOL_VERSION = CloseCode(4526, "this protocol version is not spoken here; upgrade", None)

ALL = (
    DRAINING,
    STORE_AWAY,
    HELLO_TIMEOUT,
    SILENT,
    BROKEN_MESSAGE,
    ELSEWHERE,
    NOT_RENEWED,
    BAD_MESSAGE,
    UNAUTHENTICATED,
    NOT_PERMITTED,
    UNKNOWN,
    SLOW_CONSUMER,
    SUPERSEDED,
    PROTOCOL_VERSION,
)


def may_return(code: int) -> bool:
    """Whether a peer closed with `code` should reconnect. Anything outside our range (1006, 1012, …) may."""
    return code == SLOW_CONSUMER.code or not 4500 <= code < 4600
