"""/readyz, `relaycast status` and the alerts say the same of an installation, in each state that it can be in.

Prometheus' own program decides which alerts fire, on what a worker's survey has measured then.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from clickhouse_connect.driver.client import Client
from prometheus_client import REGISTRY

from broker.adapters.clickhouse.client import ClickHouse
from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.adapters.redis import keys
from broker.app import build_survey
from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.domain.operations.status import BACKLOG_OLD_MS, MESSAGE_OLD_MS, BrokerProcess, ProcessKind, StoreState
from tests.deploy.test_monitoring import ALERTS, alerts_of
from tests.fixtures.gateway import Gateway, gateway_for, serving
from tests.fixtures.redis_servers import Server, data_server

_WORKER = BrokerProcess(id="worker", kind=ProcessKind.WORKER, version="1", host="h", pid=1, started_at_ms=1)
_GATEWAY = replace(_WORKER, id="gateway", kind=ProcessKind.GATEWAY)
_OF_THE_SURVEY = re.compile(r"relaycast_(?:store_.*|waiting.*|versions)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One gateway and, while it is there, one worker, on a store of their own. Its log store says what it is told."""

    gateway: Gateway
    store: Server
    logs: ClickHouseLogStore | None

    async def readyz(self) -> tuple[int, str]:
        """Its status, and what it says of the log store."""
        answer = await self.gateway.call("GET", "/readyz")
        return answer.status_code, answer.json().get("logs", "")

    async def problems(self) -> list[str]:
        """What `relaycast status` prints; one it cannot get is a problem, with exit status 2."""
        answer = await self.gateway.call("GET", "/v1/status")
        if answer.status_code != 200:
            return [answer.json()["error"]["message"]]
        problems: list[str] = answer.json()["data"]["problems"]
        return problems

    async def alerts(self, folder: Path, *, worker: bool) -> set[str]:
        """What fires once it has been so for more than an hour."""
        with contextlib.suppress(Unavailable):
            if worker:
                await build_survey(self.gateway.adapters, self.logs).survey()
        measured = {'up{job="relaycast", instance="a"}': "1x100", **dict(_series(worker=worker))}
        said = await asyncio.to_thread(alerts_of, folder, measured, at="95m", expected=set())
        return set(re.findall(r'alertname="(\w+)"', said)) & set(ALERTS)


def _series(*, worker: bool) -> Iterator[tuple[str, str]]:
    """As Prometheus has read them for more than an hour, a sample a minute."""
    if not worker:
        return
    yield 'relaycast_surveys_total{instance="a"}', "0+4x100"
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            if _OF_THE_SURVEY.fullmatch(sample.name):
                labels = ", ".join(f'{name}="{value}"' for name, value in sample.labels.items())
                yield f"{sample.name}{{{labels}}}", f"{sample.value}x100"


@contextlib.asynccontextmanager
async def installed(folder: Path, logs: ClickHouseLogStore | None = None) -> AsyncIterator[Installation]:
    """One that is well, but for its log store."""
    async with (
        data_server(folder / "store") as store,
        serving(store.url, logs=logs) as url,
        httpx.AsyncClient(timeout=60) as client,
        gateway_for(WorkspaceId(f"w-{uuid4().hex}"), url=url, redis_url=store.url, client=client) as gateway,
    ):
        for process in (_WORKER, _GATEWAY):
            await gateway.adapters.processes.beat(process)
        yield Installation(gateway=gateway, store=store, logs=logs)


async def nothing(_: Installation) -> None:
    """It is well."""


async def away(here: Installation) -> None:
    await here.store.kill()


async def frozen(here: Installation) -> None:
    here.store.freeze()


async def read_only(here: Installation) -> None:
    await here.store.ask("REPLICAOF", "127.0.0.1", 1)


async def out_of_memory(here: Installation) -> None:
    await here.store.ask("CONFIG", "SET", "maxmemory", 1)


async def nearly_full(here: Installation) -> None:
    await here.store.ask("SETRANGE", "ballast", 60_000_000, "x")  # beside which nothing else that changes counts
    used = (await here.store.ask("INFO", "memory"))["used_memory"]
    await here.store.ask("CONFIG", "SET", "maxmemory", int(used * 1.05))


