"""Which size for how much: what agents, messages and log lines cost a whole `relaycast up`, and what follows."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
from typing_extensions import override
from websockets.asyncio.client import ClientConnection

from broker.protocol.agents.events import TurnEnded, TurnOutcome, TurnStarted
from broker.protocol.proxy import Deliver, NumberedReport, StateChanged
from tests.bench.figures import Section
from tests.bench.latency import TEXT
from tests.bench.link_client import CLI, LinkClient, open_link
from tests.bench.log_rows import WORDS
from tests.bench.machine import cpu_s, pss_mib
from tests.bench.stage import Broker
from tests.fixtures.process_family import descendants

_NAME = "sizes"
_SPAWNED_AT_ONCE = 20
_SENDERS = 16
_BATCH = 100
_WORDS_A_LINE = 15
_IDLE_S = 5.0
_LONGEST_S = 600
_POLL_S = 0.2
_DAYS = 90
_PEAK = 4
"""The busiest hour has so many times the lines of an average one: most people work in a third of the day."""
_USED = 0.5
"""The part of a core that is planned to be used at the peak."""
_KEPT_LINE_BYTES = 277
"""On disk, everything included, once parts are merged: as `--only logs` measures on 10 million lines."""
_SIZES = ((10, 1, 100_000), (100, 5, 1_000_000), (300, 20, 5_000_000), (1_000, 50, 10_000_000))
"""Agents, messages a second at the peak, log lines a day."""
_COSTS_EXPLAINED = (
    "A whole `relaycast up`: gateway and worker, its Valkey, its log engine; processor time and memory (PSS) of all of"
    f" these. One machine, whose agents answer at once. Messages: {_SENDERS} at a time by the SDK, from sending to the"
    f" end of the turn, their own log included. Lines: texts of {_WORDS_A_LINE} words, from the link until the log"
    " store has them. Disk: what the log store's folder grew by, with parts that are not merged or were just replaced."
)
_TABLE_EXPLAINED = (
    "Reckoned from the costs above: processor time at the peak (messages as given, lines at"
    f" {_PEAK} times their average), of which a core is used to {_USED:.0%}; memory of all processes with all agents"
    f" there; disk for {_DAYS} days of lines, {_KEPT_LINE_BYTES} bytes each once parts are merged (see the size of"
    " the log store)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What was measured."""

    memory_mib: float
    """Without agents."""
    idle_cores: float
    agent_mib: float
    agent_cores: float
    """Of each, while it does nothing."""
    message_cpu_ms: float
    messages_s: float
    line_cpu_ms: float
    lines_s: float
    line_bytes: float
    busy_mib: float
    """More, after messages and lines: what stores and processes keep for their work."""


