"""Two gateways and a worker on one store: gateways and the store may die; no message is lost or doubled."""

import contextlib
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from broker.adapters.embedded import embedded_redis
from broker.app import build_adapters
from broker.domain.ids import MessageId, WorkspaceId
from connect.sdk.relay import AgentRelay
from tests.fixtures.gateway import make_workspace
from tests.fixtures.processes import Running, agent_named, command, machine


@contextlib.asynccontextmanager
async def workspace_key(url: str, folder: Path) -> AsyncIterator[Path]:
    adapters = build_adapters(url)
    path = folder / "workspace.key"
    path.write_text(await make_workspace(adapters, WorkspaceId("w1")))
    yield path
    await adapters.redis.aclose()


def gateway(folder: Path, redis_url: str, *, port: int = 0) -> contextlib.AbstractAsyncContextManager[Running]:
    arguments = ["gateway", "--redis", redis_url, "--port", str(port), "--data-dir", str(folder / "gateway"), "--json"]
    return command("broker.cli", arguments, folder=folder)


def worker(folder: Path, redis_url: str) -> contextlib.AbstractAsyncContextManager[Running]:
    return command("broker.cli", ["worker", "--redis", redis_url, "--json"], folder=folder)


async def answers(relay: AgentRelay, messages: list[MessageId]) -> list[str | None]:
    found = []
    for message in messages:
        trace = await relay.wait_for(message, timeout_s=40)
        found.append(trace.deliveries[0].answer)
    return found


async def turns(relay: AgentRelay) -> Counter[MessageId]:
    """How often each message was part of a turn."""
    events = await relay.recent(limit=5000)
    return Counter(m for event in events if event.kind == "turn.ended" for m in event.data["messages"])


@pytest.mark.timeout(120)
async def test_a_gateway_killed_in_the_middle_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        redis_url = await stack.enter_async_context(embedded_redis(tmp_path / "redis"))
        key = await stack.enter_async_context(workspace_key(redis_url, tmp_path))
        first = await stack.enter_async_context(gateway(tmp_path, redis_url))
        second = await stack.enter_async_context(gateway(tmp_path, redis_url))
        await stack.enter_async_context(worker(tmp_path, redis_url))
        await stack.enter_async_context(machine(tmp_path, first.url, key))
        relay = await stack.enter_async_context(AgentRelay(second.url, key.read_text()))
        await relay.spawn("Worker", "demo")
        sent: list[MessageId] = []
        for number in range(20):
            sent.append((await relay.send("Worker", f"say {number}")).message_id)
            if number == 10:
                await first.kill()
        port = int(first.url.rpartition(":")[2])
        await stack.enter_async_context(gateway(tmp_path, redis_url, port=port))
        assert await answers(relay, sent) == [str(number) for number in range(20)]
        assert await turns(relay) == Counter(sent)
        assert (await agent_named(relay, "Worker")).generation == 1


@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_a_store_that_is_away_for_a_while_loses_nothing(tmp_path: Path, how: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = contextlib.AsyncExitStack()
        stack.push_async_callback(server.aclose)
        redis_url = await server.enter_async_context(embedded_redis(tmp_path / "redis"))
        key = await stack.enter_async_context(workspace_key(redis_url, tmp_path))
        only = await stack.enter_async_context(gateway(tmp_path, redis_url))
        await stack.enter_async_context(worker(tmp_path, redis_url))
        await stack.enter_async_context(machine(tmp_path, only.url, key))
        relay = await stack.enter_async_context(AgentRelay(only.url, key.read_text()))
        await relay.spawn("Worker", "demo")
        sent = [(await relay.send("Worker", "sleep 1")).message_id, (await relay.send("Worker", "say two")).message_id]
        pid = await server_pid(redis_url)
        os.kill(pid, signal.SIGSTOP if how == "stopped" else signal.SIGKILL)
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key.read_text()}"}, timeout=100) as http:
            if how == "killed":
                answer = await http.get(f"{only.url}/v1/sessions")
                assert (answer.status_code, answer.json()["error"]["code"]) == (503, "STORE_UNAVAILABLE")
                await server.aclose()
                await stack.enter_async_context(embedded_redis(tmp_path / "redis"))
            else:
                assert (await http.get(f"{only.url}/readyz")).status_code == 503
                os.kill(pid, signal.SIGCONT)
        assert await answers(relay, sent) == ["I slept 1 s.", "two"]
        assert await turns(relay) == Counter(sent)
        assert (await agent_named(relay, "Worker")).generation == 1


async def server_pid(url: str) -> int:
    adapters = build_adapters(url)
    pipe = adapters.redis.pipeline(transaction=False)
    pipe.execute_command("INFO", "server")
    (info,) = await pipe.execute()
    await adapters.redis.aclose()
    return int(info["process_id"])
