"""Answers of /v1 and /mcp that nobody reads: each holds one answer at most, is cut off soon, and delays nobody."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import repeat

import httpx
import orjson
import pytest
import pytest_asyncio

from broker.domain.ids import AgentId, SessionId, WorkspaceId
from broker.domain.logs.pages import MAX_PAGE_BYTES
from broker.domain.plans.api_limits import ApiLimits
from broker.gateway.serving.http_protocol import HttpProtocol
from broker.settings import GraphQLSettings
from tests.fixtures.gateway import Gateway, gateway_for, serving
from tests.fixtures.log_appender import log_appender, text_frame
from tests.graphql_api.test_slow_consumers import Peer, connected

_UNREAD_S = 3.0
_READERS = 12
_LONG = "x" * 10_000
_MOST_BYTES = 2 * MAX_PAGE_BYTES
"""Of one answer: a page's bytes, as JSON."""
_EVENTS = "/v1/sessions/main/events?after=0&limit=1000"


@pytest_asyncio.fixture(loop_scope="session")
async def strict(redis_url: str, client: httpx.AsyncClient, workspace: WorkspaceId) -> AsyncIterator[Gateway]:
    """A gateway that soon hangs up on who does not read, with four megabytes of a session to be asked for."""
    unlimited = GraphQLSettings(limits=ApiLimits(rate_per_s=1_000_000, rate_burst=1_000_000))
    async with (
        serving(redis_url, unread_s=_UNREAD_S, graphql=unlimited) as url,
        gateway_for(workspace, url=url, redis_url=redis_url, client=client) as made,
    ):
        session = SessionId((await made.ok("POST", "/v1/sessions", {"name": "main"}))["id"])
        append = log_appender(made.adapters.redis, workspace, session)
        for _ in range(4):
            await append([text_frame(_LONG) for _ in range(100)])
        yield made


class Watched:
    """What the gateway holds for its peers, and how many connections are over on which something was not read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most = 0
        self.lost = 0
        self._unread: set[HttpProtocol] = set()
        self.changed = asyncio.Event()
        lost, pause = HttpProtocol.connection_lost, HttpProtocol.pause_writing

        def connection_lost(protocol: HttpProtocol, error: Exception | None) -> None:
            lost(protocol, error)
            self.lost += protocol in self._unread
            self.changed.set()

        def pause_writing(protocol: HttpProtocol) -> None:
            self._unread.add(protocol)
            self.most = max(self.most, protocol.transport.get_write_buffer_size())
            pause(protocol)

        monkeypatch.setattr(HttpProtocol, "connection_lost", connection_lost)
        monkeypatch.setattr(HttpProtocol, "pause_writing", pause_writing)

    async def all_gone(self, count: int) -> None:
        while self.lost < count:
            self.changed.clear()
            await self.changed.wait()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def page(token: str) -> bytes:
    return f"GET {_EVENTS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def tool_call(token: str) -> bytes:
    body = orjson.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "relay_inbox", "arguments": {}}}
    )
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def ask_without_reading(gateway: Gateway, request: bytes, *, times: int) -> contextlib.AsyncExitStack:
    """Peers that ask so often, and read nothing."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(_READERS):
            peer = await stack.enter_async_context(connected(gateway, "GET /healthz HTTP/1.1"))
            await peer.ask()  # the rest of that head
            peer._writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's types leave it out
            for said in repeat(request, times):
                peer._writer.write(said)
        return stack.pop_all()


async def cut_off(gateway: Gateway, watched: Watched, request: bytes, *, times: int) -> None:
    async with asyncio.timeout(40), await ask_without_reading(gateway, request, times=times):
        gone = asyncio.create_task(watched.all_gone(_READERS))
        while not gone.done():
            async with asyncio.timeout(2):
                await gateway.ok("GET", "/v1/whoami")
            await asyncio.sleep(0.05)


@pytest.mark.timeout(90)
async def test_pages_of_events_that_nobody_reads_are_cut_off(strict: Gateway, watched: Watched) -> None:
    await cut_off(strict, watched, page(strict.key), times=4)
    assert 0 < watched.most <= _MOST_BYTES


@pytest.mark.timeout(90)
async def test_answers_of_tools_that_nobody_reads_are_cut_off(strict: Gateway, watched: Watched) -> None:
    async with strict.machine() as machine:
        agent = await strict.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        for number in range(20):
            sent = {"to": "Worker", "text": f"{number} " + "y" * 50_000}
            await strict.ok("POST", "/v1/sessions/main/messages", sent)
        token = machine.tokens[AgentId(agent["id"])]
        await cut_off(strict, watched, tool_call(token), times=16)
        assert 0 < watched.most <= _MOST_BYTES


async def read_on(peer: Peer, *, at_once: int) -> None:
    """So many bytes ten times a second, until the connection ends."""
    with contextlib.suppress(ConnectionError):
        while await peer.reader.read(at_once):
            await asyncio.sleep(0.1)


@pytest.mark.timeout(90)
@pytest.mark.parametrize("connection", ["keep-alive", "close"])
@pytest.mark.parametrize(("at_once", "is_cut"), [(4096, False), (10, True)])
async def test_who_reads_slowly_is_not_cut_off_and_who_reads_next_to_nothing_is(
    strict: Gateway, watched: Watched, at_once: int, is_cut: bool, connection: str
) -> None:
    """The system holds megabytes for a peer, and says so only when a third of them is gone."""
    async with connected(strict, f"GET {_EVENTS} HTTP/1.1") as peer:
        await peer.ask(f"Authorization: Bearer {strict.key}", f"Connection: {connection}")
        reading = asyncio.create_task(read_on(peer, at_once=at_once))
        try:
            async with asyncio.timeout(30 if is_cut else 4 * _UNREAD_S):
                await watched.all_gone(1)
        except TimeoutError:
            assert not is_cut
        else:
            assert is_cut
        assert watched.most, "it was not all held by the system"
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
