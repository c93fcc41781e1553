"""Counters of a workspace's days, which the scripts of the acts keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import WorkspaceId
from broker.domain.logs.meters import Counted


class RedisMeters:
    """Implements `MeterCounters`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def read_counts(self, workspace: WorkspaceId, days: Sequence[date]) -> Mapping[tuple[date, Counted], int]:
        """Those that are not 0."""
        pipe = self._redis.pipeline(transaction=False)
        for day in days:
            pipe.hmget(keys.key(workspace, "usage", day.isoformat()), *Counted)
        rows = await pipe.execute() if days else []
        return {
            (day, counted): int(number)
            for day, row in zip(days, rows, strict=True)
            for counted, number in zip(Counted, row, strict=True)
            if number
        }

    async def running_ms(self, workspace: WorkspaceId) -> Sequence[tuple[int, int]]:
        """Of each agent that runs: since when, and the store's time now."""
        agents = sorted(await self._redis.smembers(keys.key(workspace, "live")))
        now_ms = int(await self._scripts.run("now", workspace))
        pipe = self._redis.pipeline(transaction=False)
        for agent in agents:
            pipe.hmget(keys.key(workspace, "agent", agent), "runs_since", "spawned")
        rows = await pipe.execute() if agents else []
        return [(int(since or spawned), now_ms) for since, spawned in rows if since or spawned]

    async def count_removed_sessions(self, workspace: WorkspaceId) -> int:
        """How many sessions were deleted lately."""
        return len(await self._redis.zrangebyscore(keys.key(workspace, "removed"), "-inf", "+inf", withscores=True))
