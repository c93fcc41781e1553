"""One log for readers: the recent tail and the long history behind it, without a seam."""

from __future__ import annotations

from dataclasses import replace

from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.logs.event_filter import ALL_EVENTS, EventFilter
from broker.domain.logs.events import Cursor, goes_on_from
from broker.domain.logs.pages import MAX_PAGE_BYTES
from broker.services.ports import EventLog, LogPage, LogStore


class StitchedLog:
    """Implements `EventLog` over another one and a log store.

    Streaming fragments are not in the history, so offsets there may have holes; their content is in later events.
    """

    def __init__(self, tail: EventLog, store: LogStore) -> None:
        self._tail = tail
        self._store = store

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
        """Up to `limit` events after a position, of about `max_bytes`; None reads from the first that is kept."""
        head = await self._tail.head(workspace, session)
        start = after or Cursor(head.epoch, 0)
        page = await self._tail.read(
            workspace, session, after=start, limit=limit, only=only, scan=scan, max_bytes=max_bytes
        )
        if not page.reset or not goes_on_from(head, start):
            return page
        history = await self._store.page(
            workspace, session, head.epoch, start=start.offset, limit=limit, only=only, max_bytes=max_bytes
        )
        if not history.rows:
            gone = after is not None and await self._is_gone(workspace, session, head.epoch, start=start, only=only)
            return replace(page, reset=gone)
        # All that the tail did not have any more when it was read is in the history: the rest goes on there.
        seam = 0 if history.more else page.first.offset - 1
        return LogPage(
            events=[row.body for row in history.rows],
            first=Cursor(head.epoch, history.rows[0].offset),
            next=Cursor(head.epoch, max(history.rows[-1].offset, seam)),
            head=head,
            reset=False,
        )

    async def _is_gone(
        self, workspace: WorkspaceId, session: SessionId, epoch: str, *, start: Cursor, only: EventFilter
    ) -> bool:
        """Whether the history holds nothing at all from there on; nothing that is wanted is something else."""
        if not only.is_selective:
            return True
        page = await self._store.page(workspace, session, epoch, start=start.offset, limit=1)
        return not page.rows

    async def head(self, workspace: WorkspaceId, session: SessionId) -> Cursor:
        """The newest position. Raises `NotFound`."""
        return await self._tail.head(workspace, session)
