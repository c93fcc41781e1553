"""Reading a session's log page by page, in both directions, across its recent tail and the long history behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from broker.domain.access import Permission, Principal
from broker.domain.errors import Unavailable
from broker.domain.events import Cursor
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.log_pages import MAX_PAGE, Direction, to_ms
from broker.domain.log_projection import is_fragment
from broker.domain.sessions import Session
from broker.services.hub import position_of
from broker.services.ports import EventLog, LogStore
from broker.services.stitched_log import StitchedLog

_MAX_READS = 40
"""Of one page: a long run of streaming fragments gives a short page, with where to go on, instead of a slow one."""
_SMALLEST_READ = 100
_RECENT_PAGES = 5
"""How far back a look at one agent's newest lines reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSpan:
    """Events in order, each as its JSON text, and the places on both sides of them."""

    events: list[str]
    before: Cursor | None
    """Where the page before this one ends; None at the beginning of what is kept."""
    after: Cursor
    """Where the page behind this one begins, now or as soon as there is one."""
    head: Cursor
    reset: bool = False
    """The asked place is in another log, or what followed it is gone."""


@dataclass(frozen=True, slots=True)
class _Event:
    offset: int
    text: str


class LogReader:
    """Pages hold no streaming fragments, so a page is the same whether it comes from the tail or from the history.

    A page may be shorter than asked for; only its cursors say whether there is more.
    """

    def __init__(self, tail: EventLog, store: LogStore | None) -> None:
        self._tail = tail
        self._store = store
        self._log: EventLog = StitchedLog(tail, store) if store else tail

    async def after(self, principal: Principal, session: Session, *, after: Cursor | None, limit: int) -> LogSpan:
        """Up to `limit` events behind a place; None begins with the first that is kept."""
        principal.require(Permission.READ)
        limit = min(limit, MAX_PAGE)
        page = await self._log.read(principal.workspace, session.id, after=after, limit=limit)
        reset, found = page.reset, _told(page.events)
        for _ in range(_MAX_READS):
            if len(found) >= limit or page.next.offset >= page.head.offset:
                break
            rest = limit - len(found)
            page = await self._log.read(principal.workspace, session.id, after=page.next, limit=rest)
            found += _told(page.events)
        first = found[0].offset if found else page.next.offset + 1
        return LogSpan(
            events=[event.text for event in found],
            before=Cursor(page.head.epoch, first) if first > 1 else None,
            after=page.next,
            head=page.head,
            reset=reset,
        )

    async def before(self, principal: Principal, session: Session, *, before: Cursor | None, limit: int) -> LogSpan:
        """Up to `limit` events ahead of a place, the nearest ones; None ends with the newest."""
        principal.require(Permission.READ)
        head = await self._tail.head(principal.workspace, session.id)
        reset = before is not None and before.epoch != head.epoch
        end = head.offset + 1 if before is None or reset else min(before.offset, head.offset + 1)
        found, older = await self._back(
            principal.workspace, session.id, end=Cursor(head.epoch, end), limit=min(limit, MAX_PAGE)
        )
        return LogSpan(
            events=[event.text for event in found],
            before=Cursor(head.epoch, older) if older > 1 else None,
            after=Cursor(head.epoch, found[-1].offset if found else max(0, end - 1)),
            head=head,
            reset=reset,
        )

    async def at(self, principal: Principal, session: Session, *, at: datetime, limit: int) -> LogSpan:
        """Up to `limit` events from a time on."""
        principal.require(Permission.READ)
        head = await self._tail.head(principal.workspace, session.id)
        offset = await self._offset_at(principal.workspace, session.id, head, at=at)
        return await self.after(principal, session, after=Cursor(head.epoch, offset - 1), limit=limit)

    async def recent(
        self, principal: Principal, session: Session, *, name: str | None, limit: int
    ) -> list[dict[str, Any]]:
        """The newest events, oldest first; of one agent when `name` is given."""
        found: list[dict[str, Any]] = []
        before: Cursor | None = None
        for _ in range(_RECENT_PAGES):
            try:
                page = await self.before(principal, session, before=before, limit=MAX_PAGE if name else limit)
            except Unavailable:
                if not found:
                    raise
                break
            events = [orjson.loads(text) for text in page.events]
            found = [event for event in events if _is_told(event, name)] + found
            before = page.before
            if len(found) >= limit or before is None:
                break
        return found[-limit:]

    async def _back(
        self, workspace: WorkspaceId, session: SessionId, *, end: Cursor, limit: int
    ) -> tuple[list[_Event], int]:
        """Events ahead of `end`, and the offset that the page before them ends at; 0 when there is none."""
        found: list[_Event] = []
        edge, window = end.offset, min(MAX_PAGE, max(_SMALLEST_READ, 2 * limit))
        for _ in range(_MAX_READS):
            if len(found) >= limit or edge <= 1:
                break
            start = max(0, edge - 1 - window)
            page = await self._tail.read(workspace, session, after=Cursor(end.epoch, start), limit=edge - 1 - start)
            kept = [event for event in _told(page.events) if event.offset < edge]
            found = kept + found
            if page.reset:  # the tail begins in here
                edge = _first_kept(page.events, edge)
                if len(found) >= limit:
                    break
                try:
                    rows, older = await self._history(
                        workspace, session, Cursor(end.epoch, edge), limit=limit - len(found)
                    )
                except Unavailable:
                    if not found:
                        raise
                    return found, edge  # what the tail has can be read; the next page asks for the history again
                return rows + found, older
            edge = start + 1
        if len(found) > limit:
            found = found[-limit:]
        return found, found[0].offset if len(found) == limit else edge

    async def _history(
        self, workspace: WorkspaceId, session: SessionId, end: Cursor, *, limit: int
    ) -> tuple[list[_Event], int]:
        if self._store is None:
            return [], 0
        page = await self._store.page(
            workspace, session, end.epoch, start=end.offset, limit=limit, direction=Direction.BACKWARDS
        )
        return [_Event(row.offset, row.body) for row in page.rows], page.rows[0].offset if page.more else 0

    async def _offset_at(self, workspace: WorkspaceId, session: SessionId, head: Cursor, *, at: datetime) -> int:
        """The first offset at or after a time, by halving the tail: times in a log only grow."""
        low, high, first = 1, head.offset + 1, head.offset + 1
        while low < high:
            middle = (low + high) // 2
            page = await self._tail.read(workspace, session, after=Cursor(head.epoch, middle - 1), limit=1)
            event = orjson.loads(page.events[0]) if page.events else None
            if event is None or event["at_ms"] >= to_ms(at):
                high = middle
                first = event["offset"] if event else first
            else:
                low = event["offset"] + 1
        if low > 1 or self._store is None:
            return low
        found = await self._store.offset_at(workspace, session, head.epoch, at=at)
        return first if found is None else found


def _told(events: list[str]) -> list[_Event]:
    """Those that are no streaming fragments. Most are not even transient, so few are read for it."""
    return [_Event(position_of(text).offset, text) for text in events if not _is_fragment(text)]


def _is_fragment(text: str) -> bool:
    return '"transient":true' in text and is_fragment(orjson.loads(text))


def _first_kept(events: list[str], otherwise: int) -> int:
    return min(position_of(events[0]).offset, otherwise) if events else otherwise


def _is_told(event: dict[str, Any], name: str | None) -> bool:
    if event["data"].get("transient"):
        return False
    return name is None or (event["name"] or "").lower() == name.lower()
