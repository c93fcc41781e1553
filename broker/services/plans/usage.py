"""Usage of a workspace, for its administrators."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta

from broker.domain.errors import BadRequest, Unavailable
from broker.domain.ids import SessionId
from broker.domain.people.access import Permission, Principal
from broker.domain.plans.plans import BUILT_IN, PlanTable
from broker.domain.plans.usage import (
    Counts,
    MessagesToday,
    MonthCost,
    Usage,
    UsageBy,
    first_of_month,
    messages_today,
    month_cost,
)
from broker.services.permissions import requires
from broker.services.ports import LogStore, Mailroom, require_store

MAX_DAYS = 400
"""Older counters are not kept."""


class UsageMeter:
    """Reads the counters."""

    def __init__(
        self,
        logs: LogStore | None,
        mailroom: Mailroom,
        *,
        plans: PlanTable = BUILT_IN,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._logs = logs
        self._mailroom = mailroom
        self._plans = plans
        self._now = now

    @requires(Permission.METER)
    async def usage(self, principal: Principal, *, since: date, until: date, by: UsageBy) -> list[Usage]:
        """Counters from one UTC day to another, both included. Raises `NotPermitted`, `BadRequest`, `Unavailable`."""
        return (await self.usage_by(principal, (by,), since=since, until=until))[by]

    @requires(Permission.METER)
    async def usage_in(
        self, principal: Principal, sessions: Collection[SessionId], *, since: date, until: date
    ) -> list[Usage]:
        """Counters of some sessions by agent. Raises `NotPermitted`, `BadRequest`, `Unavailable`."""
        told = await self._read(principal, (UsageBy.AGENT,), since=since, until=until, sessions=sessions)
        return told[UsageBy.AGENT]

    @requires(Permission.METER)
    async def usage_by(
        self, principal: Principal, ways: Collection[UsageBy], *, since: date, until: date
    ) -> dict[UsageBy, list[Usage]]:
        """The same in several ways at once. Raises `NotPermitted`, `BadRequest`, `Unavailable`."""
        return await self._read(principal, ways, since=since, until=until)

    async def _read(
        self,
        principal: Principal,
        ways: Collection[UsageBy],
        *,
        since: date,
        until: date,
        sessions: Collection[SessionId] | None = None,
    ) -> dict[UsageBy, list[Usage]]:
        if not timedelta(0) <= until - since < timedelta(days=MAX_DAYS):
            raise BadRequest(f"from and to: 1 to {MAX_DAYS} days, the first one first")
        found = await require_store(self._logs).usage(
            principal.workspace, since=since, until=until, by=ways, sessions=sessions, prices=self._plans.prices
        )
        return {
            way: [each for each in lines if each.session is None or principal.sees(each.session)]
            for way, lines in found.items()
        }

    @requires(Permission.METER)
    async def month(self, principal: Principal) -> MonthCost | None:
        """What this month has cost, and comes to; None where no log store can say it now. Raises `NotPermitted`."""
        now = self._now()
        if self._logs is None:
            return None
        try:
            days = await self.usage(
                principal, since=first_of_month(now), until=now.astimezone(UTC).date(), by=UsageBy.DAY
            )
        except Unavailable:
            return None
        return month_cost(sum((each.counts for each in days), Counts()), now=now)

    @requires(Permission.METER)
    async def messages_today(self, principal: Principal) -> MessagesToday:
        """Messages accepted since 00:00 UTC, and the plan's limit. Raises `NotPermitted`."""
        now = self._now()
        count = await self._mailroom.messages_on(principal.workspace, now.astimezone(UTC).date())
        return messages_today(count, limit=self._plans.limits(principal.plan).messages_per_day, now=now)
