"""What relay-connect costs the machine it runs on: time to start, and memory, beside a bare Python."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from statistics import median

from tests.bench import machine
from tests.bench.figures import Figure, Section
from tests.bench.stage import Broker, Started, running, running_relay_connect

_SETTLE_S = 0.5
_BARE = "print('ready', flush=True); input()"
_WEBSOCKETS = """
import asyncio, os
from websockets.asyncio.client import connect

async def main():
    headers = {"Authorization": "Bearer " + os.environ["RELAYCAST_TOKEN"]}
    async with connect(os.environ["BENCH_URL"], additional_headers=headers, compression=None, proxy=None) as socket:
        await socket.recv()
        print("ready", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""
_EXPLAINED = (
    "From starting the process to its first line: relay-connect says it when the broker has welcomed it, headless and "
    "without agents. Memory half a second later; PSS counts shared pages in equal parts. Medians of the runs."
)
_Start = Callable[[int], AbstractAsyncContextManager[Started]]


async def measure_footprint(broker: Broker, *, runs: int) -> Section:
    return Section(
        title="Start and memory of relay-connect",
        explained=_EXPLAINED,
        head=("what", "start ms", "RSS MiB", "PSS MiB"),
        rows=[
            await _row("bare Python", lambda _: _python(broker, _BARE), runs=runs),
            await _row("Python with websockets, connected", lambda _: _python(broker, _WEBSOCKETS), runs=runs),
            await _row("relay-connect, first start", lambda n: running_relay_connect(broker, f"foot-{n}"), runs=runs),
            await _row("relay-connect, next start", lambda _: running_relay_connect(broker, "foot-0"), runs=runs),
        ],
    )


async def _row(name: str, start: _Start, *, runs: int) -> tuple[Figure, ...]:
    found = []
    for number in range(runs):
        async with start(number) as started:
            await asyncio.sleep(_SETTLE_S)
            found.append((started.start_s * 1000, machine.rss_mib(started.pid), machine.pss_mib(started.pid)))
    return name, *(median(column) for column in zip(*found, strict=True))


@asynccontextmanager
async def _python(broker: Broker, program: str) -> AsyncIterator[Started]:
    environment = {"RELAYCAST_TOKEN": broker.key, "BENCH_URL": broker.events_url}
    async with running([sys.executable, "-c", program], folder=broker.folder, environment=environment) as started:
        yield started
