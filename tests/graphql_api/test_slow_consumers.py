"""Peers that do not read, or read slowly: they hold nobody up, and miss nothing when they read again; who reads
nothing at all is hung up on in the end, on whatever kind of connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
import pytest_asyncio

from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.plans.api_limits import ApiLimits
from broker.gateway.serving.websocket_protocol import WebSocketProtocol
from broker.settings import GraphQLSettings
from tests.fixtures.gateway import Gateway, gateway_for, serving
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
_UNREAD_S = 3.0
"""What the gateway of these tests gives a peer to read in."""
_PER_S, _SMALL = 300, "y" * 2700
_SLOW_BYTES_PER_S = 40_000
_LONG_ANSWER = "{ __schema { types { name description fields { name description } } } }"
HungUpOn = asyncio.Queue[int]
"""The codes of the sockets that the gateway has hung up on."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strict_url(redis_url: str) -> AsyncIterator[str]:
    # With a limit on what may be asked in a second, answers would be too few to fill the buffers on the way.
    unlimited = GraphQLSettings(
        limits=ApiLimits(rate_per_s=1_000_000, rate_burst=1_000_000, operations_per_connection=10)
    )
    async with serving(redis_url, unread_s=_UNREAD_S, graphql=unlimited) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def strict(
    redis_url: str, strict_url: str, client: httpx.AsyncClient, workspace: WorkspaceId
) -> AsyncIterator[Gateway]:
    """A gateway that soon hangs up on who does not read."""
    async with gateway_for(workspace, url=strict_url, redis_url=redis_url, client=client) as made:
        yield made


@pytest.fixture
def hung_up_on(monkeypatch: pytest.MonkeyPatch) -> HungUpOn:
    codes: HungUpOn = asyncio.Queue()
    hang_up = WebSocketProtocol.hang_up

    def noticed(protocol: WebSocketProtocol, code: int, reason: str) -> None:
        hang_up(protocol, code, reason)
        codes.put_nowait(code)

    monkeypatch.setattr(WebSocketProtocol, "hang_up", noticed)
    return codes


