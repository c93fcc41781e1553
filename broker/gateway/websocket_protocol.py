"""uvicorn's WebSocket protocol with one addition: text messages that are written without a task switch.

An ASGI `send` is a coroutine, a walk through the protocol's states and a system call for each message of each peer.
Fanning one message out to a hundred peers is nothing but that. The addition is offered to applications as the ASGI
extension `relaycast.outbox`: what is written in one go of the event loop leaves in one system call for each peer.
"""

from __future__ import annotations

from asyncio.transports import BaseTransport
from functools import lru_cache

from typing_extensions import override
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION = "relaycast.outbox"
_HIGH_WATER_BYTES = 256 * 1024
"""What may wait for one peer; beyond it the peer has fallen behind."""
_AT_ONCE_BYTES = 64 * 1024
"""More than this is not gathered: the peer may as well begin to read."""
_LAST_WORDS_S = 10.0
"""For a peer that reads slowly to come to the close frame; then its connection is cut."""
_TEXT = 0x81
_LENGTH_16 = 126
_LENGTH_64 = 127


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Offers itself as `relaycast.outbox`: `has_room`, `write`, `room` and `hang_up`."""

    has_room = True
    """Whether the next message can be written without queueing it."""

    @override
    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0

    @override
    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent and not self.conn.extensions:  # with compression, a message is not what it says
            # uvicorn's types allow extensions that are dictionaries; ASGI leaves to each what it is.
            extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment]
            extensions[EXTENSION] = self

    @override
    def pause_writing(self) -> None:
        self.has_room = False
        super().pause_writing()

    @override
    def resume_writing(self) -> None:
        self.has_room = True
        super().resume_writing()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.has_room = True  # whoever waits for room is to find out
        super().connection_lost(exc)

    @override
    async def send(self, message: ASGISendEvent) -> None:
        self._flush()
        await super().send(message)

    @override
    def shutdown(self) -> None:
        self._flush()
        super().shutdown()

    def write(self, head: bytes, tail: bytes = b"") -> None:
        """Send a text message, given in two parts, in this go of the event loop."""
        size = len(head) + len(tail)
        if not self._gathered:
            self.loop.call_soon(self._flush)
        self._gathered += (text_header(size), head, tail)
        self._gathered_bytes += size
        if self._gathered_bytes > _AT_ONCE_BYTES:
            self._flush()

    async def room(self) -> None:
        """Wait until the peer has taken most of what it was sent, or is gone."""
        await self.writable.wait()

    def hang_up(self, code: int, reason: str) -> None:
        """Close without waiting for a peer that may not read at all."""
        self._flush()
        if self.close_sent or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(_LAST_WORDS_S, self.transport.abort)

    def _flush(self) -> None:
        if self._gathered and not (self.close_sent or self.transport.is_closing()):
            self.transport.write(b"".join(self._gathered))
        self._gathered.clear()
        self._gathered_bytes = 0


@lru_cache(maxsize=4096)
def text_header(length: int) -> bytes:
    """The frame header of a whole text message as a server writes it: unmasked."""
    if length < _LENGTH_16:
        return bytes((_TEXT, length))
    if length < 1 << 16:
        return bytes((_TEXT, _LENGTH_16)) + length.to_bytes(2, "big")
    return bytes((_TEXT, _LENGTH_64)) + length.to_bytes(8, "big")
