"""Deadlines in a sorted set for each workspace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis, listen_on
from broker.adapters.redis.scripts import Scripts
from broker.adapters.redis.visits import Visits, uptime_ms
from broker.domain.ids import WorkspaceId

_LEASE_MS = 10_000
"""A worker that claimed a timer and died: another claims it after this."""
_CLAIM = 100


class RedisTimers:
    """Implements `Timers`."""

    def __init__(self, redis: TextRedis, scripts: Scripts, *, uptime_ms: Callable[[], int] = uptime_ms) -> None:
        self._redis = redis
        self._scripts = scripts
        self._visits = Visits(uptime_ms)

    async def workspaces(self) -> list[WorkspaceId]:
        """Every workspace."""
        return [WorkspaceId(w) for w in await self._redis.smembers(keys.WORKSPACES)]

    async def claim(self, workspace: WorkspaceId) -> tuple[list[str], float | None]:
        """Due timers, leased to the caller, and the seconds until the next one."""
        due, next_ms, now_ms, steps_ms = await self._scripts.run(
            "claim_timers",
            workspace,
            most=_CLAIM,
            lease_ms=_LEASE_MS,
            **self._visits.told(workspace),
        )
        self._visits.note(workspace, now_ms=now_ms, steps_ms=steps_ms)
        return due, None if next_ms < 0 else max(0.0, (next_ms - now_ms) / 1000)

    async def due(self, workspace: WorkspaceId, timer: str) -> None:
        """Carry out what the passing of a deadline means."""
        await self._scripts.run("timer_due", workspace, timer=timer)

    async def wakeups(self) -> AsyncIterator[tuple[WorkspaceId, float] | None]:
        """(workspace, seconds until due) whenever a timer becomes a workspace's earliest; None: some may be lost."""
        async with aclosing(listen_on(self._redis, keys.TIMER_CHANNEL)) as messages:
            async for message in messages:
                if message is None:
                    yield None
                    continue
                root, due_in_ms = message.split(" ")
                yield keys.workspace_of(root), int(due_in_ms) / 1000
