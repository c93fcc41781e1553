"""The same broker on a cluster, and on a primary that is lost and replaced under Sentinels."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from broker.adapters.redis import keys
from broker.adapters.redis.scripts import Call, Scripts
from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from tests.fixtures.gateway import Gateway, gateway_for, serving
from tests.fixtures.redis_servers import Server, about_session, cluster, cluster_url, opened, watched


@contextlib.asynccontextmanager
async def broker(url: str) -> AsyncIterator[Gateway]:
    workspace = WorkspaceId(f"w-{uuid4().hex}")
    async with (
        serving(url) as gateway,
        httpx.AsyncClient(timeout=60) as client,
        gateway_for(workspace, url=gateway, redis_url=url, client=client) as made,
    ):
        yield made


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[list[Server]]:
    async with cluster(tmp_path) as made:
        yield made


async def answered(gateway: Gateway, message: str) -> str:
    """The answer to a message, however long it takes."""
    async with asyncio.timeout(60):
        while True:
            answer = await gateway.call("GET", f"/v1/sessions/main/messages/{message}")
            if answer.status_code == 200 and (text := answer.json()["data"]["deliveries"][0]["answer"]) is not None:
                return str(text)
            await asyncio.sleep(0.05)


async def test_a_message_goes_its_way_on_a_cluster(nodes: list[Server]) -> None:
    async with broker(cluster_url(nodes)) as gateway, gateway.machine():
        async with asyncio.timeout(30):
            while (await gateway.client.get(f"{gateway.url}/readyz")).status_code != 200:
                await asyncio.sleep(0.02)
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        async with gateway.events("main") as events:
            await events.recv()
            sent = await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": "hello"})
            assert await answered(gateway, sent["message_id"]) == f"re: {sent['message_id']}"
            assert await events.recv()  # published to whichever node the gateway listens on


async def test_workspaces_on_every_node_are_served_and_each_script_is_known_where_it_runs(nodes: list[Server]) -> None:
    async with opened(cluster_url(nodes[:1])) as redis:
        scripts = Scripts(redis)
        for number in range(12):
            calls = [Call("create_session", **about_session(name)) for name in ("one", "two")]
            await scripts.run_in_order(WorkspaceId(f"w{number}"), calls)
        counts = [await node.ask("DBSIZE") for node in nodes]
        assert all(counts)
        assert sum(counts) == 12 * 6  # the workspace's own hash, its names, and a hash and a log for each session
        found = []
        for number in range(12):
            _, of_one = await redis.scan(0, match=f"{keys.root(WorkspaceId(f'w{number}'))}:*", count=1000)
            found += of_one
        assert len(found) == len(set(found)) == 12 * 5


async def test_a_cluster_tells_the_time_and_its_memory_as_one_server_does(nodes: list[Server]) -> None:
    async with opened(cluster_url(nodes)) as redis:
        seconds, _ = await redis.time()
        assert seconds > 0
        assert (await redis.info("memory"))["used_memory"] > 0


async def test_a_cluster_with_a_part_missing_says_so(nodes: list[Server]) -> None:
    async with opened(cluster_url(nodes) + "?socket_timeout=1") as redis:
        await redis.require_writable()
        await nodes[0].ask("CLUSTER DELSLOTSRANGE", 0, 10)
        with pytest.raises(Unavailable) as refused:
            async with asyncio.timeout(30):
                while True:
                    await redis.require_writable()
        assert refused.value.details["reason"] == "CLUSTERDOWN"


async def test_a_node_asked_as_if_it_were_alone_says_what_to_give(nodes: list[Server]) -> None:
    async with opened(nodes[0].url) as redis:
        with pytest.raises(Unavailable, match=r"redis\+cluster://"):
            for number in range(100):
                await redis.set(f"rc:{number}", "1")


async def test_who_listens_hears_from_another_node_when_its_own_is_lost(nodes: list[Server]) -> None:
    async with opened(cluster_url(nodes)) as redis:
        pubsub = redis.pubsub()
        await pubsub.subscribe("channel")
        messages = pubsub.listen()
        assert (await anext(messages))["type"] == "subscribe"
        connection: Any = pubsub.connection
        (lost,) = [node for node in nodes if node.port == connection.port]
        others = [node for node in nodes if node is not lost]
        await lost.kill()
        async with asyncio.timeout(30):
            assert (await anext(messages))["type"] == "subscribe"
            await others[0].ask("PUBLISH", "channel", "hello")
            assert (await anext(messages))["data"] == "hello"
        await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py's has no types


@pytest.mark.timeout(180)
async def test_a_primary_that_dies_under_traffic_is_replaced_and_nothing_that_was_copied_is_lost(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path) as servers, broker(servers.url) as gateway, gateway.machine():
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        sent = [await accepted(gateway, f"before {number}") for number in range(10)]
        assert await servers.primary.ask("WAIT", 1, 5000) == 1
        await servers.primary.kill()
        sent += [await accepted(gateway, f"after {number}") for number in range(10)]
        async with gateway.machine():
            assert [await answered(gateway, each) for each in sent] == [f"re: {each}" for each in sent]
        async with asyncio.timeout(30):
            while (await gateway.client.get(f"{gateway.url}/readyz")).status_code != 200:
                await asyncio.sleep(0.05)
        assert (await servers.copy.ask("ROLE"))[0] == "master"


async def accepted(gateway: Gateway, text: str) -> str:
    """The id of a message that a sender offers until it is taken, as the refusals ask it to."""
    async with asyncio.timeout(90):
        while True:
            body = {"to": "Worker", "text": text}
            answer = await gateway.call("POST", "/v1/sessions/main/messages", body, **{"Idempotency-Key": text})
            if answer.status_code == 200:
                return str(answer.json()["data"]["message_id"])
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "STORE_UNAVAILABLE"), answer.text
            assert answer.headers["retry-after"]
            await asyncio.sleep(0.1)


async def test_who_listens_is_told_of_a_new_primary_when_the_old_one_stands_still(tmp_path: Path) -> None:
    """Nothing ends the connection that listens: the other end of it is just silent."""
    async with watched(tmp_path, sentinels=1) as servers, opened(f"{servers.url}?socket_timeout=1") as redis:
        await redis.set("rc:x", "1")
        pubsub = redis.pubsub()
        await pubsub.subscribe("channel")
        messages = pubsub.listen()
        assert (await anext(messages))["type"] == "subscribe"
        servers.primary.freeze()
        told = asyncio.Event()

        async def listen() -> None:
            assert (await anext(messages))["type"] == "subscribe"
            told.set()

        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            tasks.create_task(listen())
            while not told.is_set():
                with contextlib.suppress(Unavailable):
                    await redis.set("rc:x", "2")
                await asyncio.sleep(0.05)
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(Unavailable):
                    await redis.require_writable()
                    break
        assert await servers.copy.ask("GET", "rc:x") == "2"
        await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py's has no types
