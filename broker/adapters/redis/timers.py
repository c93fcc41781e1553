"""Deadlines in a sorted set for each workspace."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis, listen_on
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import WorkspaceId

_LEASE_MS = 10_000
"""A worker that claimed a timer and died: another claims it after this."""
_CLAIM = 100
_SLEEP_COUNTS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _uptime_ms() -> int:
    """Of a clock that nobody sets, and that goes on while a machine sleeps, where the system has such a one."""
    return time.clock_gettime_ns(_SLEEP_COUNTS) // 1_000_000


@dataclass(frozen=True, slots=True)
class _Visit:
    """When we claimed last, by the store's clock and by ours, and by how much the store's had been set until then."""

    now_ms: int
    uptime_ms: int
    steps_ms: int


class RedisTimers:
    """Implements `Timers`."""

    def __init__(self, redis: TextRedis, scripts: Scripts, *, uptime_ms: Callable[[], int] = _uptime_ms) -> None:
        self._redis = redis
        self._scripts = scripts
        self._uptime_ms = uptime_ms
        self._visits: dict[WorkspaceId, _Visit] = {}

    async def workspaces(self) -> list[WorkspaceId]:
        """Every workspace."""
        return [WorkspaceId(w) for w in await self._redis.smembers(keys.WORKSPACES)]

    async def claim(self, workspace: WorkspaceId) -> tuple[list[str], float | None]:
        """Due timers, leased to the caller, and the seconds until the next one."""
        last, uptime_ms = self._visits.get(workspace), self._uptime_ms()
        due, next_ms, now_ms, steps_ms = await self._scripts.run(
            "claim_timers",
            workspace,
            most=_CLAIM,
            lease_ms=_LEASE_MS,
            before="" if last is None else last.now_ms,
            lasted=0 if last is None else uptime_ms - last.uptime_ms,
            steps=0 if last is None else last.steps_ms,
        )
        self._visits[workspace] = _Visit(now_ms, self._uptime_ms(), steps_ms)
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
