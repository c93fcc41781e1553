"""What an operator asks first, over HTTP and as `relaycast status`."""

from collections.abc import AsyncIterator
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio

from broker.adapters.redis.operations.processes import RedisProcesses
from broker.app import build_adapters
from broker.domain.operations.status import BrokerProcess, ProcessKind
from tests.fixtures.gateway import Gateway
from tests.fixtures.shell import Shell, shell_of


@pytest.fixture
def shell(gateway: Gateway) -> Shell:
    return shell_of(gateway)


@pytest_asyncio.fixture(loop_scope="session")
async def worker(redis_url: str) -> AsyncIterator[BrokerProcess]:
    """A process that says it is a worker."""
    adapters = build_adapters(redis_url)
    processes: RedisProcesses = adapters.processes
    made = BrokerProcess(
        id=uuid4().hex, kind=ProcessKind.WORKER, version="0.0", host="far", pid=77, started_at_ms=1_700_000_000_000
    )
    await processes.beat(made)
    yield made
    await processes.end(made)
    await adapters.redis.aclose()


async def test_it_says_what_runs_what_is_kept_and_what_waits(gateway: Gateway, worker: BrokerProcess) -> None:
    async with gateway.machine() as machine:
        machine.answering = False  # the first message is handed over, the second waits behind it
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Busy", "cli": "demo"})
        for text in ("one", "two"):
            await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Busy", "text": text})
        found = await gateway.ok("GET", "/v1/status")
    assert worker.id in [process["id"] for process in found["processes"]]
    redis, logs = found["stores"]
    assert (redis["name"], redis["state"], logs["name"], logs["state"]) == ("redis", "ready", "logs", "not kept")
    assert redis["room"]["used_bytes"] > 0
    assert (found["machines"], found["machines_online"]) == (1, 1)
    assert sum(found["agents"].values()) == 1
    assert found["messages"]["count"] == 2
    assert 0 <= found["at_ms"] - found["messages"]["oldest_at_ms"] < 60_000


async def test_the_log_store_tells_its_room(logged: Gateway) -> None:
    found = await logged.ok("GET", "/v1/status")
    logs = found["stores"][1]
    assert logs["state"] == "ready"
    assert 0 < logs["room"]["disk_free_bytes"] <= logs["room"]["disk_bytes"]
    assert logs["room"]["used_bytes"] > 0


async def test_only_administrators_see_it(gateway: Gateway) -> None:
    _, observer = await gateway.token("observer")
    answer = await gateway.call("GET", "/v1/status", token=observer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "NOT_PERMITTED")


async def test_the_command_shows_it_and_ends_with_1_when_something_needs_attention(
    shell: Shell, worker: BrokerProcess
) -> None:
    shown = await shell("status")
    assert "worker     0.0" in shown.stdout
    assert "far, pid 77" in shown.stdout
    told = orjson.loads((await shell("status", "--json")).stdout)
    assert shown.exit_code == bool(told["problems"])
    for problem in told["problems"]:
        assert f"✗ {problem}" in shown.stdout


async def test_without_a_worker_it_says_so_and_ends_with_1(shell: Shell) -> None:
    shown = await shell("status")
    assert shown.exit_code == 1
    assert "✗ no worker runs: deadlines do not pass and no log is shipped; start `relaycast worker`" in shown.stdout