class Peer:
    """A WebSocket whose reading is in the test's hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    async def ask(self, *headers: str, body: bytes = b"") -> None:
        """The rest of a request's head, and its body; its answer's head is read."""
        self._writer.write("".join(f"{each}\r\n" for each in (*headers, "")).encode() + body)
        await self.reader.readuntil(b"\r\n\r\n")

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

    async def keep_asking(self, message: Mapping[str, object]) -> None:
        """The same under ever new ids, and pings, until cancelled."""
        with contextlib.suppress(ConnectionError):
            for number in count():
                self.say({**message, "id": f"again {number}"})
                self._writer.write(b"\x89\x80" + bytes(4))
                await self._writer.drain()

    async def message(self) -> Any:
        """The next text message; pings are passed over."""
        opcode, content = await self.frame()
        while opcode == 9:
            opcode, content = await self.frame()
        assert opcode == 1, content
        return orjson.loads(content)

    async def closed(self) -> int:
        """The code of the close frame, after whatever comes before it."""
        opcode, content = await self.frame()
        while opcode != 8:
            opcode, content = await self.frame()
        return int.from_bytes(content[:2], "big")

    async def read_slowly(self) -> None:
        """Until cancelled."""
        while await self.reader.read(_SLOW_BYTES_PER_S // 20):
            await asyncio.sleep(1 / 20)


@contextlib.asynccontextmanager
async def connected(gateway: Gateway, head: str) -> AsyncIterator[Peer]:
    """A connection with little room on its way, on which a request was made."""
    address = urlsplit(gateway.url)
    its_end = socket.socket()
    its_end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    its_end.setblocking(False)
    await asyncio.get_running_loop().sock_connect(its_end, (address.hostname, address.port))
    reader, writer = await asyncio.open_connection(sock=its_end, limit=_RECEIVE_BYTES)
    writer.write(f"{head}\r\nHost: localhost\r\n".encode())
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def upgraded(gateway: Gateway, path: str, *headers: str) -> AsyncIterator[Peer]:
    """A WebSocket on which nothing has been said."""
    async with connected(gateway, f"GET {path} HTTP/1.1") as peer:
        await peer.ask(
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            *headers,
        )
        yield peer


@contextlib.asynccontextmanager
async def slow_peer(gateway: Gateway, session: str, *, token: str | None = None) -> AsyncIterator[Peer]:
    """It follows a session and has read no further than that."""
    async with upgraded(gateway, "/graphql", "Sec-WebSocket-Protocol: graphql-transport-ws") as peer:
        peer.say({"type": "connection_init", "payload": {"authorization": f"Bearer {token or gateway.key}"}})
        assert await peer.message() == {"type": "connection_ack"}
        peer.say({"id": "1", "type": "subscribe", "payload": {"query": FOLLOW, "variables": {"session": session}}})
        assert (await peer.message())["payload"]["data"]["sessionEvents"]["__typename"] == "CaughtUp"
        yield peer


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


@contextlib.asynccontextmanager
async def streaming(gateway: Gateway, session: str) -> AsyncIterator[None]:
    """Events of 3 KB, steadily, until the block ends."""
    append = log_appender(gateway.adapters.redis, gateway.workspace, SessionId(session))

    async def stream() -> None:
        while True:
            await append([text_frame(_SMALL) for _ in range(_PER_S // 30)])
            await asyncio.sleep(1 / 30)

    task = asyncio.create_task(stream())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.timeout(60)
async def test_a_stalled_reader_beside_a_slow_one_does_not_stop_the_gateway(
    strict: Gateway, hung_up_on: HungUpOn
) -> None:
    """With the least of tokens: a share of one session."""
    session = (await strict.ok("POST", "/v1/sessions", {"name": "main"}))["id"]
    link = await strict.ok("POST", f"/v1/sessions/{session}/share", {})
    token = link["url"].partition("#share=")[2]
    async with contextlib.AsyncExitStack() as stack:
        stalled = [await stack.enter_async_context(slow_peer(strict, session, token=token)) for _ in range(2)]
        slow = [await stack.enter_async_context(slow_peer(strict, session, token=token)) for _ in range(2)]
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        reading = [tasks.create_task(peer.read_slowly()) for peer in slow]
        async with streaming(strict, session), asyncio.timeout(40):
            for _ in stalled:
                assert await hung_up_on.get() == 4508
                await strict.client.get(f"{strict.url}/healthz")
            async with live(strict, token=token) as quick:
                operation = await quick.subscribe(FOLLOW, session=session)
                for _ in range(2 * _PER_S):
                    await quick.data(operation)
        assert [await peer.closed() for peer in stalled] == [4508, 4508]
        assert hung_up_on.empty()
        assert not any(task.done() for task in reading), "they are slow, but they read"
        for task in reading:
            task.cancel()


@pytest.mark.timeout(60)
async def test_a_peer_that_never_reads_is_hung_up_on(strict: Gateway, hung_up_on: HungUpOn) -> None:
    session = (await strict.ok("POST", "/v1/sessions", {"name": "main"}))["id"]
    async with slow_peer(strict, session) as slow:
        await flood(strict, session)
        async with asyncio.timeout(20):
            assert await hung_up_on.get() == 4508
        assert await slow.closed() == 4508


@pytest.mark.timeout(60)
async def test_an_event_socket_that_is_never_read_is_hung_up_on_too(strict: Gateway, hung_up_on: HungUpOn) -> None:
    session = (await strict.ok("POST", "/v1/sessions", {"name": "main"}))["id"]
    path = f"/v1/sessions/{session}/events"
    async with upgraded(strict, path, f"Authorization: Bearer {strict.key}") as slow:
        assert (await slow.message())["kind"] == "hello"
        await flood(strict, session)
        async with asyncio.timeout(20):
            assert await hung_up_on.get() == 4508
        assert await slow.closed() == 4508


@pytest.mark.timeout(60)
async def test_a_socket_that_loses_its_access_is_closed_although_it_does_not_read(
    gateway: Gateway, hung_up_on: HungUpOn
) -> None:
    session = (await gateway.ok("POST", "/v1/sessions", {"name": "main"}))["id"]
    token_id, token = await gateway.token("observer")
    async with upgraded(gateway, f"/v1/sessions/{session}/events", f"Authorization: Bearer {token}") as slow:
        assert (await slow.message())["kind"] == "hello"
        await flood(gateway, session)
        await gateway.ok("DELETE", f"/v1/tokens/{token_id}")
        async with asyncio.timeout(10):
            assert await hung_up_on.get() == 4501
        assert await slow.closed() == 4501


@pytest.mark.timeout(60)
async def test_an_event_stream_that_is_never_read_ends(strict: Gateway) -> None:
    session = (await strict.ok("POST", "/v1/sessions", {"name": "main"}))["id"]
    body = orjson.dumps({"query": FOLLOW, "variables": {"session": session}})
    async with connected(strict, "POST /graphql HTTP/1.1") as peer:
        await peer.ask(
            "Accept: text/event-stream",
            "Content-Type: application/json",
            f"Authorization: Bearer {strict.key}",
            f"Content-Length: {len(body)}",
            body=body,
        )
        assert b"CaughtUp" in await peer.reader.readuntil(b"\n\n")
        assert event_streams() == 1
        await flood(strict, session)
        async with asyncio.timeout(20):
            while event_streams():
                await asyncio.sleep(0.01)
        *_, end = (await peer.reader.read()).rpartition(b"event: ")
        assert not end.startswith(b"complete"), "it is to come again"


@pytest.mark.timeout(60)
async def test_a_slow_peer_is_not_taken_for_dead_because_our_pings_wait_behind_what_it_reads(
    redis_url: str, workspace: WorkspaceId, client: httpx.AsyncClient, hung_up_on: HungUpOn
) -> None:
    async with (
        serving(redis_url, ping_s=2, unread_s=6) as url,
        gateway_for(workspace, url=url, redis_url=redis_url, client=client) as gateway,
    ):
        session = (await gateway.ok("POST", "/v1/sessions", {"name": "main"}))["id"]
        async with slow_peer(gateway, session) as stalled, slow_peer(gateway, session) as slow:
            reading = asyncio.create_task(slow.read_slowly())
            await flood(gateway, session)
            async with asyncio.timeout(40):
                assert await hung_up_on.get() == 4508
            assert await stalled.closed() == 4508
            assert hung_up_on.empty()
            assert not reading.done()
            reading.cancel()


@pytest.mark.timeout(60)
async def test_what_a_peer_asks_without_reading_the_answers_does_not_pile_up(
    strict: Gateway, hung_up_on: HungUpOn, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 0
    write = WebSocketProtocol.write

    def measured(protocol: WebSocketProtocol, head: bytes, tail: bytes = b"") -> None:
        nonlocal most
        write(protocol, head, tail)
        most = max(most, protocol.transport.get_write_buffer_size())

    monkeypatch.setattr(WebSocketProtocol, "write", measured)
    session = (await strict.ok("POST", "/v1/sessions", {"name": "main"}))["id"]
    async with slow_peer(strict, session) as slow:
        # Few questions, which have all been read before the answers fill what is on the way.
        short = {"type": "subscribe", "payload": {"query": _LONG_ANSWER}}
        asking = asyncio.create_task(slow.keep_asking(short))
        async with asyncio.timeout(20):
            assert await hung_up_on.get() == 4508
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert 0 < most < 512 * 1024


def event_streams() -> int:
    """How many the gateways of this loop are still at."""
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    return names.count("EventStream._answer")
