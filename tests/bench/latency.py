"""How long a message takes from its sender to the recipient's process, beside one raw hop through Redis."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from broker.domain.ids import MessageId
from broker.domain.messages.steps import ReceiptState
from connect.sdk import AgentRelay
from connect.sdk.types import Trace
from tests.bench.figures import Figure, Section, p50, p99
from tests.bench.raw_redis import RawHop, raw_hop
from tests.bench.stage import Broker, running_relay_connect

_WARM_UP = 20
_PAUSE_S = 0.02
"""Between messages, so that each meets an idle system."""
_HALF_MS = 0.5
TEXT = "Please look at the failing test in tests/test_router.py and tell me what you think is wrong with it."

EXPLAINED = (
    "One message at a time to an idle agent. `called → read`: from just before the SDK's `send()` to the moment the "
    "recipient's process has read the prompt from its stdin (both time.time_ns()). `accepted → read`: from the time "
    "that the broker's script took (its milliseconds are rounded down, so half of one is taken off each). "
    "`send() itself`: until it has returned. Raw hop, before each message: XADD and PUBLISH in one process until the "
    "subscriber in another has read the entry with XRANGE, on the same server."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One message, in milliseconds."""

    raw_hop: float
    send: float
    called_to_read: float
    accepted_to_read: float


async def measure_latency(broker: Broker, *, count: int) -> Section:
    async with running_relay_connect(broker, "latency"), broker.relay() as relay, raw_hop(broker) as raw:
        await relay.spawn("Reader", "bench")
        timings = await timed_messages(relay, raw, names=["Reader"], count=count)
        await relay.release("Reader")
    hop = [t.raw_hop for t in timings]
    rows = [
        _row("raw hop", hop, beside=hop),
        _row("accepted → read", [t.accepted_to_read for t in timings], beside=hop),
        _row("called → read", [t.called_to_read for t in timings], beside=hop),
        _row("send() itself", [t.send for t in timings], beside=hop),
    ]
    head = ("what", "p50 ms", "p99 ms", "p50 / raw hop")
    return Section(title="From send to the recipient's process", explained=EXPLAINED, head=head, rows=rows)


def _row(name: str, values: Sequence[float], *, beside: Sequence[float]) -> tuple[Figure, ...]:
    return name, p50(values), p99(values), p50(values) / p50(beside)


async def timed_messages(relay: AgentRelay, raw: RawHop, *, names: Sequence[str], count: int) -> list[Timing]:
    """Send `count` messages to agents chosen by chance, each once the one before has been answered."""
    timings = [await _timed(relay, raw, random.choice(names)) for _ in range(_WARM_UP + count)]
    return timings[_WARM_UP:]


async def _timed(relay: AgentRelay, raw: RawHop, name: str) -> Timing:
    hop = await raw.milliseconds(TEXT.encode())
    await asyncio.sleep(_PAUSE_S)
    called = time.time_ns()
    sent = await relay.send(name, TEXT)
    returned = time.time_ns()
    trace = await answered(relay, sent.message_id)
    read = int(trace.deliveries[0].answer or 0)
    await asyncio.sleep(_PAUSE_S)
    return Timing(
        raw_hop=hop,
        send=(returned - called) / 1e6,
        called_to_read=(read - called) / 1e6,
        accepted_to_read=read / 1e6 - trace.message.at_ms - _HALF_MS,
    )


async def answered(relay: AgentRelay, message: MessageId, *, timeout_s: float = 30) -> Trace:
    """The trace of a message once its turn has ended."""
    async with asyncio.timeout(timeout_s):
        while True:
            await asyncio.sleep(_PAUSE_S)
            trace = await relay.trace(message)
            if trace.settled_at(ReceiptState.ANSWERED):
                return trace
