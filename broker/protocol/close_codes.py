"""WebSocket close codes: the one table for every socket that the broker serves, and for the dashboard.

The rule is one of bands: below 4500 the peer may come back (after `retry_after_s`); from 4500 to 4599 it must not, but
for `SLOW_CONSUMER`. Two protocols that are not ours have numbers of their own below 4500 which are final all the same:
graphql-transport-ws, and an agent that dials in. A number that we send means the same on every socket. The dashboard's
`closeCodes.ts` repeats what its socket hears; a test holds it against this.
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

    @property
    def comes_back(self) -> bool:
        """Whether the peer should reconnect."""
        return self.retry_after_s is not None

    def because(self, reason: str) -> CloseCode:
        """The same with a reason of its own, as much of it as a close frame has room for (RFC 6455, section 5.5)."""
        return replace(self, reason=reason.encode("utf-8", "replace")[:_MAX_REASON_BYTES].decode("utf-8", "ignore"))


DRAINING = CloseCode(1012, "this gateway is shutting down; reconnect", 0.1)
"""Earlier versions say 4400, which graphql-transport-ws has for something else."""
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

# graphql-transport-ws: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
INVALID_MESSAGE = CloseCode(4400, "a message is not of the protocol", None)
UNAUTHORIZED = CloseCode(4401, "Unauthorized", None)
"""Something was asked before the connection was acknowledged, or the token has ended."""
FORBIDDEN = CloseCode(4403, "Forbidden", 1.0)
"""The token is unknown, or has expired: a fresh one may do better."""
NOT_ACCEPTABLE = CloseCode(4406, "Subprotocol not acceptable", None)
TOO_LATE = CloseCode(4408, "Connection initialisation timeout", 1.0)
DUPLICATE = CloseCode(4409, "a subscriber with that id exists", None)
INITIALISED_TWICE = CloseCode(4429, "Too many initialisation requests", None)

GRAPHQL = {
    "RESTARTING": DRAINING,
    "INVALID_MESSAGE": INVALID_MESSAGE,
    "UNAUTHORIZED": UNAUTHORIZED,
    "FORBIDDEN": FORBIDDEN,
    "NOT_ACCEPTABLE": NOT_ACCEPTABLE,
    "TOO_LATE": TOO_LATE,
    "DUPLICATE": DUPLICATE,
    "INITIALISED_TWICE": INITIALISED_TWICE,
    "SLOW_CONSUMER": SLOW_CONSUMER,
}
"""What a client of `/graphql` may hear, by its name in the dashboard."""

# An agent that dials in by itself: the CLI takes every code but 1002 and these two as a reason to come back.
AGENT_UNAUTHENTICATED = CloseCode(4001, "the token is unknown, revoked or not for this agent", None)
AGENT_ENDED = CloseCode(4003, "the agent was released or replaced", None)

DIRECT = (AGENT_UNAUTHENTICATED, AGENT_ENDED)


def may_return(code: int) -> bool:
    """Whether a peer of one of our own protocols closed with `code` should reconnect. Anything outside our range
    (1006, 1012, …) may."""
    return code == SLOW_CONSUMER.code or not 4500 <= code < 4600
