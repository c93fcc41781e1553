"""Reading a session's log page by page, in both directions, across its recent tail and the long history behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from broker.domain.agents.sessions import Session
from broker.domain.errors import Unavailable
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.instants import from_ms, to_ms
from broker.domain.logs.damage import LogDamage
from broker.domain.logs.event_filter import ALL_EVENTS, EventFilter
from broker.domain.logs.events import Cursor, goes_on_from
from broker.domain.logs.pages import MAX_PAGE, MAX_PAGE_BYTES, Direction
from broker.domain.people.access import Permission, Principal
from broker.services.live.hub import position_of
from broker.services.logs.stitched import StitchedLog
from broker.services.permissions import check_within, requires
from broker.services.ports import EventLog, LogStore

_MAX_READS = 40
"""Of one page: a long run of streaming fragments gives a short page, with where to go on, instead of a slow one."""
_SMALLEST_READ = 100
_SHRINKING = 8
_MAX_AROUND = MAX_PAGE // 2
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
    damage: LogDamage | None = None
    """What may be missing from it, when it may: the history has parts that cannot be read any more."""


class LogReader:
    """Pages hold no streaming fragments, so a page is the same whether it comes from the tail or from the history.

    A page may be shorter than asked for, as it has a bound in bytes too; only its cursors say whether there is more.
    """

    def __init__(self, tail: EventLog, store: LogStore | None) -> None:
        self._tail = tail
        self._store = store
        self._log: EventLog = StitchedLog(tail, store) if store else tail

    @requires(Permission.READ)
    async def after(
        self,
        principal: Principal,
        session: Session,
        *,
        after: Cursor | None,
        limit: int,
        only: EventFilter = ALL_EVENTS,
    ) -> LogSpan:
        """Up to `limit` wanted events behind a place; None begins with the first that is kept."""
        limit, only = min(limit, MAX_PAGE), replace(only, fragments=False)
        scan = _window(limit, only)
        page = await self._log.read(
            principal.workspace,
            session.id,
            after=after,
            limit=limit,
            only=only,
            scan=scan,
            max_bytes=MAX_PAGE_BYTES,
        )
        reset, found = page.reset, page.events
        for _ in range(_MAX_READS):
            rest, room = limit - len(found), _room(found)
            if rest == 0 or room <= 0 or page.next.offset >= page.head.offset:
                break
            page = await self._log.read(
                principal.workspace, session.id, after=page.next, limit=rest, only=only, scan=scan, max_bytes=room
            )
            found = found + page.events
        first = position_of(found[0]).offset if found else page.next.offset + 1
        return LogSpan(
            events=found,
            before=Cursor(page.head.epoch, first) if first > 1 else None,
            after=page.next,
            head=page.head,
            reset=reset,
            damage=self._damage_of(found, open_start=first <= 1 or reset),
        )

    @requires(Permission.READ)
    async def before(
        self,
        principal: Principal,
        session: Session,
        *,
        before: Cursor | None,
        limit: int,
        only: EventFilter = ALL_EVENTS,
    ) -> LogSpan:
        """Up to `limit` wanted events ahead of a place, the nearest ones; None ends with the newest."""
        head = await self._tail.head(principal.workspace, session.id)
        reset = before is not None and not _is_of(head, before)
        end = head.offset + 1 if before is None or reset else min(before.offset, head.offset + 1)
        found, older = await self._back(
            principal.workspace,
            session.id,
            end=Cursor(head.epoch, end),
            limit=min(limit, MAX_PAGE),
            only=replace(only, fragments=False),
        )
        return LogSpan(
            events=found,
            before=Cursor(head.epoch, older) if older > 1 else None,
            after=position_of(found[-1]) if found else Cursor(head.epoch, max(0, end - 1)),
            head=head,
            reset=reset,
            damage=self._damage_of(found, open_start=older <= 1),
        )

    @check_within("reading before and after requires something")
    async def around(
        self, principal: Principal, session: Session, *, at: Cursor, lines: int, only: EventFilter = ALL_EVENTS
    ) -> LogSpan:
        """The event at a place with up to `lines` wanted ones on both sides; the newest ones when it is in another log.

        A filter may leave out the event itself; then the page only stands where it would be.
        """
        lines = min(lines, _MAX_AROUND)
        ahead = await self.before(principal, session, before=at, limit=lines, only=only)
        if ahead.reset:
            return ahead
        place = Cursor(at.epoch, max(0, min(at.offset - 1, ahead.head.offset)))
        behind = await self.after(principal, session, after=place, limit=lines + 1, only=only)
        return replace(
            behind, events=ahead.events + behind.events, before=ahead.before, damage=behind.damage or ahead.damage
        )

    @requires(Permission.READ)
    async def at(
        self, principal: Principal, session: Session, *, at: datetime, limit: int, only: EventFilter = ALL_EVENTS
    ) -> LogSpan:
        """Up to `limit` wanted events from a time on."""
        head = await self._tail.head(principal.workspace, session.id)
        offset = await self._offset_at(principal.workspace, session.id, head, at=at)
        after = Cursor(head.epoch, offset - 1)
        return await self.after(principal, session, after=after, limit=limit, only=only)

    @check_within("reading before requires something")
    async def recent(
        self, principal: Principal, session: Session, *, name: str | None, limit: int
    ) -> list[dict[str, Any]]:
        """The newest events, oldest first; of one agent when `name` is given."""
        only = EventFilter(agents=frozenset({name.lower()})) if name else ALL_EVENTS
        found: list[dict[str, Any]] = []
        before: Cursor | None = None
        for _ in range(_RECENT_PAGES):
            try:
                page = await self.before(principal, session, before=before, limit=limit, only=only)
            except Unavailable:
                if not found:
                    raise
                break
            events = [orjson.loads(text) for text in page.events]
            found = [event for event in events if not event["data"].get("transient")] + found
            before = page.before
            if len(found) >= limit or before is None:
                break
        return found[-limit:]

    async def _back(
        self, workspace: WorkspaceId, session: SessionId, *, end: Cursor, limit: int, only: EventFilter
    ) -> tuple[list[str], int]:
        """Events ahead of `end`, and the offset that the page before them ends at; 0 when there is none."""
        found: list[str] = []
        edge, window = end.offset, _window(limit, only)
        for _ in range(_MAX_READS):
            if len(found) >= limit or edge <= 1 or _room(found) <= 0:
                break
            start = Cursor(end.epoch, max(0, edge - 1 - window))
            page = await self._tail.read(
                workspace, session, after=start, limit=edge - 1 - start.offset, only=only, max_bytes=MAX_PAGE_BYTES
            )
            if page.next.offset < edge - 1:  # more bytes than a page may have: look at fewer events, the nearest ones
                window = max(1, window // _SHRINKING)
                continue
            found = [text for text in page.events if position_of(text).offset < edge] + found
            if page.reset:  # the tail begins in here
                edge = min(page.first.offset, edge)
                if len(found) >= limit or _room(found) <= 0:
                    break
                place, rest = Cursor(end.epoch, edge), limit - len(found)
                try:
                    rows, older = await self._history(
                        workspace, session, place, limit=rest, only=only, max_bytes=_room(found)
                    )
                except Unavailable:
                    if not found:
                        raise
                    return found, edge  # what the tail has can be read; the next page asks for the history again
                return rows + found, older
            edge = start.offset + 1
        if len(found) > limit:
            found = found[-limit:]
        return found, position_of(found[0]).offset if found and len(found) == limit else edge

    async def _history(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        end: Cursor,
        *,
        limit: int,
        only: EventFilter,
        max_bytes: int,
    ) -> tuple[list[str], int]:
        if self._store is None:
            return [], 0
        page = await self._store.page(
            workspace,
            session,
            end.epoch,
            start=end.offset,
            limit=limit,
            direction=Direction.BACKWARDS,
            only=only,
            max_bytes=max_bytes,
        )
        return [row.body for row in page.rows], page.rows[0].offset if page.more else 0

    def _damage_of(self, events: list[str], *, open_start: bool) -> LogDamage | None:
        """What may be missing from a page; also ahead of it, when nothing stands there any more."""
        damage = self._store.damage if self._store else None
        if damage is None or not events:
            return damage
        first, last = (from_ms(orjson.loads(events[place])["at_ms"]).date() for place in (0, -1))
        return damage if damage.concerns(None if open_start else first, last) else None

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


def _is_of(head: Cursor, place: Cursor) -> bool:
    """Whether a place, which may lie behind the end, is one of the log."""
    return goes_on_from(head, place) or place.epoch == head.epoch


def _room(found: list[str]) -> int:
    """What a page may still hold."""
    return MAX_PAGE_BYTES - sum(map(len, found))


def _window(limit: int, only: EventFilter) -> int:
    """How many events of the tail to look at in one read."""
    return MAX_PAGE if only.is_selective else min(MAX_PAGE, max(_SMALLEST_READ, 2 * limit))
