"""The way to one peer, and the rule for one that does not read."""

from __future__ import annotations

import asyncio
from typing import Protocol

from starlette.websockets import WebSocket

from graphql_api.transport import CloseCode

_EXTENSION = "relaycast.outbox"
_DRAIN_S = 30.0
"""A peer that has not taken by then what waits for it does not read."""


class Outbox(Protocol):
    """Writing without a task switch: what `broker/gateway/websocket_protocol.py` adds to ASGI."""

    has_room: bool
    """Whether the next message can be written without queueing it."""

    def write(self, head: bytes, tail: bytes = b"") -> None:
        """Send a text message, given in two parts, in this go of the event loop."""

    async def room(self) -> None:
        """Wait until the peer has taken most of what it was sent, or is gone."""

    def hang_up(self, code: int, reason: str) -> None:
        """Close without waiting for a peer that may not read at all."""


def outbox_of(websocket: WebSocket) -> Outbox:
    """The way to the peer of a connection."""
    outbox: Outbox = websocket.scope["extensions"][_EXTENSION]
    return outbox


class HungUp(Exception):
    """The peer did not read, so nothing more can be said to it."""


async def until_room(outbox: Outbox) -> None:
    """Wait for a peer that has fallen behind; one that does not read is hung up on. Raises `HungUp`."""
    if outbox.has_room:
        return
    try:
        async with asyncio.timeout(_DRAIN_S):
            await outbox.room()
    except TimeoutError:
        outbox.hang_up(CloseCode.SLOW_CONSUMER, f"nothing was read for {_DRAIN_S:.0f} s; resume after your last cursor")
        raise HungUp from None
