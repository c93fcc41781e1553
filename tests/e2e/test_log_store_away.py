"""A log store on a server that comes late: the broker starts without it, and nothing is lost."""

import asyncio
import contextlib
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from broker.adapters.embedded import embedded_redis
from tests.fixtures.ports import reserved_port
from tests.fixtures.processes import Running, command, key_of, machine, up

QUERY = {"q": "number kind:message"}


@contextlib.asynccontextmanager
async def server(folder: Path, port: int) -> AsyncIterator[None]:
    """ClickHouse over HTTP on that port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.contracts.clickhouse_front",
        str(folder / "server"),
        str(port),
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        async with asyncio.timeout(30):
            assert int(await process.stdout.readline()) == port
        yield
    finally:
        process.stdin.close()
        async with asyncio.timeout(30):
            await process.wait()


def http(broker: Running) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key_of(broker)}"}
    return httpx.AsyncClient(base_url=broker.url, headers=headers, timeout=10)


async def spawned(relay: httpx.AsyncClient, name: str) -> None:
    answer = await relay.post("/v1/sessions/main/agents", json={"name": name, "cli": "demo"}, timeout=60)
    assert answer.status_code == 200, answer.text


async def say(relay: httpx.AsyncClient, number: int) -> None:
    answer = await relay.post("/v1/sessions/main/messages", json={"to": "Worker", "text": f"say number {number}"})
    assert answer.status_code == 200, answer.text


async def found(relay: httpx.AsyncClient) -> int:
    """How many messages a search finds."""
    return len((await relay.get("/v1/logs/search", params=QUERY)).json()["data"]["hits"])


async def logs_state(relay: httpx.AsyncClient) -> str:
    answer = await relay.get("/readyz")
    assert (answer.status_code, answer.json()["redis"]) == (200, "ready")
    return str(answer.json()["logs"])


async def all_searchable(relay: httpx.AsyncClient) -> None:
    async with asyncio.timeout(40):
        while (session := (await relay.get("/v1/sessions/main")).json()["data"])["searchable"] != session["offset"]:
            await asyncio.sleep(0.1)


@pytest.mark.timeout(120)
async def test_a_broker_starts_without_its_log_store_and_uses_it_when_it_comes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with reserved_port() as port:
        async with (
            up(tmp_path, "--clickhouse", f"http://127.0.0.1:{port}") as broker,
            machine(tmp_path, broker.url, Path(broker.ready["token_file"])),
            http(broker) as relay,
        ):
            assert "does not answer" in capfd.readouterr().err
            assert (await logs_state(relay)).startswith("degraded: the log store does not answer")
            await spawned(relay, "Worker")
            for number in range(3):
                await say(relay, number)
            refused = await relay.get("/v1/logs/search", params=QUERY)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "STORE_UNAVAILABLE")
            assert refused.headers["Retry-After"]
            told = (await relay.get("/v1/sessions/main/log")).json()["data"]["events"]
            assert [event["data"]["text"] for event in told if event["kind"] == "message.accepted"] == [
                f"say number {number}" for number in range(3)
            ]
            async with server(tmp_path, port):
                await all_searchable(relay)
                assert await found(relay) == 3
                async with asyncio.timeout(20):
                    while await logs_state(relay) != "ready":
                        await asyncio.sleep(0.1)
            async with asyncio.timeout(20):
                while not (await logs_state(relay)).startswith("degraded: "):  # it is asked once a second at most
                    await asyncio.sleep(0.1)
            await say(relay, 3)
            async with server(tmp_path, port):
                await all_searchable(relay)
                assert await found(relay) == 4
            assert await broker.stop() == 0
            assert "Traceback" not in capfd.readouterr().err


@pytest.mark.timeout(60)
async def test_a_server_that_takes_connections_and_says_nothing_does_not_hold_the_start_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with up(tmp_path, "--clickhouse", url) as broker, http(broker) as relay:
            assert (await logs_state(relay)).startswith("degraded: ")
            await relay.post("/v1/sessions", json={"name": "main"})
            assert (await relay.get("/v1/sessions/main/log")).status_code == 200


@pytest.mark.timeout(60)
@pytest.mark.parametrize("role", ["gateway", "worker"])
async def test_gateways_and_workers_start_without_it_too(tmp_path: Path, role: str) -> None:
    serving = ["--port", "0"] if role == "gateway" else []
    with reserved_port() as port:
        async with embedded_redis(tmp_path / "redis") as redis_url:
            stores = ["--redis", redis_url, "--clickhouse", f"http://127.0.0.1:{port}"]
            async with command("broker.cli", [role, *serving, "--json", *stores], folder=tmp_path) as started:
                assert await started.stop() == 0
