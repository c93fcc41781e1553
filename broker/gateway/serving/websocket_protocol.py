"""uvicorn's WebSocket protocol with bounds for peers that do not read and for those that nobody knows yet, and text
messages without a task switch.

An ASGI `send` is a coroutine, a walk through the protocol's states and a system call for each message of each peer.
Fanning one message out to a hundred peers is nothing but that. The addition is offered to applications as the ASGI
extension `relaycast.outbox`: what is written in one go of the event loop leaves in one system call for each peer.
"""

from __future__ import annotations

import asyncio
from asyncio.transports import BaseTransport
from functools import lru_cache
from typing import Any

from typing_extensions import override
from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Request

from broker.gateway.serving.taking import LEAST_TAKEN_BYTES, count_taken
from broker.gateway.serving.visitors import ServerConfig, Visitor, serving
from broker.protocol.close_codes import SLOW_CONSUMER
from broker.telemetry import CUT_OFF

EXTENSION = "relaycast.outbox"
_HIGH_WATER_BYTES = 256 * 1024
"""What may wait for one peer; beyond it the peer has fallen behind."""
_AT_ONCE_BYTES = 64 * 1024
"""More than this is not gathered: the peer may as well begin to read."""
_LAST_WORDS_S = 10.0
"""For a peer that reads slowly to come to the close frame; then its connection is cut."""
_PING_BYTES = 6
_LAST_WORDS_AT_SHUTDOWN_S = 1.0
"""The same when the process waits for it to end."""
_AFTER_CLOSE_BYTES = 1024 * 1024
_LINKS = ("/proxy", "/agent/")
"""Where agents' frames come in; what else is said to us is short."""
_LARGEST_OTHERWISE = 4 * 1024 * 1024
"""A million characters."""
_TEXT = 0x81
_LENGTH_16 = 126
_LENGTH_64 = 127


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Offers itself as `relaycast.outbox`: `has_room`, `write`, `room` and `hang_up`.

    Whoever waits for room waits at most `unread_s`: a peer that takes next to nothing in that time is hung up on,
    whatever kind of socket it is. Nothing is read before the application asks for it, and of a peer that nobody has
    authenticated little is.
    """

    has_room = True
    """Whether the next message can be written without queueing it."""
    _unread: asyncio.TimerHandle | None = None
    _taken_at_ping = 0

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        *,
        visitor: Visitor,
        client: tuple[str, int] | None,
        secure: bool,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self.unread_s = config.door.unread_s
        self._limits = config.door.limits
        self._path = config.door.path
        self._visitor = visitor
        self._came_from = client
        self._is_secure = secure
        self._received_bytes = 0
        self._asked = False
        self._late: asyncio.TimerHandle | None = None
        self._cut: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.client = self._came_from
        self.scheme = "wss" if self._is_secure else "ws"
        self.transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0

    @override
    def data_received(self, data: bytes) -> None:
        if self.handshake_initiated and not self._visitor.known:
            self._received_bytes += len(data)
            # One that is being refused may have sent its whole greeting already; it is to read why.
            if self._received_bytes > (_AFTER_CLOSE_BYTES if self.close_sent else self._limits.stranger_bytes):
                self._turn_away("too_much")
                return
        super().data_received(data)

    @override
    async def receive(self) -> ASGIReceiveEvent:
        """What the peer says. The first is the upgrade itself, and what comes after it stays unread until asked for."""
        if self._asked and self.read_paused and self.queue.empty():
            self.read_paused = False
            self.transport.resume_reading()
        if self._asked:
            return await super().receive()
        self._asked = True
        return await self.queue.get()

    @override
    def handle_connect(self, event: Request) -> None:
        serving(self._visitor)
        super().handle_connect(event)
        if self.close_sent:
            return
        if not self.scope["path"].removeprefix(self._path).startswith(_LINKS):
            self.conn.max_message_size = _LARGEST_OTHERWISE
        self.read_paused = True
        self.transport.pause_reading()
        self._late = self.loop.call_later(self._limits.stranger_s, self._turn_away, "unknown")
        self._visitor.once_known(self._late.cancel)
        if not self.conn.extensions:  # with compression, a message is not what it says
            # uvicorn's types allow extensions that are dictionaries; ASGI leaves to each what it is.
            extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment]
            extensions[EXTENSION] = self

    @override
    def pause_writing(self) -> None:
        self.has_room = False
        self._watch()
        super().pause_writing()

    @override
    def resume_writing(self) -> None:
        self._stop_watching()
        super().resume_writing()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()  # whoever waits for room is to find out
        self._visitor.leave()
        for timer in (self._late, self._cut):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def _stop_watching(self) -> None:
        self.has_room = True
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _watch(self) -> None:
        self._unread = self.loop.call_later(self.unread_s, self._look, count_taken(self.transport))

    def _look(self, before: int) -> None:
        if count_taken(self.transport) > before + LEAST_TAKEN_BYTES:
            self._watch()
        else:
            self.hang_up(SLOW_CONSUMER.code, SLOW_CONSUMER.reason)

    @override
    def handle_ping(self) -> None:
        answer = b"".join(self.conn.data_to_send())
        if self.has_room:  # else pongs could pile up without end; only the latest ping has to be answered
            self.transport.write(answer)

    @override
    def send_keepalive_ping(self) -> None:
        self._taken_at_ping = count_taken(self.transport)
        super().send_keepalive_ping()

    @override
    def keepalive_timeout(self) -> None:
        # Our ping may wait behind what the peer has yet to read: whether it does so is what counts.
        if not self.has_room or count_taken(self.transport) > self._taken_at_ping + _PING_BYTES:
            self.pong_timer = None
            self.pending_ping_payload = None
            self.schedule_ping()
            return
        super().keepalive_timeout()
        self._cut_after(_LAST_WORDS_S)  # closing waits for the peer to read

    @override
    async def send(self, message: ASGISendEvent) -> None:
        self._flush()
        await super().send(message)
        if self.close_sent:
            self._cut_after(_LAST_WORDS_S)

    @override
    def shutdown(self) -> None:
        self._flush()
        super().shutdown()
        self._cut_after(_LAST_WORDS_AT_SHUTDOWN_S)

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
        self._stop_watching()
        self.writable.set()  # whoever waits for room is to find out: nothing is written any more
        if self.read_paused:  # else its own close frame would not be seen
            self.read_paused = False
            self.transport.resume_reading()

    def _cut_after(self, seconds: float) -> None:
        if self._cut is not None:
            self._cut.cancel()
        self._cut = self.loop.call_later(seconds, self.transport.abort)

    def _turn_away(self, why: str) -> None:
        CUT_OFF.labels(why).inc()
        self.transport.abort()

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
