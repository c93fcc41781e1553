"""The bounded queue to one peer; it disconnects a peer that does not read, so that no writer waits for ever."""

from __future__ import annotations

from typing import Protocol

from starlette.websockets import WebSocket

_EXTENSION = "relaycast.outbox"


class Outbox(Protocol):
    """Writing without a task switch: what `broker/gateway/serving/websocket_protocol.py` adds to ASGI."""

    has_room: bool
    """Whether the next message can be written without queueing it."""

    def write(self, head: bytes, tail: bytes = b"") -> None:
        """Send a text message, given in two parts, in this go of the event loop."""

    async def room(self) -> None:
        """Wait until the peer has taken most of what it was sent, or is gone: then what is written is dropped."""

    def hang_up(self, code: int, reason: str) -> None:
        """Close without waiting for a peer that may not read at all."""


def outbox_of(websocket: WebSocket) -> Outbox:
    """The way to the peer of a connection."""
    outbox: Outbox = websocket.scope["extensions"][_EXTENSION]
    return outbox


async def until_room(outbox: Outbox) -> None:
    """Wait for a peer that has fallen behind."""
    if not outbox.has_room:
        await outbox.room()
