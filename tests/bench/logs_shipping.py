"""How fast and how soon what is appended to sessions can be searched, beside bare inserts of the same rows."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Sequence

import orjson

from broker.adapters.clickhouse import columns
from broker.adapters.clickhouse.client import embedded_client
from broker.domain.ids import WorkspaceId
from broker.domain.logs.events import Cursor
from broker.domain.logs.projection import project
from broker.domain.logs.rows import LogRow
from broker.protocol.proxy import FrameRecorded
from broker.services.logs.shipping import BATCH
from tests.bench.figures import Section, p50, p99
from tests.bench.log_frames import LAST, frames, last_frame, report
from tests.bench.log_stage import LogStage
from tests.bench.stage import discard_output, running
from tests.fixtures.desk import Desk

_RAW = WorkspaceId("bench-raw")
_POLL_S = 0.02
_LOOK_S = 0.1
"""Often enough for lags of half a second; a look costs 20 ms of a core that also appends and ships."""
_LONGEST_S = 600
_RATE = 500
_BATCHES_PER_S = 50
_KEPT_DAYS = 90

_SHIPPED_EXPLAINED = (
    "Frames of about 900 bytes in a session's log on the embedded Valkey → the shipping worker → found by a search. "
    f"Raw: the same rows, as columns made beforehand, inserted in batches of {BATCH:,} by a client of the same engine. "
    "Waiting: everything was appended before the worker starts. Meanwhile: another process appends through the scripts "
    "that gateways use, from the first append until the last line is found."
)
_LAG_EXPLAINED = (
    f"{_RATE} events a second appended by the process that ships them, as in `relaycast up`; from just before an "
    "append to the moment a search shows it. The search is asked again and again, with 100 ms between."
)


async def measure_shipping(stage: LogStage, *, count: int) -> Section:
    waiting = await _waiting(stage, count)
    raw = await asyncio.to_thread(_raw_rate, stage, waiting[1])
    meanwhile = await _meanwhile(stage, count)
    return Section(
        title="From a session's log to the log store",
        explained=_SHIPPED_EXPLAINED,
        head=("what", "rows / s", "of the raw inserts"),
        rows=[
            ("raw inserts", raw, 1.0),
            ("waiting log → found", waiting[0], waiting[0] / raw),
            ("appended meanwhile → found", meanwhile, meanwhile / raw),
        ],
    )


async def measure_lag(stage: LogStage, *, seconds: int) -> Section:
    desk = await stage.desk()
    agent = await desk.idle("Backend")
    first = (await stage.adapters.tail.head(desk.workspace, desk.session.id)).offset + 1
    made = frames(agent, seconds * _RATE)
    async with stage.shipping(), asyncio.timeout(_LONGEST_S):
        appending = asyncio.create_task(_append_evenly(desk, made))
        seen = await _seen(stage, desk, first=first, count=len(made))
        appended = await appending
    lags = [(at - began) * 1000 for at, began in zip(seen, appended, strict=True)]
    return Section(
        title="Lag of the log",
        explained=_LAG_EXPLAINED,
        head=("events / s", "events", "p50 ms", "p99 ms", "longest ms"),
        rows=[(_RATE, len(lags), p50(lags), p99(lags), max(lags))],
    )


async def _waiting(stage: LogStage, count: int) -> tuple[float, list[LogRow]]:
    """The rate, and what was shipped."""
    desk = await stage.desk()
    agent = await desk.idle("Backend")
    await report(desk, [*frames(agent, count - 1), last_frame(agent)])
    rows = await _rows(stage, desk)
    began = time.perf_counter()
    async with stage.shipping():
        await _until_found(stage, desk)
    return count / (time.perf_counter() - began), rows


async def _meanwhile(stage: LogStage, count: int) -> float:
    desk = await stage.desk()
    command = [sys.executable, "-m", "tests.bench.log_frames", str(count)]
    environment = {"BENCH_REDIS_URL": stage.redis_url, "BENCH_WORKSPACE": desk.workspace}
    async with stage.shipping(), running(command, folder=stage.folder, environment=environment) as appender:
        assert appender.process.stdin is not None
        discarding = asyncio.create_task(discard_output(appender))
        began = time.perf_counter()
        appender.process.stdin.write(b"go\n")
        await _until_found(stage, desk)
        took_s = time.perf_counter() - began
        await discarding
    return count / took_s


async def _until_found(stage: LogStage, desk: Desk) -> None:
    search = stage.search()
    async with asyncio.timeout(_LONGEST_S):
        while await stage.adapters.backlog.waiting(desk.workspace):
            await asyncio.sleep(_POLL_S)
        while not (await search.search(desk.person(), LAST, limit=1)).hits:
            await asyncio.sleep(_POLL_S)


async def _rows(stage: LogStage, desk: Desk) -> list[LogRow]:
    rows: list[LogRow] = []
    head = await stage.adapters.tail.head(desk.workspace, desk.session.id)
    place = Cursor(head.epoch, 0)
    while place.offset < head.offset:
        page = await stage.adapters.tail.read(desk.workspace, desk.session.id, after=place, limit=BATCH)
        found = (
            project(orjson.loads(text), workspace=_RAW, session=desk.session.id, cli="demo", body=text)
            for text in page.events
        )
        rows += [row for row in found if row is not None]
        place = page.next
    return rows


def _raw_rate(stage: LogStage, rows: Sequence[LogRow]) -> float:
    parts = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
    batches = [columns.to_columns(part, days=[_KEPT_DAYS] * len(part)) for part in parts]
    with contextlib.closing(embedded_client(stage.engine)) as client:
        began = time.perf_counter()
        for batch in batches:
            client.insert(
                "log_lines",
                batch,
                column_names=columns.STORED,
                column_type_names=columns.STORED_TYPES,
                column_oriented=True,
            )
        return len(rows) / (time.perf_counter() - began)


async def _append_evenly(desk: Desk, made: Sequence[FrameRecorded]) -> list[float]:
    """When each was about to be appended."""
    size = _RATE // _BATCHES_PER_S
    began = time.perf_counter()
    times: list[float] = []
    for number, first in enumerate(range(0, len(made), size)):
        await asyncio.sleep(max(0.0, began + number / _BATCHES_PER_S - time.perf_counter()))
        batch = made[first : first + size]
        times += [time.perf_counter()] * len(batch)
        await desk.report(*batch)
    return times


async def _seen(stage: LogStage, desk: Desk, *, first: int, count: int) -> list[float]:
    """When each offset was first found."""
    search, seen = stage.search(), list[float]()
    while len(seen) < count:
        page = await search.search(desk.person(), "", limit=1)
        newest = page.hits[0].line.row.offset if page.hits else 0
        seen += [time.perf_counter()] * (newest - first + 1 - len(seen))
        await asyncio.sleep(_LOOK_S)
    return seen
