"""Live events of one session to a hundred subscribers on two processes: ours beside what else there is."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from broker.adapters.embedded import embedded_redis
from tests.bench import machine
from tests.bench.figures import Figure, Section
from tests.bench.live_peers import Fleet, graphql_ws, relaycast, socket_io
from tests.bench.stage import Started, running

SUBSCRIBERS = 100
_PACED_PER_S = 100
"""Events; ten thousand deliveries."""
_BATCH = 50
_LONGEST_FLOOD_S = 15
"""A server that would take longer for all events gets a tenth of them; what it can do shows in that too."""
_TEXT_BYTES = 900
"""With cursor, time, name and braces this makes a message of 1 KB."""
_EXPLAINED = (
    f"{SUBSCRIBERS} WebSockets of one client process, on two server processes and one Valkey; messages of 1 KB. "
    f"Delay: from just before an event is written to Valkey until its frame is read off a socket, at {_PACED_PER_S} "
    "events a second (10,000 deliveries a second). Saturated: all events are written at once; deliveries from the "
    "first frame to the last. The servers take turns; medians of all rounds. CPU: of both server processes, in the "
    "paced part, and per delivery in the saturated one."
)

_EXPLAINED_ALONE = (
    f"{SUBSCRIBERS} sessions with one subscriber each, on two gateway processes: nothing is made for more than one. "
    f"Delay at {10 * _PACED_PER_S:,} events a second over all sessions; otherwise as above."
)
IDLE = 1000
_IDLE_S = 10
_EXPLAINED_IDLE = (
    f"{IDLE:,} WebSockets with one subscription each on {SUBSCRIBERS} sessions in which nothing happens, on two "
    f"gateway processes. Memory: what both need more (Pss). CPU: of both over {_IDLE_S} s, with the sockets' pings."
)


@dataclass(slots=True)
class _Client:
    """`tests.bench.subscribers`, connected to one fleet."""

    fleet: Fleet
    process: Started

    async def order(self, **asked: Any) -> None:
        stdin, stdout = self.process.process.stdin, self.process.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(orjson.dumps(asked) + b"\n")
        await stdin.drain()
        assert await stdout.readline() == b"begun\n"

    async def result(self) -> dict[str, float]:
        assert self.process.process.stdout is not None
        async with asyncio.timeout(200):
            found: dict[str, float] = orjson.loads(await self.process.process.stdout.readline())
            return found


async def measure_live_fanout(folder: Path, *, rounds: int, events: int) -> Section:
    head = ("server", "delay p50 ms", "delay p99 ms", "CPU %", "saturated deliveries / s", "CPU µs per delivery")
    section = Section(title="Live events to 100 subscribers", explained=_EXPLAINED, head=head)
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    async with _clients(folder) as clients:
        for _ in range(rounds):
            for client in clients:
                found[client.fleet.name].append(await _measured(client, events=events))
    for name, each in found.items():
        section.rows.append((name, *_medians(each)))
    return section


@contextlib.asynccontextmanager
async def _clients(folder: Path) -> AsyncIterator[list[_Client]]:
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(embedded_redis(folder / "live"))
        fleets = [
            await stack.enter_async_context(relaycast(folder, url, in_common=True)),
            await stack.enter_async_context(relaycast(folder, url, in_common=False)),
            await stack.enter_async_context(graphql_ws(folder, url)),
            await stack.enter_async_context(socket_io(folder, url)),
        ]
        yield [await stack.enter_async_context(_client(fleet, folder)) for fleet in fleets]


@contextlib.asynccontextmanager
async def _client(fleet: Fleet, folder: Path, *, subscribers: int = SUBSCRIBERS) -> AsyncIterator[_Client]:
    command = [sys.executable, "-m", "tests.bench.subscribers"]
    async with running(command, folder=folder, says=fleet.plan(subscribers)) as process:
        yield _Client(fleet, process)


async def measure_live_subscriptions(folder: Path, *, events: int) -> Section:
    head = ("subscriptions", "delay p50 ms", "delay p99 ms", "CPU %", "saturated deliveries / s", "CPU µs per delivery")
    section = Section(title="Live subscriptions that share nothing", explained=_EXPLAINED_ALONE, head=head)
    async with (
        embedded_redis(folder / "alone") as url,
        relaycast(folder, url, sessions=SUBSCRIBERS) as fleet,
        _client(fleet, folder) as client,
    ):
        paced = await _paced(client, events=5 * events, to=1, per_s=10 * _PACED_PER_S)
        flood = await _flood(client, events=10 * events, to=1)
        figures = (*(paced[name] for name in ("p50", "p99", "cpu")), flood["rate"], flood["cpu_us"])
        section.rows.append(("100 sessions, one subscriber each", *figures))
    return section


async def measure_idle_subscriptions(folder: Path) -> Section:
    head = ("subscriptions", "KiB each", "CPU %")
    section = Section(title="Idle live subscriptions", explained=_EXPLAINED_IDLE, head=head)
    async with embedded_redis(folder / "idle") as url, relaycast(folder, url, sessions=SUBSCRIBERS) as fleet:
        async with _client(fleet, folder):  # what a process needs once is there before we look
            before = _pss_kib(fleet)
            async with _client(fleet, folder, subscribers=IDLE):
                each = (_pss_kib(fleet) - before) / IDLE
                cpu, began = _cpu(fleet), time.perf_counter()
                await asyncio.sleep(_IDLE_S)
                percent = 100 * (_cpu(fleet) - cpu) / (time.perf_counter() - began)
        section.rows.append((f"{IDLE:,}, each on a socket of its own", each, percent))
    return section


def _pss_kib(fleet: Fleet) -> float:
    return 1024 * sum(machine.pss_mib(server.pid) for server in fleet.servers)


async def _measured(client: _Client, *, events: int) -> dict[str, float]:
    paced = await _paced(client, events=_PACED_PER_S * 3)
    flood = await _flood(client, events=events // 10)
    if flood["rate"] * _LONGEST_FLOOD_S > events * SUBSCRIBERS:
        flood = await _flood(client, events=events)
    return {**paced, "saturated": flood["rate"], "cpu_us": flood["cpu_us"]}


async def _paced(client: _Client, *, events: int, to: int = SUBSCRIBERS, per_s: int = _PACED_PER_S) -> dict[str, float]:
    await client.order(frames=events * to, timed=True)
    cpu, began = _cpu(client.fleet), time.perf_counter()
    for number in range(events):
        await asyncio.sleep(max(0.0, began + number / per_s - time.perf_counter()))
        await client.fleet.publish([_text()])
    found = await client.result()
    took = time.perf_counter() - began
    return {**found, "cpu": 100 * (_cpu(client.fleet) - cpu) / took}


async def _flood(client: _Client, *, events: int, to: int = SUBSCRIBERS) -> dict[str, float]:
    await client.order(frames=events * to, timed=False)
    cpu = _cpu(client.fleet)
    for _ in range(0, events, _BATCH):
        await client.fleet.publish([_text() for _ in range(_BATCH)])
    found = await client.result()
    return {**found, "cpu_us": 1e6 * (_cpu(client.fleet) - cpu) / (events * to)}


def _text() -> str:
    return f"t={time.time_ns()}; ".ljust(_TEXT_BYTES, "x")


def _cpu(fleet: Fleet) -> float:
    return sum(machine.cpu_s(server.pid) for server in fleet.servers)


def _medians(rounds: list[dict[str, float]]) -> tuple[Figure, ...]:
    return tuple(median(each[name] for each in rounds) for name in ("p50", "p99", "cpu", "saturated", "cpu_us"))
