"""Searches over millions of lines through the search service, beside the same statements on a bare client."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from clickhouse_connect.driver.client import Client

from broker.adapters.clickhouse.client import ClickHouse, Lane, Parameters, embedded_client
from broker.domain.logs.pages import Facet
from broker.domain.people.access import Principal
from broker.services.logs.search import LogSearch
from tests.bench.figures import Section, p50, p95, p99
from tests.bench.log_rows import AGENT, BIG, COMMON, PART, PHRASE, RARE, Corpus
from tests.bench.log_stage import LogStage
from tests.fixtures.desk import a_person

Ask = Callable[[LogSearch, Principal], Awaitable[object]]
Statement = tuple[str, Parameters | None]

_WARMING = 2
_TICK_S = 0.001


def _found(text: str) -> Ask:
    return lambda search, person: search.search(person, text, limit=50)


_DAY = f"since:1d {COMMON}"
QUESTIONS: dict[str, Ask] = {
    "rare word": _found(RARE),
    "common word": _found(COMMON),
    "phrase": _found(f'"{PHRASE}"'),
    "part of a rare word": _found(f"*{PART}*"),
    "agent, kind and exit code": _found(f"agent:{AGENT} kind:command exit:1"),
    "newest 50": _found(""),
    "kind without a word": _found(f"kind:command -{COMMON}"),
    "histogram of a rare word": lambda search, person: search.histogram(person, RARE),
    "histogram of a common word, a day": lambda search, person: search.histogram(person, _DAY),
    "facets of a common word, a day": lambda search, person: search.facets(person, _DAY, Facet.AGENT),
}

_SEARCH_EXPLAINED = (
    "Each question through the search service, from its text to rows with excerpts, 50 at most, in a workspace with "
    "nine in ten of {rows:,} lines of {days} days. Raw: the statements that it sent, once more on a bare client of the "
    "same engine, in turns with it. The engine's cache of query conditions is dropped before every run. CPU: of all "
    "threads, p50; on a busy machine it tells more than time."
)
_STALL_EXPLAINED = (
    "How much later than asked a timer of 1 ms fires in the event loop that also runs the searches above, two at a "
    "time; idle is the same timer alone."
)
_SIZE_EXPLAINED = (
    "What the {rows:,} generated lines take on disk, all columns with the whole event, and of that the word index. "
    "Ratio: uncompressed to compressed data."
)


async def fill(stage: LogStage, rows: int) -> None:
    """Make the lines, unless the folder has them from an earlier run."""
    [(there,)] = await stage.clickhouse.query("SELECT count() FROM log_lines")
    if there == rows:
        return
    if there:
        raise SystemExit(f"{stage.folder} has {there:,} lines, not {rows:,}")
    for statement in Corpus(rows=rows, until=_next_hour()).inserts():
        await stage.clickhouse.command(statement)
    await _merge(stage.clickhouse)


async def measure_search(stage: LogStage, *, rows: int, runs: int) -> Section:
    search, person = stage.search(), a_person(BIG)
    section = Section(
        title="Searching the log store",
        explained=_SEARCH_EXPLAINED.format(rows=rows, days=Corpus.days),
        head=("question", "CPU ms", "p50 ms", "p95 ms", "raw p95 ms", "p95 / raw"),
    )
    with contextlib.closing(embedded_client(stage.engine)) as client:
        for name, ask in QUESTIONS.items():
            cpu, ours, raw = await _beside(stage.clickhouse, client, partial(ask, search, person), runs=runs)
            section.rows.append((name, p50(cpu), p50(ours), p95(ours), p95(raw), p95(ours) / p95(raw)))
    return section


async def measure_stall(stage: LogStage, *, rounds: int) -> Section:
    search, person = stage.search(), a_person(BIG)

    async def asking() -> None:
        for _ in range(rounds):
            for ask in QUESTIONS.values():
                await ask(search, person)

    idle = await _late(asyncio.sleep(2))
    searching = await _late(asyncio.gather(asking(), asking()))
    return Section(
        title="The event loop while searches run",
        explained=_STALL_EXPLAINED,
        head=("what", "p50 ms", "p99 ms", "longest ms"),
        rows=[(name, p50(late), p99(late), max(late)) for name, late in (("idle", idle), ("searching", searching))],
    )


async def measure_size(stage: LogStage, *, rows: int) -> Section:
    [(parts, disk, words, ratio)] = await stage.clickhouse.query(
        "SELECT count(), sum(bytes_on_disk) / sum(rows), sum(secondary_indices_compressed_bytes) / sum(rows),"
        " sum(data_uncompressed_bytes) / sum(data_compressed_bytes)"
        " FROM system.parts WHERE active AND database = currentDatabase() AND table = 'log_lines'"
    )
    return Section(
        title="Size of the log store",
        explained=_SIZE_EXPLAINED.format(rows=rows),
        head=("lines", "parts", "bytes / line on disk", "of that indexes", "ratio"),
        rows=[(f"{rows:,}", parts, disk, words, ratio)],
    )


def _next_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


async def _merge(clickhouse: ClickHouse) -> None:
    """What the table's own merges do with every day but the last, an hour after its last line."""
    partitions = await clickhouse.query(
        "SELECT DISTINCT partition_id FROM system.parts WHERE active AND database = currentDatabase()"
        " AND table = 'log_lines' ORDER BY partition_id"
    )
    for (partition,) in partitions[:-1]:
        await clickhouse.command(f"OPTIMIZE TABLE log_lines PARTITION ID '{partition}' FINAL")


async def _beside(
    clickhouse: ClickHouse, client: Client, ask: Callable[[], Awaitable[object]], *, runs: int
) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of processors and of time that ours took, and of time that the same statements took raw."""
    with _recorded(clickhouse) as statements:
        await ask()
    cpu: list[float] = []
    ours: list[float] = []
    raw: list[float] = []
    for number in range(_WARMING + runs):
        await clickhouse.command("SYSTEM DROP QUERY CONDITION CACHE")
        began, cpu_began = time.perf_counter(), time.process_time()
        await ask()
        between, cpu_between = time.perf_counter(), time.process_time()
        await clickhouse.command("SYSTEM DROP QUERY CONDITION CACHE")
        raw_took = await asyncio.to_thread(_raw, client, statements)
        if number >= _WARMING:
            cpu.append((cpu_between - cpu_began) * 1000)
            ours.append((between - began) * 1000)
            raw.append(raw_took * 1000)
    return cpu, ours, raw


def _raw(client: Client, statements: list[Statement]) -> float:
    began = time.perf_counter()
    for sql, parameters in statements:
        client.query(sql, parameters=dict(parameters or {}))
    return time.perf_counter() - began


@contextlib.contextmanager
def _recorded(clickhouse: ClickHouse) -> Iterator[list[Statement]]:
    """The statements that are sent meanwhile."""
    statements: list[Statement] = []
    query = clickhouse.query

    async def recording(
        sql: str, parameters: Parameters | None = None, *, lane: Lane = Lane.POINT, caller: str = ""
    ) -> list[tuple[object, ...]]:
        statements.append((sql, parameters))
        return await query(sql, parameters, lane=lane, caller=caller)

    clickhouse.query = recording  # type: ignore[method-assign]
    try:
        yield statements
    finally:
        del clickhouse.query


async def _late(work: Awaitable[object]) -> list[float]:
    """Milliseconds that a timer was late while some work went on."""
    working = asyncio.ensure_future(work)
    late: list[float] = []
    while not working.done():
        began = time.perf_counter()
        await asyncio.sleep(_TICK_S)
        late.append((time.perf_counter() - began - _TICK_S) * 1000)
    await working
    return late
