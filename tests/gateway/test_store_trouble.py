"""What callers, sockets and probes are told while the store cannot serve, and that all goes on by itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from broker.domain.ids import WorkspaceId
from broker.protocol import close_codes
from broker.protocol.proxy import Exited, Spawn, write
from tests.fixtures.desk import a_hello
from tests.fixtures.gateway import Gateway, closing, gateway_for, serving
from tests.fixtures.redis_servers import Server, data_server

REPLICA = (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE"), "READONLY")
FULL = (("CONFIG SET", "maxmemory", 1), ("CONFIG SET", "maxmemory", 0), "OOM")
TROUBLES = pytest.mark.parametrize(("trouble", "cure", "reason"), [REPLICA, FULL], ids=["replica", "memory"])
Order = tuple[str | int, ...]


@pytest_asyncio.fixture(loop_scope="session")
async def store(tmp_path: Path) -> AsyncIterator[Server]:
    async with data_server(tmp_path / "store") as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(store: Server) -> AsyncIterator[Gateway]:
    workspace = WorkspaceId(f"w-{uuid4().hex}")
    async with (
        serving(store.url) as url,
        httpx.AsyncClient(timeout=60) as client,
        gateway_for(workspace, url=url, redis_url=store.url, client=client) as made,
    ):
        yield made


@TROUBLES
async def test_senders_and_probes_are_told_why_and_nothing_accepted_is_lost(
    gateway: Gateway, store: Server, trouble: Order, cure: Order, reason: str
) -> None:
    async with gateway.machine() as machine:
        machine.answering = False
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        before = await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": "before"})
        await store.ask(*trouble)
        for method, path, body in (
            ("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": "during"}),
            ("GET", "/readyz", None),
        ):
            answer = await gateway.call(method, path, body)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["retryable"]) == (503, "STORE_UNAVAILABLE", True)
            assert error["details"] == {"reason": reason}
            assert int(answer.headers["retry-after"]) >= 1
        query = 'mutation { sendMessage(input: {session: "main", to: "Worker", text: "x"}) { __typename } }'
        typed = await gateway.call("POST", "/graphql", {"query": query}, **{"Content-Type": "application/json"})
        assert "TryLater" in typed.text or "STORE_UNAVAILABLE" in typed.text
        await store.ask(*cure)
        async with asyncio.timeout(30):  # what listens connects anew
            while (await gateway.call("GET", "/readyz")).status_code != 200:
                await asyncio.sleep(0.02)
        after = await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": "after"})
        trace = [await gateway.ok("GET", f"/v1/sessions/main/messages/{m['message_id']}") for m in (before, after)]
        assert all(each["deliveries"] for each in trace)


@TROUBLES
async def test_a_machine_is_told_to_come_back(
    gateway: Gateway, store: Server, caplog: pytest.LogCaptureFixture, trouble: Order, cure: Order, reason: str
) -> None:
    async with gateway.machine() as machine:
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        await store.ask(*trouble)
        spawned = machine.commands[0]
        assert isinstance(spawned, Spawn)
        await machine.report(Exited(agent=spawned.agent, generation=1, code=0, expected=False, reason="crashed"))
        assert await closing(machine.connection) == close_codes.STORE_AWAY.code
        async with gateway.proxy_socket() as late:
            await late.send(write(a_hello(session="main")))
            assert await closing(late) == close_codes.STORE_AWAY.code
    await store.ask(*cure)
    async with gateway.machine():
        await gateway.ok("POST", "/v1/sessions", {"name": "after"})
    assert "Exception in ASGI application" not in caplog.text


async def test_who_follows_a_session_goes_on_when_the_store_is_back(
    gateway: Gateway, store: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateway.machine():
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        async with gateway.events("main", after="0") as events:
            assert "hello" in str(await events.recv())
            await store.ask(*REPLICA[0])
            assert (await gateway.call("POST", "/v1/sessions", {"name": "other"})).status_code == 503
            await store.ask(*REPLICA[1])
            await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": "still heard"})
            async with asyncio.timeout(30):
                while "still heard" not in str(await events.recv()):
                    pass
    assert "Exception in ASGI application" not in caplog.text
