"""What tracing costs: two brokers, one of which traces every message, take turns; and what the spans alone cost."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from broker.adapters.otlp import otlp_spans
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.traces.fold import Place, TraceFold, is_of_traces
from connect.sdk import AgentRelay
from tests.bench.figures import Figure, Section, p50, p99
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


OF_SPANS = (
    "A broker that traces every message: its processor time for one, from an SDK that sends one at a time. Then, in the"
    " measuring process, the spans of these messages' own events, once more: made of the events, and handed to"
    " OpenTelemetry's exporter, encoded and sent to a receiver. Processor time, so other work on the machine counts for"
    " little; the last column is the part of what a message costs without. Not in it: the traceparent that a message"
    " gets when it is accepted, and its place in events."
)
_AGAIN = 10
_Figures = tuple[float, float, float]
"""Of one turn: p50 and p99 in ms, and the broker's processor time in ms a message."""


@dataclass(slots=True, kw_only=True)
class _Side:
    broker: Broker
    relay: AgentRelay
    raw: RawHop
    session: SessionId
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


async def measure_spans(folder: Path, *, count: int) -> Section:
    async with receiving() as receiver:
        collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.port}"}
        async with _side(folder / "spans", "--traces", "1", **collector) as side:
            await side.turn(count)
            await side.turn(count)
            [_, (_, _, whole_ms)] = side.turns
            events = [each.model_dump() for each in await side.relay.recent(limit=5000)]
        with _collector_at(receiver.port):
            made_s, sent_s = await _cost_of(events, session=side.session)
    messages = _AGAIN * sum(event["kind"] == "message.accepted" for event in events)
    costs = [1000 * each / messages for each in (made_s, sent_s, made_s + sent_s)]
    rest_ms = whole_ms - costs[-1]
    names = ("spans made of its events", "handed over, encoded and sent", "both")
    rows: list[tuple[Figure, ...]] = [
        ("a message, traced", whole_ms, None),
        *((name, ms, f"{100 * ms / rest_ms:.1f} %") for name, ms in zip(names, costs, strict=True)),
    ]
    return Section(title="Spans", explained=OF_SPANS, head=("", "ms a message", "of one without"), rows=rows)


async def _cost_of(events: Sequence[Mapping[str, Any]], *, session: SessionId) -> tuple[float, float]:
    """Seconds of processor time for making the spans of events ten times, and for sending them."""
    place = Place(workspace=WorkspaceId("local"), session=session, cli="bench", machine="tracing")
    before = process_time()
    spans = [
        span
        for fold in [TraceFold(ratio=1) for _ in range(_AGAIN)]
        for event in filter(is_of_traces, events)
        for span in fold.take(event, place)
    ]
    made = process_time()
    async with otlp_spans() as sink:
        sink.take(spans)
    return made - before, process_time() - made


@contextlib.contextmanager
def _collector_at(port: int) -> Iterator[None]:
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{port}"
    os.environ["OTEL_BSP_MAX_QUEUE_SIZE"] = "1000000"
    try:
        yield
    finally:
        del os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"], os.environ["OTEL_BSP_MAX_QUEUE_SIZE"]


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
        yield _Side(broker=broker, relay=relay, raw=raw, session=(await relay.session()).id)
