"""The log's long history on ClickHouse.

A replayed event may lie in the table twice until a merge. Reads by row put the copies side by side and drop them here,
which keeps reading in key order and stopping early; counts tell them apart by key, or use FINAL where they are many.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from broker.adapters.clickhouse import columns, retention
from broker.adapters.clickhouse.client import ClickHouse, Lane
from broker.adapters.clickhouse.damage import find_damage
from broker.adapters.clickhouse.schema import WordIndex, migrate
from broker.adapters.clickhouse.search_sql import (
    Condition,
    add_filter,
    before,
    first_word,
    of_query,
    of_workspace,
    within,
)
from broker.adapters.clickhouse.usage import usage
from broker.domain.errors import BadRequest, RelayError, Unavailable
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.instants import from_ms, to_ms
from broker.domain.logs.damage import LogDamage
from broker.domain.logs.event_filter import ALL_EVENTS, EventFilter
from broker.domain.logs.events import lineage
from broker.domain.logs.pages import (
    MAX_PAGE,
    MAX_PAGE_BYTES,
    Direction,
    Facet,
    FacetCount,
    LogExtent,
    LogHits,
    LogRows,
    LogSize,
    SearchCursor,
    TimeBucket,
    cursor_of,
)
from broker.domain.logs.rows import LogRow, WorkspaceRows
from broker.domain.logs.search.query import LogQuery
from broker.domain.logs.search.windows import Window, first_window, next_window
from broker.domain.operations.status import StoreRoom
from broker.domain.plans.prices import NO_PRICES, PriceTable
from broker.domain.plans.usage import Usage, UsageBy

_log = logging.getLogger(__name__)
_MAX_BUCKETS = 1000
_MAX_OFFSET = 2**64 - 1
_MOST_HASHED = 1_000_000
"""Rows that are told apart by hashes of their keys, which cost 100 bytes each; measured, FINAL takes 25 times as long
for a few rows, but is quicker and needs no memory for many."""
_NEWEST_FIRST = "ORDER BY at DESC, session DESC, epoch DESC, offset DESC, v DESC"


class ClickHouseLogStore:
    """A `LogStore`. Before `open` has brought the tables up to date, it refuses everything with `Unavailable`."""

    def __init__(
        self,
        clickhouse: ClickHouse,
        *,
        index: WordIndex | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`index` is chosen by the engine's version unless given."""
        self._unopened = clickhouse
        self._now = now
        self._damage: LogDamage | None = None
        self._put_aside = 0
        """Of the parts that reads met, those that `_damage` knows of."""
        self._wanted_index = index
        self._opened_index: WordIndex | None = None
        self._closed_because = "the log store has not answered since the start; nothing was changed"

    async def open(self) -> None:
        """Bring the tables up to date; may be tried again. Raises `Unavailable`, `SchemaMismatch`."""
        try:
            self._opened_index = await migrate(self._unopened, index=self._wanted_index)
        except RelayError as error:
            self._closed_because = error.message
            raise
        await self.check()
        if self._damage is not None:
            _log.error("log store: %s", self._damage)

    def keep_closed(self, reason: str) -> None:
        """Refuse everything for a reason that no waiting mends."""
        self._closed_because = reason

    @property
    def degraded(self) -> str:
        """Why it is closed, or why searches are slower than they could be; '' when all is well."""
        if self._opened_index is None:
            return self._closed_because
        slow = self._opened_index is WordIndex.TOKEN_FILTER
        return "this ClickHouse has no text index (26.2 or newer has)" if slow else ""

    async def room(self) -> StoreRoom:
        """How much the logs of all workspaces take, and how much the disk of the store has left."""
        [(used,)] = await self._clickhouse.query(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE database = currentDatabase() AND active"
        )
        disks = await self._clickhouse.query("SELECT free_space, total_space FROM system.disks WHERE total_space > 0")
        free, total = min(disks, key=lambda disk: disk[0] / disk[1], default=(None, None))
        return StoreRoom(used_bytes=used, disk_free_bytes=free, disk_bytes=total)

    @property
    def damage(self) -> LogDamage | None:
        """What of the history cannot be read any more, as it was last seen; None when all can."""
        return self._damage

    async def check(self) -> None:
        """Ask whether the store answers, and what is damaged. Raises `Unavailable`."""
        clickhouse = self._clickhouse
        self._put_aside, self._damage = clickhouse.put_aside, await find_damage(clickhouse)

    @property
    def _index(self) -> WordIndex:
        return self._prepare_tables()[1]

    @property
    def _clickhouse(self) -> ClickHouse:
        return self._prepare_tables()[0]

    def _prepare_tables(self) -> tuple[ClickHouse, WordIndex]:
        """No table is touched before all are as this version needs them."""
        if self._opened_index is None:
            raise Unavailable(self._closed_because, retry_after_s=1)
        return self._unopened, self._opened_index

    async def insert(self, workspace: WorkspaceId, rows: Sequence[LogRow], *, token: str, days: int) -> None:
        """Keep rows for `days` from their own time."""
        part = WorkspaceRows(workspace=workspace, rows=rows, days=days)
        await self.insert_batch([part], token=f"{workspace}:{token}")

    async def insert_batch(self, batch: Sequence[WorkspaceRows], *, token: str) -> None:
        """Keep rows of several workspaces at once, each for its own days."""
        if any(row.workspace != part.workspace for part in batch for row in part.rows):
            raise ValueError("a row of another workspace")
        rows = [row for part in batch for row in part.rows]
        days = [retention.check_days(part.days) for part in batch for _ in part.rows]
        if not rows:
            return
        await self._clickhouse.insert(
            "log_lines",
            columns.STORED,
            types=columns.STORED_TYPES,
            values=lambda: columns.to_columns(rows, days=days),
            token=token,
        )

    async def page(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        epoch: str,
        *,
        start: int,
        limit: int,
        direction: Direction = Direction.FORWARDS,
        only: EventFilter = ALL_EVENTS,
        max_bytes: int = MAX_PAGE_BYTES,
        alone: bool = False,
    ) -> LogRows:
        """Rows right after, or right before, the offset `start`, of those that are wanted."""
        forwards = direction is Direction.FORWARDS
        limit = _page_size(limit)
        found: list[LogRow] = []
        room = max_bytes
        while True:
            condition = _of_log(workspace, session, epoch, alone=alone)
            condition.add(f"offset {'>' if forwards else '<'} {condition.bind(min(start, _MAX_OFFSET), 'UInt64')}")
            add_filter(condition, only)
            edge, more = await self._edge(condition, limit=limit - len(found), room=room, forwards=forwards)
            if edge is None:
                break
            condition.add(f"offset {'<=' if forwards else '>='} {condition.bind(edge, 'UInt64')}")
            order = f"ORDER BY offset {'ASC' if forwards else 'DESC'}, v DESC"
            rows = _distinct(await self._rows(condition, order=order))
            admitted = [row for row in rows if not only.edits or only.admits_text(row.body)]
            found += admitted
            room -= sum(row.size for row in admitted)
            start = edge
            if not more or not only.edits or len(found) >= limit or room <= 0:
                break
        return LogRows(rows=found if forwards else found[::-1], more=edge is not None and more)

    async def _edge(self, condition: Condition, *, limit: int, room: int, forwards: bool) -> tuple[int | None, bool]:
        """The last offset of up to `limit` rows that fit into `room` bytes, and whether there are rows behind it.

        At least one row fits; None when there is none. Only numbers are read for it.
        """
        order = "ASC" if forwards else "DESC"
        top = condition.bind(limit + 1, "UInt32")
        rows = await self._select(
            "SELECT offset, bytes FROM log_lines", condition, f"ORDER BY offset {order} LIMIT 1 BY offset LIMIT {top}"
        )
        fitting = 0
        for _, size in rows[:limit]:
            room -= size
            if fitting and room < 0:
                break
            fitting += 1
        return (rows[fitting - 1][0] if fitting else None), fitting < len(rows)

    async def offset_at(self, workspace: WorkspaceId, session: SessionId, epoch: str, *, at: datetime) -> int | None:
        """The first offset at or after a time; None when everything is older."""
        condition = _of_log(workspace, session, epoch)
        condition.add(f"at >= fromUnixTimestamp64Milli({condition.bind(to_ms(at), 'Int64')}, 'UTC')")
        rows = await self._select("SELECT offset FROM log_lines", condition, "ORDER BY offset LIMIT 1")
        return int(rows[0][0]) if rows else None

    async def context(
        self, workspace: WorkspaceId, session: SessionId, epoch: str, *, offset: int, lines: int
    ) -> list[LogRow]:
        """A row with up to `lines`, 1 or more, on both sides."""
        before = await self.page(workspace, session, epoch, start=offset, limit=lines, direction=Direction.BACKWARDS)
        after = await self.page(workspace, session, epoch, start=max(offset - 1, 0), limit=lines + 1)
        return before.rows + after.rows

    async def search(
        self, workspace: WorkspaceId, query: LogQuery, *, limit: int, before: SearchCursor | None = None
    ) -> LogHits:
        """Newest first. Hits come without `body` and `diff`; of a long text with the piece around the first word."""
        limit = _page_size(limit)
        ends = [at for at in (before.at if before else None, query.until) if at is not None]
        newest = min(ends, default=self._now())
        window = first_window(newest)
        found: list[LogRow] = []
        while True:
            hits = await self._in_window(workspace, query, window, limit=limit + 1 - len(found), before=before)
            found += hits
            if len(found) > limit or window.reaches(query.since):
                break
            if not ends and not hits and window.until is None:
                newest = min(newest, await self._newest(workspace))
            window = next_window(window, newest, found=len(hits), wanted=limit + 1 - len(found))
        return LogHits(rows=found[:limit], next=cursor_of(found[limit - 1]) if len(found) > limit else None)

    async def _newest(self, workspace: WorkspaceId) -> datetime:
        """The time of a workspace's newest line: where to look when nobody worked for a while."""
        [(newest,)] = await self._select(
            "SELECT toUnixTimestamp64Milli(max(at)) FROM log_lines", of_workspace(workspace), lane=Lane.SEARCH
        )
        return from_ms(newest)

    async def _in_window(
        self, workspace: WorkspaceId, query: LogQuery, window: Window, *, limit: int, before: SearchCursor | None
    ) -> list[LogRow]:
        """The newest hits in a span, each once; fewer than `limit` only when there are no more in it."""
        found: list[LogRow] = []
        while True:
            condition = self._matching(workspace, query, before)
            within(condition, window)
            rows = await self._hits(condition, first_word(query), limit=limit)
            found += _distinct(rows)
            if len(rows) < limit or len(found) >= limit:
                return found[:limit]
            before = cursor_of(rows[-1])

    async def _hits(self, condition: Condition, word: str, *, limit: int) -> list[LogRow]:
        shown = columns.piece_selection(columns.SHORT, word=condition.bind(word, "String"))
        tail = f"{_NEWEST_FIRST} LIMIT {condition.bind(limit, 'UInt32')}"
        found = await self._select(f"SELECT {shown} FROM log_lines", condition, tail, lane=Lane.SEARCH)
        return [columns.row_of(columns.SHORT, values) for values in found]

    async def histogram(self, workspace: WorkspaceId, query: LogQuery, *, buckets: int) -> list[TimeBucket]:
        """Counts over time in at most `buckets` equal spans, empty ones left out."""
        if not 1 <= buckets <= _MAX_BUCKETS:
            raise BadRequest(f"a histogram has 1 to {_MAX_BUCKETS} buckets")
        condition = of_query(workspace, query, index=self._index)
        [(rows, first, last)] = await self._select(
            "SELECT count(), toUnixTimestamp64Milli(min(at)), toUnixTimestamp64Milli(max(at)) FROM log_lines",
            condition,
            lane=Lane.SEARCH,
        )
        if not rows:
            return []
        start = first if query.since is None else to_ms(query.since)
        end = last + 1 if query.until is None else to_ms(query.until)
        span = -(-(end - start) // buckets)
        origin, width = condition.bind(start, "Int64"), condition.bind(span, "Int64")
        counts = await self._clickhouse.query(
            f"SELECT intDiv(toUnixTimestamp64Milli(at) - {origin}, {width}) AS bucket, count(), countIf(NOT ok)"
            f" FROM {_once(condition, 'at, ok', rows=rows)} GROUP BY bucket ORDER BY bucket",
            condition.parameters,
            lane=Lane.SEARCH,
            caller=workspace,
        )
        return [
            TimeBucket(at=from_ms(start + n * span), span=timedelta(milliseconds=span), count=count, failed=failed)
            for n, count, failed in counts
        ]

    async def facets(self, workspace: WorkspaceId, query: LogQuery, field: Facet, *, limit: int) -> list[FacetCount]:
        """The most frequent values of a field."""
        condition = of_query(workspace, query, index=self._index)
        [(rows,)] = await self._select("SELECT count() FROM log_lines", condition, lane=Lane.SEARCH)
        top = condition.bind(_page_size(limit), "UInt32")
        counts = await self._clickhouse.query(
            f"SELECT ifNull(toString({field.value}), '') AS value, count() AS n"
            f" FROM {_once(condition, field.value, rows=rows)}"
            f" GROUP BY value HAVING value != '' ORDER BY n DESC, value LIMIT {top}",
            condition.parameters,
            lane=Lane.SEARCH,
            caller=workspace,
        )
        return [FacetCount(value=value, count=count) for value, count in counts]

    async def extents(self, workspace: WorkspaceId, *, session: SessionId | None = None) -> list[LogExtent]:
        """What is kept, by session and epoch."""
        condition = of_workspace(workspace)
        if session is not None:
            condition.add(f"session = {condition.bind(str(session), 'String')}")
        found = await self._select(
            "SELECT session, epoch, min(offset), max(offset), uniqExact(offset) FROM log_lines",
            condition,
            "GROUP BY session, epoch ORDER BY min(at), session, epoch",
            lane=Lane.SEARCH,
        )
        return [
            LogExtent(session=SessionId(name), epoch=epoch, first=first, last=last, rows=rows)
            for name, epoch, first, last, rows in found
        ]

    async def size(self, workspace: WorkspaceId) -> LogSize:
        """What a workspace keeps."""
        [(rows, size)] = await self._select(
            "SELECT count(), sum(bytes) FROM log_lines FINAL", of_workspace(workspace), lane=Lane.SEARCH
        )
        return LogSize(rows=rows, bytes=size)

    async def redate(self, workspace: WorkspaceId, *, days: int, only_longer: bool = False) -> int:
        """Let every row expire `days` after its own time; how many rows that changed."""
        return await retention.redate(self._clickhouse, workspace, days=days, only_longer=only_longer)

    async def keep_until(self, workspace: WorkspaceId, at_ms: int) -> int:
        """Let no row that is there expire before `at_ms`; how many rows that changed."""
        return await retention.keep_until(self._clickhouse, workspace, at_ms)

    async def delete_session(self, workspace: WorkspaceId, session: SessionId) -> int:
        """Delete a session's log; how many rows that were. Returns only when none is left."""
        condition = of_workspace(workspace, expired_too=True)
        condition.add(f"session = {condition.bind(str(session), 'String')}")
        return await retention.delete(self._clickhouse, condition)

    async def delete_workspace(self, workspace: WorkspaceId) -> int:
        """Delete all logs of a workspace; how many rows that were. Returns only when none is left."""
        return await retention.delete(self._clickhouse, of_workspace(workspace, expired_too=True))

    async def usage(
        self,
        workspace: WorkspaceId,
        *,
        since: date,
        until: date,
        by: Collection[UsageBy],
        sessions: Collection[SessionId] | None = None,
        prices: PriceTable = NO_PRICES,
    ) -> dict[UsageBy, list[Usage]]:
        """Counters from one day to another, both included, in each of the ways."""
        return await usage(
            self._clickhouse, workspace, since=since, until=until, by=by, sessions=sessions, prices=prices
        )

    async def purge(self) -> None:
        """Give the space of deleted and expired rows back now, without waiting for merges."""
        await retention.purge(self._clickhouse)

    def _matching(self, workspace: WorkspaceId, query: LogQuery, cursor: SearchCursor | None) -> Condition:
        condition = of_query(workspace, query, index=self._index)
        if cursor is not None:
            before(condition, cursor)
        return condition

    async def _rows(self, condition: Condition, *, order: str) -> list[LogRow]:
        found = await self._select(f"SELECT {columns.selection(columns.WHOLE)} FROM log_lines", condition, order)
        return [columns.row_of(columns.WHOLE, values) for values in found]

    async def _select(
        self, head: str, condition: Condition, tail: str = "", *, lane: Lane = Lane.POINT
    ) -> list[tuple[Any, ...]]:
        sql = f"{head} WHERE {condition.sql} {tail}"
        rows = await self._clickhouse.query(sql, condition.parameters, lane=lane, caller=condition.workspace)
        if self._clickhouse.put_aside != self._put_aside:
            await self.check()
        return rows


def _of_log(workspace: WorkspaceId, session: SessionId, epoch: str, *, alone: bool = False) -> Condition:
    """A session's log as it ends in an epoch; `alone`: the rows of that epoch, and of none before it."""
    condition = of_workspace(workspace)
    condition.add(f"session = {condition.bind(str(session), 'String')}")
    parts = [
        f"epoch = {condition.bind(each, 'String')}"
        + (f" AND offset <= {condition.bind(upto, 'UInt64')}" if upto is not None else "")
        for each, upto in ([(epoch, None)] if alone else lineage(epoch))
    ]
    condition.add(parts[0] if len(parts) == 1 else "(" + " OR ".join(f"({part})" for part in parts) + ")")
    return condition


def _once(condition: Condition, names: str, *, rows: int) -> str:
    """For FROM: the columns of the rows that match, without their copies; about `rows` with them."""
    if rows > _MOST_HASHED:
        return f"log_lines FINAL WHERE {condition.sql}"
    return f"(SELECT {names} FROM log_lines WHERE {condition.sql} LIMIT 1 BY session, epoch, offset)"


def _distinct(rows: list[LogRow]) -> list[LogRow]:
    """Copies stand side by side, the newest first."""
    same = [(a.session, a.epoch, a.offset) == (b.session, b.epoch, b.offset) for a, b in pairwise(rows)]
    return rows[:1] + [row for row, repeated in zip(rows[1:], same, strict=True) if not repeated]


def _page_size(limit: int) -> int:
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequest(f"a page has 1 to {MAX_PAGE} rows")
    return limit
