"""What is stopped, in one hash for each workspace."""

from __future__ import annotations

import uuid

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.agents.stops import WORKSPACE, Place, Stop, StopHow, StopScope
from broker.domain.ids import MemberId, ProxyId, SessionId, WorkspaceId

_WIDEST_FIRST = (StopScope.WORKSPACE, StopScope.MACHINE, StopScope.SESSION)


class RedisStops:
    """Implements `StopRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def stop(
        self,
        workspace: WorkspaceId,
        place: Place,
        *,
        name: str,
        how: StopHow,
        by: str,
        member: MemberId | None,
        note: str,
    ) -> Stop:
        """Let nothing begin there from now on; the stop that stands. Raises `NotFound`."""
        told = await self._scripts.run(
            "stop",
            workspace,
            scope=str(place),
            name=name,
            id=uuid.uuid4().hex,
            how=how,
            by=by,
            member=member or "",
            note=note,
        )
        return read_stop(told)

    async def lift(
        self, workspace: WorkspaceId, place: Place, *, by: str, member: MemberId | None, note: str
    ) -> Stop | None:
        """Let it go on; the stop that is over, None when there was none."""
        told = await self._scripts.run_once(
            "lift_stop", workspace, scope=str(place), id=uuid.uuid4().hex, by=by, member=member or "", note=note
        )
        return read_stop(told) if told else None

    async def stops(self, workspace: WorkspaceId) -> list[Stop]:
        """All that stand, the widest first."""
        return read_stops(await self._redis.hvals(keys.key(workspace, "stops")))


def read_stops(rows: list[str]) -> list[Stop]:
    """What the hash holds, the widest first."""
    found = [read_stop(row) for row in rows]
    return sorted(found, key=lambda stop: (_WIDEST_FIRST.index(stop.place.scope), stop.at_ms, stop.id))


def read_stop(text: str) -> Stop:
    """One, as the scripts write it."""
    row = orjson.loads(text)
    return Stop(
        id=row["id"],
        place=_place(StopScope(row["scope"]), row["of"]),
        name=row["name"],
        how=StopHow(row["how"]),
        by=row["by"],
        member=MemberId(row["member"]) if row["member"] else None,
        note=row["note"],
        at_ms=int(row["at_ms"]),
        agents=int(row["agents"]),
        interrupted=int(row["interrupted"]),
        finished=row["finished"],
    )


def _place(scope: StopScope, of: str) -> Place:
    match scope:
        case StopScope.WORKSPACE:
            return WORKSPACE
        case StopScope.MACHINE:
            return Place(scope=scope, id=ProxyId(of))
        case StopScope.SESSION:
            return Place(scope=scope, id=SessionId(of))
