"""A session's log on a Redis stream whose entry ids are the offsets."""

from __future__ import annotations

from collections.abc import Sequence

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.domain.errors import NotFound
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.logs.event_filter import ALL_EVENTS, EventFilter
from broker.domain.logs.events import Cursor, goes_on_from
from broker.domain.logs.pages import MAX_PAGE_BYTES
from broker.domain.timings import TIMINGS
from broker.services.ports import LogPage

_MARKS = 2 * MAX_PAGE_BYTES // TIMINGS.size_mark_bytes + 3
"""Enough to see where a page ends: of two that follow each other the second is that much on (`lib/log.lua`)."""
_Mark = tuple[int, int]
"""An offset, and the bytes that were written to the log up to and with it."""


class RedisEventLog:
    """Implements `EventLog`. Appending happens inside the scripts, together with the decision it records."""

    def __init__(self, redis: TextRedis) -> None:
        self._redis = redis

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
        """Up to `limit` events after a position; None reads from the first that is kept."""
        wanted = after.offset if after else 0
        head, marks = await self._head_and_marks(workspace, session, wanted)
        known = after is not None and goes_on_from(head, after)
        start = wanted if known else 0
        if start != wanted:
            head, marks = await self._head_and_marks(workspace, session, start)
        stream, upto = keys.key(workspace, "log", session), last_within(marks, start, max_bytes)
        end = "+" if upto is None else f"{upto}-0"
        entries = await self._redis.xrange(stream, min=f"{start + 1}-0", max=end, count=max(limit, scan))
        if not entries and upto is not None:  # what was there is gone, with the marks by which it was measured
            entries = await self._first_kept(workspace, session, upto, count=max(limit, scan), max_bytes=max_bytes)
        first = _offset(entries[0][0]) if entries else head.offset + 1
        last = _offset(entries[-1][0]) if entries else max(start, head.offset)
        events = entries if only == ALL_EVENTS else [each for each in entries if only.admits_text(each[1]["e"])]
        if len(events) > limit:
            events, last = events[:limit], _offset(events[limit - 1][0])
        return LogPage(
            events=[entry["e"] for _, entry in events],
            first=Cursor(head.epoch, first),
            next=Cursor(head.epoch, last),
            head=head,
            reset=after is not None and (not known or first > start + 1),
        )

    async def _first_kept(
        self, workspace: WorkspaceId, session: SessionId, behind: int, *, count: int, max_bytes: int
    ) -> list[tuple[str, dict[str, str]]]:
        """A page from the first entry behind an offset on; nothing when there is none."""
        stream = keys.key(workspace, "log", session)
        found = await self._redis.xrange(stream, min=f"{behind + 1}-0", count=1)
        if not found:
            return []
        start = _offset(found[0][0]) - 1
        _, marks = await self._head_and_marks(workspace, session, start)
        upto = last_within(marks, start, max_bytes)
        end = "+" if upto is None else f"{upto}-0"
        return await self._redis.xrange(stream, min=f"{start + 1}-0", max=end, count=count)

    async def _head_and_marks(
        self, workspace: WorkspaceId, session: SessionId, start: int
    ) -> tuple[Cursor, list[_Mark]]:
        """The newest position, and what is known of the size of what follows `start`. Raises `NotFound`."""
        sizes = keys.key(workspace, "sizes", session)
        pipe = self._redis.pipeline(transaction=False)
        pipe.hmget(keys.key(workspace, "session", session), "epoch", "offset")
        pipe.zrevrangebyscore(sizes, start, "-inf", start=0, num=1)
        pipe.zrangebyscore(sizes, f"({start}", "+inf", start=0, num=_MARKS)
        found, ahead, behind = await pipe.execute()
        return _head(session, found), [_mark(text) for text in [*ahead, *behind]]

    async def head(self, workspace: WorkspaceId, session: SessionId) -> Cursor:
        """The newest position. Raises `NotFound`."""
        return _head(session, await self._redis.hmget(keys.key(workspace, "session", session), "epoch", "offset"))


def last_within(marks: Sequence[_Mark], start: int, max_bytes: int) -> int | None:
    """The last offset of a page behind `start` that has about `max_bytes`, and at least one event; None: to the end.

    `marks` are in order, the last one up to `start` first, if there is one.
    """
    written_ahead = max((written for offset, written in marks if offset <= start), default=0)
    for offset, written in marks:
        if offset > start and written - written_ahead > max_bytes:
            return max(start + 1, offset - 1)  # the marked event is the one that is too much
    return None


def _mark(text: str) -> _Mark:
    offset, _, written = text.partition(":")
    return int(offset), int(written)


def _head(session: SessionId, found: Sequence[str | None]) -> Cursor:
    epoch, offset = found
    if epoch is None or offset is None:
        raise NotFound(f"no session {session}", code="SESSION_NOT_FOUND")
    return Cursor(epoch, int(offset))


def _offset(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])