async def no_worker(here: Installation) -> None:
    await here.gateway.adapters.processes.end(_WORKER)


async def two_versions(here: Installation) -> None:
    await here.gateway.adapters.processes.beat(replace(_GATEWAY, version="2"))


async def messages_wait(here: Installation) -> None:
    """As if the one that an agent does not take had been sent some minutes ago."""
    sent = await _send(here.gateway)
    key = keys.key(here.gateway.workspace, "message", sent["message_id"])
    at_ms = int(await here.store.ask("HGET", key, "at"))
    await here.store.ask("HSET", key, "at", at_ms - MESSAGE_OLD_MS - 10_000)


async def log_lags(here: Installation) -> None:
    """As if the first event that is not shipped had happened a minute ago."""
    await _send(here.gateway)
    await here.gateway.adapters.backlog.begin(here.gateway.workspace)
    [log] = await here.store.ask("KEYS", keys.key(here.gateway.workspace, "log", "*"))
    first = (await here.store.ask("XRANGE", log, "-", "+"))[0][0]
    old = {"at_ms": await here.gateway.adapters.pressure.now_ms() - BACKLOG_OLD_MS - 10_000}
    await here.store.ask("DEL", log)
    await here.store.ask("XADD", log, first, "e", orjson.dumps(old).decode())


async def _send(gateway: Gateway) -> dict[str, Any]:
    """A message to an agent that does not take it."""
    async with gateway.machine() as machine:
        machine.answering = False
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Bob", "cli": "demo"})
        sent: dict[str, Any] = await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Bob", "text": "x"})
    return sent


Trouble = Callable[[Installation], Awaitable[None]]
STATES: dict[str, tuple[Trouble, int, str, set[str]]] = {
    "well": (nothing, 200, "", set()),
    "redis away": (away, 503, "store", {"RelaycastRedisNotReady"}),
    "redis frozen": (frozen, 503, "store", {"RelaycastRedisNotReady"}),
    "redis read-only": (read_only, 503, "redis", {"RelaycastRedisNotReady"}),
    "redis out of memory": (out_of_memory, 503, "redis", {"RelaycastRedisNotReady", "RelaycastStoreNearlyFull"}),
    "redis nearly full": (nearly_full, 200, "redis is 9", {"RelaycastStoreNearlyFull"}),
    "no worker": (no_worker, 200, "no worker runs", {"RelaycastNoWorker"}),
    "several versions": (two_versions, 200, "several versions", {"RelaycastSeveralVersions"}),
    "messages wait": (messages_wait, 200, "1 messages wait", {"RelaycastMessagesWait"}),
    "the log is not shipped": (log_lags, 200, "log events wait to be shipped", {"RelaycastLogsNotShipped"}),
}
"""What happens; what /readyz answers, what `relaycast status` speaks of, and what fires."""


@pytest.mark.parametrize("state", list(STATES))
async def test_the_three_agree(tmp_path: Path, state: str) -> None:
    trouble, ready, words, firing = STATES[state]
    async with installed(tmp_path) as here:
        await trouble(here)
        assert (await here.readyz())[0] == ready
        problems = await here.problems()
        assert [problem for problem in problems if words in problem] == problems
        assert bool(problems) is bool(words)
        assert await here.alerts(tmp_path, worker=trouble is not no_worker) == firing


async def test_a_log_store_that_is_broken_stops_nobody_and_is_told_by_all_three(tmp_path: Path) -> None:
    logs = ClickHouseLogStore(ClickHouse(_no_engine))
    logs.keep_closed("its tables are damaged")
    async with installed(tmp_path, logs) as here:
        assert await here.readyz() == (200, "degraded: its tables are damaged")
        assert await here.problems() == ["logs: degraded: its tables are damaged"]
        assert await here.alerts(tmp_path, worker=True) == {"RelaycastLogStoreNotReady"}


def test_a_log_store_that_is_slower_than_it_could_be_is_in_order() -> None:
    assert StoreState(name="logs", state="ready, this ClickHouse has no text index").is_in_order
    assert StoreState(name="logs", state="ready").is_in_order
    assert not StoreState(name="logs", state="readily broken").is_in_order


def _no_engine() -> Client:
    raise AssertionError("nobody asks a log store that is closed")
