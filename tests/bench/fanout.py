"""Live events of one session to many readers."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import orjson

from tests.bench.figures import Figure, Section
from tests.bench.link_client import LinkClient, linked_agent
from tests.bench.stage import Broker, Started, running

_PACE_S = 0.01
_BATCH = 50
_EXPLAINED = (
    "Readers are WebSockets of one other process. Delay: from a link sending a frame to a reader having its event, at "
    f"{1 / _PACE_S:g} frames a second. Deliveries: all readers together while frames come as fast as the broker takes "
    f"them, in batches of {_BATCH}."
)


async def measure_fanout(broker: Broker, *, readers: tuple[int, ...], frames: int) -> Section:
    head = ("readers", "delay p50 ms", "delay p99 ms", "deliveries / s")
    section = Section(title="Live events to many readers", explained=_EXPLAINED, head=head)
    async with linked_agent(broker, "fanout") as link:
        for count in readers:
            section.rows.append(await _row(broker, link, readers=count, frames=frames))
    return section


async def _row(broker: Broker, link: LinkClient, *, readers: int, frames: int) -> tuple[Figure, ...]:
    command = [sys.executable, "-m", "tests.bench.readers", str(readers)]
    environment = {"RELAYCAST_TOKEN": broker.key, "BENCH_URL": broker.events_url}
    async with running(command, folder=broker.folder, environment=environment) as process:
        await _paced(link, frames // 10)
        paced = await _result(process)
        for at in range(0, frames, _BATCH):
            await link.report([_frame(end=at + n + 1 == frames) for n in range(_BATCH)])
        flood = await _result(process)
    return readers, paced["p50"], paced["p99"], flood["rate"]


async def _paced(link: LinkClient, frames: int) -> None:
    for number in range(1, frames + 1):
        await link.report([_frame(end=number == frames)])
        await asyncio.sleep(_PACE_S)


def _frame(*, end: bool) -> bytes:
    return orjson.dumps({"bench": True, "t": time.time_ns(), "end": end, "text": "x" * 300})


async def _result(process: Started) -> Any:
    assert process.process.stdout is not None
    async with asyncio.timeout(60):
        return orjson.loads(await process.process.stdout.readline())
