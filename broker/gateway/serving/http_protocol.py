"""uvicorn's HTTP protocol with deadlines: for the head, the body, the time between requests, and the peer's reading.

uvicorn has a timer for idle connections alone, and llhttp has no bounds at all: without these a peer holds a socket
for ever with half a head, and as much memory as it likes with one endless header.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from typing_extensions import override
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from broker.gateway.serving.edge import raw_guards
from broker.gateway.serving.taking import LEAST_TAKEN_BYTES, count_taken
from broker.gateway.serving.visitors import ServerConfig, Visitor, serving
from broker.telemetry import CUT_OFF

_LINGER_S = 5.0
"""For a peer to take the last of an answer, or to stop sending a body that nobody wants."""
_MOST_PIPELINED = 16
_LONGEST_FRAMING = 8
"""Bytes on the wire for each byte of a body: a chunk of one byte takes six."""


_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})


def _send_at_once(transport: asyncio.Transport) -> None:
    """Without Nagle's algorithm: an answer is two small writes, and the second waited 40 ms for the first one's ACK.

    uvloop does so for every socket; asyncio for those alone whose listening socket was made with a protocol number.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in _INTERNET:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _Refused(Exception):
    """Ends the parser's run; httptools makes a parser error of it."""


class HttpProtocol(HttpToolsProtocol):
    """Every state of the connection that waits for the peer has a timer."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._door = config.door
        self._limits = config.door.limits
        self._due: asyncio.TimerHandle | None = None
        """For what the peer is to send."""
        self._reader_due: asyncio.TimerHandle | None = None
        """For what it is to take."""
        self._in_head = False
        self._in_body = False
        self._raw_bytes = 0
        """Of the head or the body that is being received, as they came."""
        self._body_bytes = 0
        self._body_began = 0.0
        self._behind_proxy = False
        self._upgraded = False
        """Whether the connection is a socket, which has another protocol."""
        self._visitor: Visitor

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        _send_at_once(transport)
        self._visitor = Visitor(self._door.strangers, self._abort)
        host = self.client[0] if self.client else None
        self._behind_proxy = self._door.proxies.trusts(host)
        if not self._behind_proxy:
            self._visitor.arrive(host)
        self._wait(self._limits.head_s, self._head_is_late)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._reader_is_well()
        self._visitor.leave()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._raw_bytes += len(data)
        super().data_received(data)
        if self._upgraded:
            return
        if self.transport.is_closing():
            self._wait(_LINGER_S, self._abort)
        elif self._in_head and self._raw_bytes > self._limits.head_bytes:
            self._refuse(b"431 Request Header Fields Too Large")
        elif self._in_body and self._raw_bytes > self._limits.head_bytes + _LONGEST_FRAMING * self._body_bytes:
            self._refuse(b"400 Bad Request")
        elif self._due is None:
            self._wait_for_the_rest()

    def _wait_for_the_rest(self) -> None:
        if self._in_body:
            self._body_began = self.loop.time()
            self._wait(self._limits.body_grace_s, self._body_is_late)
        elif self._is_idle():  # half a head, or a line break that begins none
            self._wait(self._limits.head_s, self._head_is_late)

    @override
    def handle_websocket_upgrade(self) -> None:
        self._upgraded = True
        self._stop_waiting()
        assert self.ws_protocol_class is not None
        # The attribute is a class for uvicorn; all it does with it is to call it.
        self.ws_protocol_class = partial(  # type: ignore[assignment, call-arg]
            self.ws_protocol_class, visitor=self._visitor, client=self.scope["client"], secure=self._is_secure()
        )
        super().handle_websocket_upgrade()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_body:
            raise _Refused("trailers are not taken")
        super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.pipeline) >= _MOST_PIPELINED:
            raise _Refused("too many requests at once on a connection")
        if self._behind_proxy:
            self._look_behind_the_proxy()
        self._in_body = True
        self._body_bytes = self._raw_bytes = 0
        self._stop_waiting()
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_body = False
        self._raw_bytes = 0
        self._stop_waiting()

    @override
    def on_response_complete(self) -> None:
        if self._behind_proxy:
            self._visitor.forget()
        super().on_response_complete()
        if self._in_body:
            self._wait(_LINGER_S, self._cut_off)
        elif self.transport.is_closing():
            self._wait(_LINGER_S, self._end_unless_read)

    @override
    def timeout_keep_alive_handler(self) -> None:
        if self.flow.write_paused:  # an answer counts as given once it is written, and it is being read still
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
            return
        super().timeout_keep_alive_handler()
        self._wait(_LINGER_S, self._abort)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    @override
    def resume_writing(self) -> None:
        self._reader_is_well()
        super().resume_writing()

    @override
    def shutdown(self) -> None:
        if self._in_body and not self._is_idle():  # what a request is to be, it is not yet
            self._abort()
            return
        super().shutdown()
        if self.transport.is_closing():
            self._wait(_LINGER_S, self._abort)

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        serving(self._visitor)
        super()._start_asgi_task(cycle, app)

    def _is_idle(self) -> bool:
        # uvicorn's types deny that there is none before the first request.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or (cycle.response_complete and not self.pipeline)

    def _look_behind_the_proxy(self) -> None:
        headers = self.headers  # the same list as the scope's
        client = self._door.proxies.client_of(headers)
        self._visitor.arrive(client)
        if client is not None:
            self.scope["client"] = (client, 0)
        if self._door.proxies.is_secure(headers):
            self.scope["scheme"] = "https"
        if host := self._door.proxies.host_of(headers):
            others = [header for header in headers if header[0] != b"host"]
            headers[:] = [(b"host", host.encode("latin-1", "replace")), *others]

    def _is_secure(self) -> bool:
        return self.scope["scheme"] == "https"

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_waiting()
        self._due = self.loop.call_later(seconds, then)

    def _stop_waiting(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _head_is_late(self) -> None:
        CUT_OFF.labels("head").inc()
        self._refuse(b"408 Request Timeout" if self._in_head else None)

    def _body_is_late(self) -> None:
        """A body has time in proportion to what has come. What we do not read is not the peer's fault."""
        if self.flow.read_paused:
            self._wait(self._limits.body_grace_s, self._body_is_late)
            return
        earned_s = self._limits.body_grace_s + self._body_bytes / self._limits.body_bytes_per_s
        left_s = self._body_began + min(earned_s, self._limits.body_s) - self.loop.time()
        if left_s > 0:
            self._wait(left_s, self._body_is_late)
        else:
            CUT_OFF.labels("body").inc()
            self._refuse(b"408 Request Timeout")

    def _refuse(self, status: bytes | None) -> None:
        """Say why, where nothing was said yet, and close."""
        cycle: RequestResponseCycle | None = self.cycle
        nothing_said = cycle is None or cycle.response_complete or not cycle.response_started
        if status is not None and nothing_said and not self.pipeline:
            self.transport.write(self._own_words(status))
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()
        self._wait(_LINGER_S, self._abort)

    def _own_words(self, status: bytes, said: bytes = b"") -> bytes:
        """An answer that no application makes."""
        defaults = b"".join(b"%s: %s\r\n" % header for header in self.server_state.default_headers)
        about = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n" % len(said)
        return b"HTTP/1.1 " + status + b"\r\n" + defaults + raw_guards() + about + b"\r\n" + said

    @override
    def send_400_response(self, msg: str) -> None:
        self.transport.write(self._own_words(b"400 Bad Request", msg.encode()))
        self.transport.close()

    def _watch_reader(self) -> None:
        self._reader_is_well()
        taken = count_taken(self.transport)
        self._reader_due = self.loop.call_later(self._door.unread_s, self._check_reader, taken)

    def _check_reader(self, before: int) -> None:
        if count_taken(self.transport) > before + LEAST_TAKEN_BYTES:
            self._watch_reader()
            return
        CUT_OFF.labels("unread").inc()
        self._abort()

    def _reader_is_well(self) -> None:
        if self._reader_due is not None:
            self._reader_due.cancel()
            self._reader_due = None

    def _cut_off(self) -> None:
        CUT_OFF.labels("body").inc()
        self._abort()

    def _end_unless_read(self) -> None:
        """The last answer is written; one that is being read still is not cut short."""
        if self.flow.write_paused:
            self._wait(_LINGER_S, self._end_unless_read)
        else:
            self._abort()

    def _abort(self) -> None:
        self.transport.abort()
