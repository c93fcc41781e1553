"""How the time of a message, and what everything costs when idle, grows with the number of agents."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from connect.sdk import AgentRelay
from tests.bench import machine
from tests.bench.figures import Figure, Section, p50, p99
from tests.bench.latency import timed_messages
from tests.bench.raw_redis import RawHop, raw_hop
from tests.bench.stage import Broker, Started, discard_output, running_relay_connect
from tests.fixtures.process_family import children

_AT_ONCE = 10
_IDLE_S = 5.0
_SETTLE_S = 2.0
_EXPLAINED = (
    "All agents are real processes under one relay-connect, in one session; messages go one at a time to agents chosen "
    f"by chance. CPU is a share of one core over {_IDLE_S:g} s in which nothing is asked of anybody."
)
_HEAD = (
    "agents",
    "accepted → read p50 ms",
    "p99 ms",
    "called → read p50 ms",
    "raw hop p50 ms",
    "spawned / s",
    "broker RSS MiB",
    "Valkey RSS MiB",
    "relay-connect RSS MiB",
    "agent PSS MiB",
    "idle CPU broker %",
    "Valkey %",
    "relay-connect %",
)


async def measure_growth(broker: Broker, *, steps: Sequence[int], count: int) -> Section:
    section = Section(title="Growth with the number of agents", explained=_EXPLAINED, head=_HEAD)
    async with running_relay_connect(broker, "growth") as proxy, broker.relay() as relay, raw_hop(broker) as raw:
        draining = asyncio.create_task(discard_output(proxy))
        names: list[str] = []
        for step in steps:
            began = time.perf_counter()
            new = [f"A{number}" for number in range(len(names), step)]
            await spawn_agents(relay, new, on="growth")
            names += new
            spawned_per_s = len(new) / (time.perf_counter() - began)
            section.rows.append(await _row(broker, proxy, relay, raw=raw, names=names, rate=spawned_per_s, count=count))
        draining.cancel()
    return section


async def spawn_agents(relay: AgentRelay, names: Sequence[str], *, on: str) -> None:
    """Some at a time."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> None:
        async with free:
            await relay.spawn(name, "bench", on=on)

    async with asyncio.TaskGroup() as tasks:
        for name in names:
            tasks.create_task(one(name))


async def _row(
    broker: Broker,
    proxy: Started,
    relay: AgentRelay,
    *,
    raw: RawHop,
    names: Sequence[str],
    rate: float,
    count: int,
) -> tuple[Figure, ...]:
    await asyncio.sleep(_SETTLE_S)
    pids = (broker.pid, broker.valkey_pid, proxy.pid)
    cpu = await _idle_cpu_percent(pids)
    timings = await timed_messages(relay, raw, names=names, count=count)
    read = [t.accepted_to_read for t in timings]
    return (
        len(names),
        p50(read),
        p99(read),
        p50([t.called_to_read for t in timings]),
        p50([t.raw_hop for t in timings]),
        rate,
        *(machine.rss_mib(pid) for pid in pids),
        machine.pss_mib(children(proxy.pid)[0]),
        *cpu,
    )


async def _idle_cpu_percent(pids: Sequence[int]) -> list[float]:
    before = [machine.cpu_s(pid) for pid in pids]
    await asyncio.sleep(_IDLE_S)
    return [(machine.cpu_s(pid) - was) / _IDLE_S * 100 for pid, was in zip(pids, before, strict=True)]
