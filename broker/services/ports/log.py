"""A session's events: the recent tail, what waits to be shipped, and the long history."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from broker.domain.errors import NotConfigured
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.logs.damage import LogDamage
from broker.domain.logs.event_filter import ALL_EVENTS, EventFilter
from broker.domain.logs.events import Cursor
from broker.domain.logs.pages import (
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
)
from broker.domain.logs.rows import LogRow, WorkspaceRows
from broker.domain.logs.search.query import LogQuery
from broker.domain.operations.status import StoreRoom
from broker.domain.plans.prices import NO_PRICES, PriceTable
from broker.domain.plans.usage import Usage, UsageBy


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Events in order, each as its JSON text, and where the next page begins."""

    events: list[str]
    first: Cursor
    """The first event that was looked at, wanted or not; behind the head when there was none."""
    next: Cursor
    """The last one that was looked at."""
    head: Cursor
    """The newest event of the log when the page was read."""
    reset: bool
    """History right after the asked position is gone, or the epoch is another one."""


class EventLog(Protocol):
    """A session's numbered events."""

    async def read(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        *,
        after: Cursor | None,
        limit: int,
        only: EventFilter = ALL_EVENTS,
        scan: int = 0,
        max_bytes: int = MAX_PAGE_BYTES,
    ) -> LogPage:
        """Up to `limit` events after a position, of about `max_bytes`; None reads from the first that is kept.

        Of the recent ones at most `scan` are looked at, or `limit` if that is more, and about `max_bytes` of them but
        at least one: a page may be short, its `next` says how far it got.
        """

    async def head(self, workspace: WorkspaceId, session: SessionId) -> Cursor:
        """The newest position. Raises `NotFound`."""


class Backlog(Protocol):
    """What the log store does not have yet. One shipper at a time works on a workspace."""

    async def begin(self, workspace: WorkspaceId) -> None:
        """Keep the workspace's logs until they are shipped, from now on."""

    async def lease(self, workspace: WorkspaceId, holder: str, *, seconds: float) -> bool:
        """Take or renew the right to ship a workspace."""

    async def ships(self, workspace: WorkspaceId) -> bool:
        """Whether anything of it may be in a log store."""

    async def waiting(self, workspace: WorkspaceId) -> list[SessionId]:
        """Sessions with unshipped events."""

    async def log_days(self, workspace: WorkspaceId) -> int:
        """How long the workspace's log is kept, by its plan or its own setting."""

    async def read_shipped(self, workspace: WorkspaceId, session: SessionId) -> Cursor:
        """Up to where the log store has a session. Raises `NotFound`."""

    async def mark(self, workspace: WorkspaceId, session: SessionId, upto: Cursor, *, keep: int) -> bool:
        """The log store has everything up to a position; the log may be trimmed to `keep` events behind it.

        True when nothing more waits.
        """

    def wakeups(self) -> AsyncIterator[WorkspaceId | None]:
        """Workspaces, as sessions in them begin to have unshipped events; None: some may be lost."""


def require_store(logs: LogStore | None) -> LogStore:
    """The log store. Raises `NotConfigured` where there is none."""
    if logs is None:
        raise NotConfigured(
            "this broker keeps no searchable history: start it with RELAYCAST_CLICKHOUSE_URL, the URL of a"
            " ClickHouse server, or as `relaycast up`, which brings an engine of its own"
        )
    return logs


class LogStore(Protocol):
    """The long history. A row is known by (workspace, session, epoch, offset); expired rows are never seen.

    Every method raises `Unavailable` when the store is away or the question is too large.
    """

    @property
    def degraded(self) -> str:
        """Why it is closed, or why searches are slower than they could be; '' when all is well."""

    @property
    def damage(self) -> LogDamage | None:
        """What of the history cannot be read any more, as it was last seen; None when all can."""

    async def check(self) -> None:
        """Ask whether the store answers, and what is damaged."""

    async def insert(self, workspace: WorkspaceId, rows: Sequence[LogRow], *, token: str, days: int) -> None:
        """Keep rows for `days` from their own time. Twice is once: by `token`, and for other batches by row."""

    async def insert_batch(self, batch: Sequence[WorkspaceRows], *, token: str) -> None:
        """The same for rows of several workspaces at once."""

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
        """Rows right after, or right before, the offset `start`, of those that are wanted.

        Those of the epochs that this one goes on from are among them (`lineage`), unless it is wanted `alone`.

        There are fewer than `limit`, and more to come, when their texts have more than about `max_bytes`.
        """

    async def offset_at(self, workspace: WorkspaceId, session: SessionId, epoch: str, *, at: datetime) -> int | None:
        """The first offset at or after a time; None when everything is older."""

    async def context(
        self, workspace: WorkspaceId, session: SessionId, epoch: str, *, offset: int, lines: int
    ) -> list[LogRow]:
        """A row with up to `lines`, 1 or more, on both sides."""

    async def search(
        self, workspace: WorkspaceId, query: LogQuery, *, limit: int, before: SearchCursor | None = None
    ) -> LogHits:
        """Newest first. Hits come without `body` and `diff`; of a long text with the piece around the first word."""

    async def histogram(self, workspace: WorkspaceId, query: LogQuery, *, buckets: int) -> list[TimeBucket]:
        """Counts over time in at most `buckets` equal spans, empty ones left out."""

    async def facets(self, workspace: WorkspaceId, query: LogQuery, field: Facet, *, limit: int) -> list[FacetCount]:
        """The most frequent values of a field."""

    async def extents(self, workspace: WorkspaceId, *, session: SessionId | None = None) -> list[LogExtent]:
        """What is kept, by session and epoch."""

    async def room(self) -> StoreRoom:
        """How much all workspaces' logs take, and how much is left."""

    async def size(self, workspace: WorkspaceId) -> LogSize:
        """What a workspace keeps."""

    async def redate(self, workspace: WorkspaceId, *, days: int, only_longer: bool = False) -> int:
        """Let every row expire `days` after its own time; how many rows that changed.

        It can be repeated after dying half-way. What has expired never comes back.
        """

    async def keep_until(self, workspace: WorkspaceId, at_ms: int) -> int:
        """Let no row that is there expire before `at_ms`; how many rows that changed. It can be repeated, too."""

    async def delete_session(self, workspace: WorkspaceId, session: SessionId) -> int:
        """Delete a session's log; how many rows that were. Returns only when none is left."""

    async def delete_workspace(self, workspace: WorkspaceId) -> int:
        """Delete all logs of a workspace; how many rows that were. Returns only when none is left."""

    async def usage(
        self,
        workspace: WorkspaceId,
        *,
        since: date,
        until: date,
        by: Collection[UsageBy],
        sessions: Collection[SessionId] | None = None,
        prices: PriceTable = NO_PRICES,
    ) -> Mapping[UsageBy, list[Usage]]:
        """Counters from one day to another, both included, in each of the ways: several at once take as long as one.

        They outlive the rows, by content-free numbers alone.

        `sessions`: of these alone, which costs no more where there are many others; None: of all.

        `prices`: for what no vendor reported a cost for.
        """

    async def purge(self) -> None:
        """Give the space of deleted and expired rows back now, without waiting for merges."""
