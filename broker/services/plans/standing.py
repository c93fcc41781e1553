"""Where a workspace stands against its plan."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.people.access import Permission, Principal
from broker.domain.plans.plans import BUILT_IN, Limit, PlanTable, Terms
from broker.services.permissions import requires
from broker.services.plans.usage import UsageMeter
from broker.services.ports import Pressure


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitStanding:
    """How much of a limit is used."""

    what: Limit
    used: int
    limit: int | None
    """None: as many as you like."""
    resets_at_ms: int | None = None

    @property
    def over(self) -> int:
        """How many there are beyond it, of a larger plan: they stay, and no more come."""
        return 0 if self.limit is None else max(0, self.used - self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStanding:
    """The plan's terms and what is used of its limits."""

    terms: Terms
    limits: tuple[LimitStanding, ...]
    link: str


class Plans:
    """What is asked about plans."""

    def __init__(self, pressure: Pressure, meter: UsageMeter, table: PlanTable = BUILT_IN) -> None:
        self._pressure = pressure
        self._meter = meter
        self.table = table

    @requires(Permission.METER)
    async def standing(self, principal: Principal) -> PlanStanding:
        """The caller's workspace. Raises `NotPermitted`."""
        terms = self.table[principal.plan]
        today = await self._meter.messages_today(principal)
        counts = await self._pressure.counts(principal.workspace)
        limits = terms.limits
        return PlanStanding(
            terms=terms,
            limits=(
                LimitStanding(what=Limit.AGENTS, used=counts.agents, limit=limits.agents or None),
                LimitStanding(
                    what=Limit.MESSAGES,
                    used=today.count,
                    limit=today.limit,
                    resets_at_ms=int(today.resets_at.timestamp() * 1000),
                ),
                LimitStanding(what=Limit.MEMBERS, used=counts.members, limit=limits.members or None),
            ),
            link=self.table.link,
        )
