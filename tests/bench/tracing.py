"""What tracing costs: two brokers, one of which traces every message, take turns."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from connect.sdk import AgentRelay
from tests.bench.figures import Section, p50, p99
from tests.bench.latency import Timing, timed_messages
from tests.bench.machine import cpu_s
from tests.bench.raw_redis import RawHop, raw_hop
from tests.bench.stage import Broker, running_broker, running_relay_connect
from tests.fixtures.receiver import receiving

EXPLAINED = (
    "One message at a time to an idle agent, as above; the two brokers take turns, and both run all the time. Processor"
    " time is that of the broker's process, which also ships the log and, where it traces, makes and sends the spans of"
    " each message; their receiver keeps them in the measuring process."
)


@dataclass(slots=True, kw_only=True)
class _Side:
    broker: Broker
    relay: AgentRelay
    raw: RawHop
    timings: list[Timing] = field(default_factory=list)
    cpu_s: float = 0

    async def turn(self, count: int) -> None:
        before = cpu_s(self.broker.pid)
        self.timings += await timed_messages(self.relay, self.raw, names=["Reader"], count=count)
        self.cpu_s += cpu_s(self.broker.pid) - before

    @property
    def row(self) -> tuple[float, float, float]:
        read = [timing.accepted_to_read for timing in self.timings]
        return p50(read), p99(read), 1000 * self.cpu_s / len(self.timings)


async def measure_tracing(folder: Path, *, rounds: int, count: int) -> Section:
    async with contextlib.AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(receiving())
        collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.port}"}
        plain = await stack.enter_async_context(_side(folder / "plain"))
        traced = await stack.enter_async_context(_side(folder / "traced", "--traces", "1", **collector))
        for _ in range(rounds):
            await plain.turn(count)
            await traced.turn(count)
        assert receiver.requests, "nothing was traced"
    more = (f"{100 * (after / before - 1):+.1f} %" for before, after in zip(plain.row, traced.row, strict=True))
    head = ("", "accepted → read, p50 ms", "p99 ms", "broker's processor time, ms a message")
    rows = [("without", *plain.row), ("with every message traced", *traced.row), ("difference", *more)]
    return Section(title="Tracing", explained=EXPLAINED, head=head, rows=list(rows))


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
