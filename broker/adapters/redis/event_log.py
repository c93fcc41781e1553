"""A session's log on a Redis stream whose entry ids are the offsets."""

from __future__ import annotations

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.domain.errors import NotFound
from broker.domain.event_filter import ALL_EVENTS, EventFilter
from broker.domain.events import Cursor
from broker.domain.ids import SessionId, WorkspaceId
from broker.services.ports import LogPage


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
    ) -> LogPage:
        """Up to `limit` events after a position; None reads from the first that is kept."""
        head = await self.head(workspace, session)
        known = after is not None and after.epoch == head.epoch and after.offset <= head.offset
        start = after.offset if after and known else 0
        stream = keys.key(workspace, "log", session)
        entries = await self._redis.xrange(stream, min=f"{start + 1}-0", count=max(limit, scan))
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

    async def head(self, workspace: WorkspaceId, session: SessionId) -> Cursor:
        """The newest position. Raises `NotFound`."""
        epoch, offset = await self._redis.hmget(keys.key(workspace, "session", session), "epoch", "offset")
        if epoch is None or offset is None:
            raise NotFound(f"no session {session}", code="SESSION_NOT_FOUND")
        return Cursor(epoch, int(offset))


def _offset(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])
