"""How long a workspace's log is kept, what of that was carried out, and what is to be forgotten."""

from __future__ import annotations

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.plans.plans import Plan
from broker.domain.plans.retention import Dated, Retention, Shortened

_PAGE = 500
"""Of what one script deletes: it takes some milliseconds, in which nobody else is served."""


class RedisRetention:
    """Implements `RetentionState`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def retention(self, workspace: WorkspaceId) -> Retention:
        """By plan and by the workspace's own wish."""
        plan, own, shortened = await self._redis.hmget(keys.root(workspace), "plan", "log_days", "logs_shortened")
        limits = self._scripts.plans.limits(Plan(plan or Plan.FREE))
        return Retention(
            plan_days=limits.log_days,
            own_days=int(own) if own else None,
            shortened=_shortened(shortened) if shortened else None,
        )

    async def set_own_days(self, workspace: WorkspaceId, days: int | None) -> None:
        """The workspace's own wish; None for the plan's days."""
        await self._scripts.run("set_log_days", workspace, days="" if days is None else days)

    async def read_dated(self, workspace: WorkspaceId) -> Dated | None:
        """What the log store's rows were last dated by."""
        text, kept = await self._redis.hmget(keys.root(workspace), "log_dated", "log_kept_until")
        if text is None:
            return None
        days, at_ms, sure = text.split(" ")
        return Dated(days=int(days), at_ms=int(at_ms), kept_until_ms=int(kept or 0), sure=sure == "1")

    async def now_ms(self, workspace: WorkspaceId) -> int:
        """The store's own clock, by which all this is dated."""
        return int(await self._scripts.run("now", workspace))

    async def set_dated(self, workspace: WorkspaceId, *, days: int, kept_until_ms: int, sure: bool) -> None:
        """Remember it."""
        text = f"{days} {await self.now_ms(workspace)} {int(sure)}"
        await self._redis.hset(keys.root(workspace), "log_dated", text)  # first: what dies in between is done again
        await self._redis.hset(keys.root(workspace), "log_kept_until", str(kept_until_ms))

    async def expire_tail(self, workspace: WorkspaceId, session: SessionId, *, days: int) -> None:
        """Let go of events that are too old and in the log store."""
        while await self._scripts.run("expire_tail", workspace, session=session, days=days):
            pass

    async def remove_session(self, workspace: WorkspaceId, session: SessionId) -> None:
        """End a session and remember to sweep after it. Raises `NotFound`, `Conflict`."""
        await self._scripts.run_once("remove_session", workspace, session=session)
        await self.sweep(workspace, session)

    async def sweep(self, workspace: WorkspaceId, session: SessionId) -> None:
        """Delete whatever is left of a session that was removed."""
        while await self._scripts.run("sweep_session", workspace, session=session, most=_PAGE):
            pass

    async def list_removed(self, workspace: WorkspaceId) -> dict[SessionId, int]:
        """Sessions that were removed, with the time, until they are known to be swept."""
        rows = await self._redis.zrangebyscore(keys.key(workspace, "removed"), "-inf", "+inf", withscores=True)
        return {SessionId(session): int(at_ms) for session, at_ms in rows}

    async def forget_removed(self, workspace: WorkspaceId, session: SessionId) -> None:
        """Nothing of it can turn up any more."""
        await self._redis.zrem(keys.key(workspace, "removed"), session)
        await self._redis.hdel(keys.key(workspace, "private_sessions"), session)

    async def clear_log(self, workspace: WorkspaceId, session: SessionId) -> None:
        """Forget a session's events; it goes on."""
        await self._scripts.run("clear_log", workspace, session=session)


def _shortened(text: str) -> Shortened:
    at_ms, days_before = text.split(" ")
    return Shortened(at_ms=int(at_ms), days_before=int(days_before))
