"""What tracing costs: two brokers, one of which traces every message, take turns."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from connect.sdk import AgentRelay
from tests.bench.figures import Section, p50, p99
from tests.bench.latency import timed_messages
from tests.bench.machine import cpu_s
from tests.bench.raw_redis import RawHop, raw_hop
from tests.bench.stage import Broker, running_broker, running_relay_connect
from tests.fixtures.receiver import receiving

EXPLAINED = (
    "One message at a time to an idle agent, as above; the two brokers take turns, and both run all the time. Processor"
    " time is that of the broker's process, which also ships the log and, where it traces, makes and sends the spans of"
    " each message; their receiver keeps them in the measuring process. Each figure is the median of all turns, each"
    " difference that of the differences of turns beside each other: what else the machine does meanwhile is in both."
)


_Figures = tuple[float, float, float]
"""Of one turn: p50 and p99 in ms, and the broker's processor time in ms a message."""


@dataclass(slots=True, kw_only=True)
class _Side:
    broker: Broker
    relay: AgentRelay
    raw: RawHop
    turns: list[_Figures] = field(default_factory=list)

    async def turn(self, count: int) -> None:
        before = cpu_s(self.broker.pid)
        timings = await timed_messages(self.relay, self.raw, names=["Reader"], count=count)
        read = [timing.accepted_to_read for timing in timings]
        self.turns.append((p50(read), p99(read), 1000 * (cpu_s(self.broker.pid) - before) / count))


async def measure_tracing(folder: Path, *, rounds: int, count: int) -> Section:
    async with contextlib.AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(receiving())
        collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.port}"}
        plain = await stack.enter_async_context(_side(folder / "plain"))
        traced = await stack.enter_async_context(_side(folder / "traced", "--traces", "1", **collector))
        for at in range(rounds):
            for side in (plain, traced) if at % 2 else (traced, plain):  # who is second finds warmer caches
                await side.turn(count)
        assert receiver.requests, "nothing was traced"
    pairs = zip(plain.turns, traced.turns, strict=True)
    ratios = [(after[0] / before[0], after[1] / before[1], after[2] / before[2]) for before, after in pairs]
    more = (f"{100 * (ratio - 1):+.1f} %" for ratio in _medians(ratios))
    head = ("", "accepted → read, p50 ms", "p99 ms", "broker's processor time, ms a message")
    rows = [
        ("without", *_medians(plain.turns)),
        ("with every message traced", *_medians(traced.turns)),
        ("difference", *more),
    ]
    return Section(title="Tracing", explained=EXPLAINED, head=head, rows=list(rows))


def _medians(turns: Sequence[_Figures]) -> _Figures:
    p50s, p99s, cpus = zip(*turns, strict=True)
    return median(p50s), median(p99s), median(cpus)


@contextlib.asynccontextmanager
async def _side(folder: Path, *arguments: str, **environment: str) -> AsyncIterator[_Side]:
    folder.mkdir()
    async with (
        running_broker(folder, *arguments, environment=environment) as broker,
        running_relay_connect(broker, "tracing"),
        broker.relay() as relay,
        raw_hop(broker) as raw,
    ):
        await relay.spawn("Reader", "bench")
        yield _Side(broker=broker, relay=relay, raw=raw)
