"""Trails that came with archives: what is known of each in a hash, and the records of each in a stream of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.audit.archived import MAX_IMPORTED_TRAILS, ArchivedTrail, ImportedTrail
from broker.domain.audit.chain import Entry
from broker.domain.ids import WorkspaceId

_TRAIL: TypeAdapter[ArchivedTrail] = TypeAdapter(ArchivedTrail)


class RedisImportedTrails:
    """Implements `ImportedTrails`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def begin(self, workspace: WorkspaceId, trail: ArchivedTrail) -> ImportedTrail:
        """Keep one; what is here when it was begun before. Raises `Conflict` (TOO_MANY_TRAILS)."""
        await self._scripts.run(
            "begin_imported_trail", workspace, id=trail.id, trail=orjson.dumps(trail), most=MAX_IMPORTED_TRAILS
        )
        return next(each for each in await self.trails(workspace) if each.id == trail.id)

    async def add(self, workspace: WorkspaceId, id_: str, entries: Sequence[Entry]) -> None:
        """Keep records in order; those that are here are left as they are. Raises `NotFound` (TRAIL_NOT_FOUND)."""
        flat = [part for each in entries for part in (str(each.number), each.record, each.seal or "")]
        await self._scripts.run("add_imported_records", workspace, id=id_, entries=flat)

    async def trails(self, workspace: WorkspaceId) -> list[ImportedTrail]:
        """All of them, the oldest first."""
        rows: Mapping[str, str] = await self._redis.hgetall(keys.key(workspace, "audit_imported"))
        found = []
        for id_, text in rows.items():
            row = orjson.loads(text)
            trail = _TRAIL.validate_python(row["trail"])
            last = await self._redis.xrevrange(keys.key(workspace, "audit_imported_records", id_), count=1)
            number = _number(last[0][0]) if last else trail.head.first - 1
            found.append(ImportedTrail(id=id_, trail=trail, at_ms=int(row["at_ms"]), last=number))
        return sorted(found, key=lambda each: (each.at_ms, each.id))

    async def after(self, workspace: WorkspaceId, id_: str, number: int, *, limit: int) -> list[Entry]:
        """Up to `limit` records of one behind a number, the oldest first."""
        stream = keys.key(workspace, "audit_imported_records", id_)
        rows = await self._redis.xrange(stream, min=f"{number + 1}-0", max="+", count=limit)
        return [Entry(number=_number(name), record=row["r"], seal=row["h"] or None) for name, row in rows]


def _number(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])
