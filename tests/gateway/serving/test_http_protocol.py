"""What a peer that says half, too much or nothing can hold: little, and not for long."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from broker.domain.plans.connection_limits import ConnectionLimits
from broker.gateway.serving.http_protocol import HttpProtocol
from broker.gateway.serving.server import server_config
from broker.settings import Settings
from tests.fixtures.gateway import Gateway, gateway_for, serving

HASTY = ConnectionLimits(head_s=0.3, idle_s=0.3, body_grace_s=0.3, body_s=2, stranger_s=0.3, stranger_bytes=1000)
HALF_HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "
HALF_BODY = (
    b"POST /v1/sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
)
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """A connection that does nothing by itself."""
    address = httpx.URL(url)
    assert address.port
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


@contextlib.asynccontextmanager
async def serving_app(app: ASGIApp) -> AsyncIterator[str]:
    """Any application behind the product's server, with hasty deadlines."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = server_config(app, Settings(connections=HASTY, unread_s=0.3, drain_s=1))
    config.lifespan = "off"
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment, method-assign]
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server closes."""
    async with asyncio.timeout(30):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def said_to(url: str, text: bytes) -> bytes:
    """All that the server answers until it closes."""
    async with connected(url) as (reader, writer):
        writer.write(text)
        return await rest(reader)


@pytest.mark.parametrize("said", [b"", b"\r\n", HALF_HEAD, HALF_BODY, b"G"])
async def test_a_peer_that_says_half_or_nothing_is_closed(redis_url: str, said: bytes) -> None:
    async with serving(redis_url, connections=HASTY) as url:
        answer = await said_to(url, said)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_trickles_is_cut_off_however_often_it_says_something(redis_url: str) -> None:
    async with serving(redis_url, connections=HASTY) as url, connected(url) as (reader, writer):
        writer.write(HALF_BODY)
        ended = asyncio.create_task(rest(reader))
        while not ended.done():
            writer.write(b" ")
            await asyncio.wait({ended}, timeout=0.05)
        assert (await ended).startswith(b"HTTP/1.1 408 ") or not await ended


async def test_a_large_body_over_a_slow_line_is_taken(redis_url: str, gateway: Gateway) -> None:
    key = gateway.key
    text = b'{"name":"slow"' + b" " * 1500 + b"}"

    async def slowly() -> AsyncIterator[bytes]:
        for start in range(0, len(text), 300):
            await asyncio.sleep(0.15)  # the line, not the test, is slow
            yield text[start : start + 300]

    limits = ConnectionLimits(body_grace_s=0.3, body_bytes_per_s=1000)
    async with serving(redis_url, connections=limits) as url, httpx.AsyncClient() as client:
        made = await client.post(
            f"{url}/v1/sessions", content=slowly(), headers={"Authorization": f"Bearer {key}"}, timeout=30
        )
        assert made.status_code == 200


async def test_a_head_without_end_is_refused(redis_url: str) -> None:
    async with serving(redis_url) as url:
        answer = await said_to(url, HALF_HEAD + b"x" * 200_000)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "body", [b"0\r\nTrailer: x\r\n\r\n", b"1;" + b"e" * 200_000, b"1\r\n{\r\n" + b"1;" + b"e" * 200_000]
)
async def test_what_hides_in_the_framing_of_a_body_is_refused(redis_url: str, body: bytes) -> None:
    head = b"POST /v1/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving(redis_url, connections=HASTY) as url:
        answer = await said_to(url, head + body)
        assert b" 200 " not in answer


async def test_thousands_of_requests_in_one_write_are_refused(redis_url: str) -> None:
    async with serving(redis_url) as url:
        answer = await said_to(url, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 2000)
        assert answer.count(b"HTTP/1.1 200") < 20


async def test_an_answered_request_whose_body_never_ends_is_closed(redis_url: str) -> None:
    head = b"POST /v1/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n\r\n"
    async with serving(redis_url, connections=HASTY) as url:
        assert (await said_to(url, head)).startswith(b"HTTP/1.1 401 ")


async def test_a_peer_that_does_not_read_what_it_asked_for_is_cut_off() -> None:
    gone = asyncio.Event()

    async def much(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while (await receive())["type"] != "http.disconnect":
                await send({"type": "http.response.body", "body": b"x" * 64 * 1024 * 1024, "more_body": True})
        finally:
            gone.set()

    async with serving_app(much) as url, connected(url) as (_reader, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's types leave it out
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        async with asyncio.timeout(30):
            await gone.wait()


@pytest.mark.parametrize("path", ["/graphql", "/proxy", "/agent/x", "/v1/sessions/main/events"])
async def test_a_socket_that_never_says_who_it_is_is_closed(redis_url: str, path: str) -> None:
    more = "Sec-WebSocket-Protocol: graphql-transport-ws\r\n" if path == "/graphql" else ""
    async with serving(redis_url, connections=HASTY) as url:
        answer = await said_to(url, UPGRADE.format(path=path, more=more).encode())
        assert answer.startswith(b"HTTP/1.1 101 ")


async def test_a_socket_may_say_little_before_it_is_known(redis_url: str) -> None:
    frame = b"\x81\xfe\x0f\xa0\0\0\0\0" + b" " * 4000
    upgrade = UPGRADE.format(path="/graphql", more="Sec-WebSocket-Protocol: graphql-transport-ws\r\n").encode()
    limits = ConnectionLimits(stranger_bytes=1000)
    async with serving(redis_url, connections=limits) as url, connected(url) as (reader, writer):
        writer.write(upgrade)
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(frame)
        assert await rest(reader) == b""


async def test_strangers_make_room_for_those_who_come_after_them(redis_url: str, gateway: Gateway) -> None:
    key = gateway.key
    limits = ConnectionLimits(strangers_per_address=20)
    whoami = f"GET /v1/whoami HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    async with serving(redis_url, connections=limits) as url, contextlib.AsyncExitStack() as stack:
        reader, writer = await stack.enter_async_context(connected(url))
        writer.write(whoami)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200 ")
        strangers = [await stack.enter_async_context(connected(url)) for _ in range(100)]
        for _, stranger in strangers:
            stranger.write(HALF_HEAD)
        for old, _ in strangers[:80]:
            assert await rest(old) == b""
        assert not any(new.at_eof() for new, _ in strangers[80:])
        writer.write(whoami)  # who is known was not sent away
        assert b"HTTP/1.1 200 " in await reader.readuntil(b"HTTP/1.1 200 ")


async def test_hundreds_of_half_requests_are_gone_soon_and_those_who_are_known_notice_nothing(
    redis_url: str, gateway: Gateway
) -> None:
    key = gateway.key
    async with serving(redis_url, connections=HASTY) as url, contextlib.AsyncExitStack() as stack:
        readers = []
        for number in range(300):
            reader, writer = await stack.enter_async_context(connected(url))
            writer.write((b"", HALF_HEAD, HALF_BODY)[number % 3])
            readers.append(reader)
        # Not kept alive: its idle connection would be closed at the very moment when it is used again.
        headers = {"Authorization": f"Bearer {key}", "Connection": "close"}
        client = await stack.enter_async_context(httpx.AsyncClient(headers=headers))
        assert (await client.get(f"{url}/v1/whoami")).status_code == 200
        await asyncio.gather(*(rest(reader) for reader in readers))
        assert (await client.get(f"{url}/v1/whoami")).status_code == 200


async def test_a_socket_that_is_known_has_no_deadline(
    redis_url: str, gateway: Gateway, client: httpx.AsyncClient
) -> None:
    async with (
        serving(redis_url, connections=HASTY) as url,
        gateway_for(gateway.workspace, url=url, redis_url=redis_url, client=client) as here,
        here.machine() as machine,
    ):
        for _ in range(3):  # each is closed by a deadline that began after the machine came
            assert await said_to(url, b"") == b""
        await here.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        assert machine.close_code is None


async def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_head(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listening socket without a protocol number, such as this one, leaves Nagle's algorithm on in asyncio's loop."""
    delays: list[bool] = []

    class Watched(HttpProtocol):
        @override
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
            super().connection_made(transport)
            connection = transport.get_extra_info("socket")
            delays.append(not connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr("broker.gateway.serving.server.HttpProtocol", Watched)
    async with serving(redis_url) as url, httpx.AsyncClient() as client:
        await client.get(f"{url}/healthz")
    assert set(delays) == {False}


async def test_who_serves_is_not_said(redis_url: str) -> None:
    async with serving(redis_url) as url, httpx.AsyncClient() as client:
        assert "server" not in (await client.get(f"{url}/healthz")).headers
