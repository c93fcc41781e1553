"""A peer that does not read: it holds nobody up, misses nothing when it reads again, and is hung up on in the end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from broker.domain.ids import SessionId
from broker.gateway.websocket_protocol import WebSocketProtocol
from graphql_api import outbox
from tests.fixtures.gateway import Gateway
from tests.fixtures.live_graphql import live
from tests.fixtures.log_appender import log_appender, text_frame

FOLLOW = """
subscription($session: ID!) {
  sessionEvents(session: $session) { __typename ... on FrameEvent { offset contents { ... on TextContent { text } } } }
}
"""
_EVENTS, _LARGE = 1000, "x" * 10_000
"""Ten megabytes: more than all buffers on the way hold, of which the system gives four to the sender."""
_RECEIVE_BYTES = 64 * 1024


class Peer:
    """A WebSocket whose reading is in the test's hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    def say(self, message: object) -> None:
        text = orjson.dumps(message)
        size = bytes([0x80 | 126]) + len(text).to_bytes(2, "big")
        self._writer.write(b"\x81" + size + bytes(4) + text)

    async def frame(self) -> tuple[int, bytes]:
        """The next one's opcode and content."""
        async with asyncio.timeout(20):
            first, length = await self.reader.readexactly(2)
            if length == 126:
                length = int.from_bytes(await self.reader.readexactly(2), "big")
            return first & 0x0F, await self.reader.readexactly(length)

    async def message(self) -> Any:
        """The next text message; pings are passed over."""
        opcode, content = await self.frame()
        while opcode == 9:
            opcode, content = await self.frame()
        assert opcode == 1, content
        return orjson.loads(content)


@contextlib.asynccontextmanager
async def slow_peer(gateway: Gateway, session: str) -> AsyncIterator[Peer]:
    """It follows a session and has read no further than that."""
    address = urlsplit(gateway.url)
    its_end = socket.socket()
    its_end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    its_end.setblocking(False)
    await asyncio.get_running_loop().sock_connect(its_end, (address.hostname, address.port))
    reader, writer = await asyncio.open_connection(sock=its_end, limit=_RECEIVE_BYTES)
    writer.write(
        b"GET /graphql HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    peer = Peer(reader, writer)
    peer.say({"type": "connection_init", "payload": {"authorization": f"Bearer {gateway.key}"}})
    assert await peer.message() == {"type": "connection_ack"}
    peer.say({"id": "1", "type": "subscribe", "payload": {"query": FOLLOW, "variables": {"session": session}}})
    assert (await peer.message())["payload"]["data"]["sessionEvents"]["__typename"] == "CaughtUp"
    try:
        yield peer
    finally:
        writer.close()


async def flood(gateway: Gateway, session: str) -> None:
    append = log_appender(gateway.adapters.redis, gateway.workspace, SessionId(session))
    for _ in range(0, _EVENTS, 100):
        await append([text_frame(_LARGE) for _ in range(100)])


@pytest.mark.timeout(90)
async def test_a_peer_that_does_not_read_holds_nobody_up_and_misses_nothing(gateway: Gateway) -> None:
    session = (await gateway.ok("POST", "/v1/sessions", {"name": "main"}))["id"]
    async with slow_peer(gateway, session) as slow, live(gateway) as client:
        operation = await client.subscribe(FOLLOW, session=session)
        assert (await client.data(operation))["sessionEvents"]["__typename"] == "CaughtUp"
        await flood(gateway, session)
        for expected in range(2, _EVENTS + 2):
            assert (await client.data(operation))["sessionEvents"]["offset"] == expected
        for expected in range(2, _EVENTS + 2):
            assert (await slow.message())["payload"]["data"]["sessionEvents"]["offset"] == expected


@pytest.mark.timeout(90)
async def test_a_peer_that_never_reads_is_hung_up_on(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_DRAIN_S", 0.2)
    hung_up = asyncio.Event()
    hang_up = WebSocketProtocol.hang_up

    def noticed(protocol: WebSocketProtocol, code: int, reason: str) -> None:
        hang_up(protocol, code, reason)
        hung_up.set()

    monkeypatch.setattr(WebSocketProtocol, "hang_up", noticed)
    session = (await gateway.ok("POST", "/v1/sessions", {"name": "main"}))["id"]
    async with slow_peer(gateway, session) as slow:
        await flood(gateway, session)
        async with asyncio.timeout(10):
            await hung_up.wait()
        opcode, content = await slow.frame()
        while opcode != 8:
            opcode, content = await slow.frame()
        assert int.from_bytes(content[:2], "big") == 4508
