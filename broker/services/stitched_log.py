"""One log for readers: the recent tail and the long history behind it, without a seam."""

from __future__ import annotations

from broker.domain.events import Cursor
from broker.domain.ids import SessionId, WorkspaceId
from broker.services.ports import EventLog, LogPage, LogStore


class StitchedLog:
    """Implements `EventLog` over another one and a log store.

    Streaming fragments are not in the history, so offsets there may have holes; their content is in later events.
    """

    def __init__(self, tail: EventLog, store: LogStore) -> None:
        self._tail = tail
        self._store = store

    async def read(self, workspace: WorkspaceId, session: SessionId, *, after: Cursor | None, limit: int) -> LogPage:
        """Up to `limit` events after a position; None reads from the first that is kept anywhere."""
        head = await self._tail.head(workspace, session)
        start = after or Cursor(head.epoch, 0)
        page = await self._tail.read(workspace, session, after=start, limit=limit)
        if not page.reset or start.epoch != head.epoch or start.offset > head.offset:
            return page
        history = await self._store.page(workspace, session, head.epoch, start=start.offset, limit=limit)
        if not history.rows:
            return page if after else LogPage(events=page.events, next=page.next, head=head, reset=False)
        return LogPage(
            events=[row.body for row in history.rows],
            next=Cursor(head.epoch, history.rows[-1].offset),
            head=head,
            reset=False,
        )

    async def head(self, workspace: WorkspaceId, session: SessionId) -> Cursor:
        """The newest position. Raises `NotFound`."""
        return await self._tail.head(workspace, session)