class AnsweringLink(LinkClient):
    """Its agents answer every message at once."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self.answered = 0
        self.progress = asyncio.Event()

    @override
    async def _delivered(self, order: Deliver) -> None:
        turn = f"turn-{order.message_id}"
        ended = TurnEnded(turn_id=turn, outcome=TurnOutcome.COMPLETED, message_ids=(order.message_id,), text="done")
        events = (TurnStarted(turn_id=turn, message_id=order.message_id), ended)
        reports = [
            NumberedReport(
                seq=self._next(), report=StateChanged(agent=order.agent, generation=order.generation, event=event)
            )
            for event in events
        ]
        await self._send([report.model_dump_json().encode() for report in reports])
        self.answered += 1
        self.progress.set()


async def measure_sizes(broker: Broker, *, agents: int, messages: int, lines: int) -> list[Section]:
    """The costs, and which size follows for how much."""
    costs = await _measure(broker, agents=agents, messages=messages, lines=lines)
    return [
        Section(
            title="What it costs",
            explained=_COSTS_EXPLAINED,
            head=("what", "processor time", "memory or disk", "measured at"),
            rows=[
                ("nothing to do", f"{costs.idle_cores:.3f} cores", f"{costs.memory_mib:.0f} MiB", None),
                (
                    "an agent that does nothing",
                    f"{1000 * costs.agent_cores:.2f} cores for 1,000",
                    f"{1000 * costs.agent_mib:.0f} MiB for 1,000",
                    f"{agents:,} agents",
                ),
                ("a message", f"{costs.message_cpu_ms:.2f} ms", None, f"{costs.messages_s:,.0f} / s"),
                (
                    "a line of the log",
                    f"{costs.line_cpu_ms:.3f} ms",
                    f"{costs.line_bytes:.0f} bytes of disk",
                    f"{costs.lines_s:,.0f} / s",
                ),
                ("stores and processes at work", None, f"{costs.busy_mib:.0f} MiB", None),
            ],
        ),
        Section(
            title="Sizes",
            explained=_TABLE_EXPLAINED,
            head=("agents", "messages / s", "log lines / day", "cores", "memory GiB", f"disk GB, {_DAYS} days"),
            rows=[(f"{size[0]:,}", size[1], size[2], *reckon(costs, *size)) for size in _SIZES],
        ),
    ]


def reckon(costs: Costs, agents: int, messages_s: float, lines_a_day: int) -> tuple[float, float, float]:
    """Cores, GiB of memory and GB of disk for so much."""
    lines_s = _PEAK * lines_a_day / 86_400
    busy = (messages_s * costs.message_cpu_ms + lines_s * costs.line_cpu_ms) / 1000
    cores = (costs.idle_cores + agents * costs.agent_cores + busy) / _USED
    memory_mib = costs.memory_mib + costs.busy_mib + agents * costs.agent_mib
    return cores, memory_mib / 1024, lines_a_day * _DAYS * _KEPT_LINE_BYTES / 1e9


async def _measure(broker: Broker, *, agents: int, messages: int, lines: int) -> Costs:
    memory, idle = _memory_mib(broker), await _idle_cores(broker)
    async with open_link(broker, _NAME, AnsweringLink) as link:
        names = await _spawn(broker, agents)
        with_agents, idle_with_agents = _memory_mib(broker), await _idle_cores(broker)
        cpu = _cpu_s(broker)
        messages_s = await _send(broker, link, names, count=messages)
        await _until_shipped(broker)
        message_cpu_ms = 1000 * (_cpu_s(broker) - cpu) / messages
        cpu, disk = _cpu_s(broker), _disk_bytes(broker)
        lines_s = await _write_lines(broker, link, count=lines)
        line_cpu_ms = 1000 * (_cpu_s(broker) - cpu) / lines
        return Costs(
            memory_mib=memory,
            idle_cores=idle,
            agent_mib=max(0.0, with_agents - memory) / agents,
            agent_cores=max(0.0, idle_with_agents - idle) / agents,
            message_cpu_ms=message_cpu_ms,
            messages_s=messages_s,
            line_cpu_ms=line_cpu_ms,
            lines_s=lines_s,
            line_bytes=(_disk_bytes(broker) - disk) / lines,
            busy_mib=max(0.0, _memory_mib(broker) - with_agents),
        )


async def _spawn(broker: Broker, agents: int) -> list[str]:
    names = [f"Agent-{number}" for number in range(agents)]
    async with broker.relay() as relay:
        for first in range(0, agents, _SPAWNED_AT_ONCE):
            batch = names[first : first + _SPAWNED_AT_ONCE]
            await asyncio.gather(*(relay.spawn(name, CLI, on=_NAME) for name in batch))
    return names


async def _send(broker: Broker, link: AnsweringLink, names: list[str], *, count: int) -> float:
    left = iter(range(count))
    began, before = time.perf_counter(), link.answered

    async def send() -> None:
        async with broker.relay() as relay:
            for number in left:
                await relay.send(names[number % len(names)], TEXT)

    await asyncio.gather(*(send() for _ in range(_SENDERS)))
    async with asyncio.timeout(_LONGEST_S):
        while link.answered - before < count:
            link.progress.clear()
            await link.progress.wait()
    await link.drained()
    return count / (time.perf_counter() - began)


async def _write_lines(broker: Broker, link: AnsweringLink, *, count: int) -> float:
    weights = [1 / rank for rank in range(1, len(WORDS) + 1)]
    began = time.perf_counter()
    for _ in range(count // _BATCH):
        words = random.choices(WORDS, weights, k=_BATCH * _WORDS_A_LINE)
        starts = range(0, len(words), _WORDS_A_LINE)
        await link.say([f"{' '.join(words[at : at + _WORDS_A_LINE])} {uuid4()}" for at in starts])
    await link.drained()
    await _until_shipped(broker)
    return count / (time.perf_counter() - began)


async def _until_shipped(broker: Broker) -> None:
    async with asyncio.timeout(_LONGEST_S), _http(broker) as http:
        while (await http.get("/v1/status")).json()["data"]["backlog"]["count"]:
            await asyncio.sleep(_POLL_S)


@asynccontextmanager
async def _http(broker: Broker) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {broker.key}"}
    async with httpx.AsyncClient(base_url=broker.url, headers=headers, timeout=60, trust_env=False) as http:
        yield http


async def _idle_cores(broker: Broker) -> float:
    began, before = time.perf_counter(), _cpu_s(broker)
    await asyncio.sleep(_IDLE_S)
    return (_cpu_s(broker) - before) / (time.perf_counter() - began)


def _processes(broker: Broker) -> list[int]:
    return [broker.pid, *descendants(broker.pid)]


def _cpu_s(broker: Broker) -> float:
    return sum(map(cpu_s, _processes(broker)))


def _memory_mib(broker: Broker) -> float:
    return sum(map(pss_mib, _processes(broker)))


def _disk_bytes(broker: Broker) -> int:
    return sum(_blocks(file) for file in (broker.folder / "broker" / "clickhouse").rglob("*"))


def _blocks(file: Path) -> int:
    try:
        return file.stat().st_blocks * 512 if file.is_file() else 0
    except FileNotFoundError:  # a part that was merged meanwhile
        return 0
