"""A workspace's budgets, in one hash, which the scripts of turns and reports charge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import AgentId, ApprovalId, SessionId, WorkspaceId
from broker.domain.plans.budgets import PER_UNIT, Budget, BudgetPlace, BudgetScope, Period, Unit, parse_place
from broker.domain.plans.pauses import Pause
from broker.domain.plans.plans import Limit


class RedisBudgets:
    """Implements `BudgetRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def set(
        self,
        workspace: WorkspaceId,
        place: BudgetPlace,
        *,
        name: str,
        limit: int,
        more: bool,
        by: str,
        interrupt: bool | None = None,
        session: SessionId | None = None,
    ) -> Budget:
        """Set one, or raise it by so much `more`. Raises `NotFound`, `Conflict`."""
        text = await self._scripts.run_once(
            "set_budget",
            workspace,
            key=str(place),
            unit=place.unit,
            period=place.period,
            name=name,
            limit=limit,
            more="1" if more else "",
            by=by,
            interrupt="" if interrupt is None else str(int(interrupt)),
            session=session or "",
        )
        return _budget(place, orjson.loads(text), await self._now(workspace))

    async def remove(self, workspace: WorkspaceId, place: BudgetPlace) -> bool:
        """Remove one; whether there was one."""
        return bool(await self._scripts.run_once("remove_budget", workspace, key=str(place)))

    async def answer_raise(
        self, workspace: WorkspaceId, place: BudgetPlace, *, lead: AgentId, name: str, allow: bool
    ) -> Budget:
        """A lead's word on one of an agent below it. Raises `NotPermitted`, `Conflict`."""
        text = await self._scripts.run(
            "answer_raise", workspace, key=str(place), lead=lead, name=name, allowed="1" if allow else ""
        )
        return _budget(place, orjson.loads(text), await self._now(workspace))

    async def budgets(self, workspace: WorkspaceId) -> Sequence[Budget]:
        """All of them, as they stand now."""
        rows = await self._redis.hgetall(keys.key(workspace, "budgets"))
        now = await self._now(workspace)
        return [_budget(parse_place(key), orjson.loads(text), now) for key, text in sorted(rows.items())]

    async def pauses(self, workspace: WorkspaceId) -> tuple[Sequence[Pause], int]:
        """What budgets and limits have made wait, the latest first; and the store's time."""
        rows = await self._redis.lrange(keys.key(workspace, "pauses"), 0, -1)
        return [_pause(orjson.loads(text)) for text in rows], int(await self._scripts.run("now", workspace))

    async def pauses_of(
        self, workspace: WorkspaceId, session: SessionId, agent: AgentId | None = None
    ) -> tuple[Sequence[Pause], int]:
        """Those noticed in a session, those that an agent of it has brought about, and those that may be over any
        session; the latest first, each once. And the store's time.
        """
        lists = [keys.key(workspace, "session_pauses", session), keys.key(workspace, "wide_pauses")]
        if agent is not None:
            lists.append(keys.key(workspace, "agent_pauses", agent))
        async with self._redis.pipeline(transaction=False) as pipe:
            for each in lists:
                pipe.lrange(each, 0, -1)
            rows = await pipe.execute()
        found = {text: _pause(orjson.loads(text)) for row in rows for text in row}
        latest = sorted(found.values(), key=lambda pause: pause.at_ms, reverse=True)
        return latest, int(await self._scripts.run("now", workspace))

    async def paying_for(self, workspace: WorkspaceId, agent: AgentId) -> Sequence[Budget]:
        """Those that an agent is paid from, as they stand now."""
        found: list[str] = await self._scripts.run("budgets_of_agent", workspace, agent=agent)
        rows = dict(zip(found[::2], found[1::2], strict=True))
        now = await self._now(workspace)
        return [_budget(parse_place(key), orjson.loads(text), now) for key, text in sorted(rows.items())]

    async def _now(self, workspace: WorkspaceId) -> datetime:
        return datetime.fromtimestamp(int(await self._scripts.run("now", workspace)) / 1000, UTC)


def _pause(row: dict[str, Any]) -> Pause:
    return Pause(
        at_ms=row["at_ms"],
        text=row["text"],
        budget=parse_place(row["budget"]) if row.get("budget") else None,
        limit=Limit(row["limit"]) if row.get("limit") else None,
        session=SessionId(row["session"]) if row.get("session") else None,
        agent=AgentId(row["agent"]) if row.get("agent") else None,
        agent_name=row.get("name") or "",
        until_ms=row.get("until_ms"),
    )


def _budget(place: BudgetPlace, row: dict[str, Any], now: datetime) -> Budget:
    of = SessionId(place.of) if place.scope is BudgetScope.SESSION else None
    began = {Period.DAY: f"{now:%Y-%m-%d}", Period.MONTH: f"{now:%Y-%m}"}.get(place.period, "")
    per, is_present = PER_UNIT[place.unit], row["since"] == began
    elapsed = row.get("running", 0) * now.timestamp() * 1000 - row.get("began", 0) if place.unit is Unit.MINUTES else 0
    return Budget(
        place=place,
        name=row["name"],
        limit=(row["limit"] + (row.get("extra", 0) if is_present else 0)) / per,
        spent=row["spent"] / per if is_present else 0.0,
        by=row["by"],
        held=max(row.get("held", 0), elapsed) / per,
        running=row.get("running", 0),
        interrupts=row.get("interrupt", False),
        is_estimated=is_present and row.get("estimated", False),
        asks=ApprovalId(row["ask"]) if is_present and row.get("ask") else None,
        session=SessionId(row["session"]) if row.get("session") else of,
    )
