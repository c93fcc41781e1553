"""Where a workspace stands against its plan."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.ids import WorkspaceId
from broker.domain.operations.administrators import Counts
from broker.domain.people.access import Permission, Principal
from broker.domain.plans.beyond import BeyondPlan, Held, list_beyond
from broker.domain.plans.plans import BUILT_IN, Feature, Limit, PlanTable, Terms
from broker.protocol.hooks_yaml.reader import read_hooks
from broker.services.permissions import requires
from broker.services.plans.usage import UsageMeter
from broker.services.ports import HookRecords, Pressure, RetentionState


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
    beyond: tuple[BeyondPlan, ...]
    """What a smaller plan has left as it is."""


class Plans:
    """What is asked about plans."""

    def __init__(
        self,
        pressure: Pressure,
        meter: UsageMeter,
        table: PlanTable = BUILT_IN,
        *,
        hooks: HookRecords,
        retention: RetentionState,
    ) -> None:
        self._pressure = pressure
        self._meter = meter
        self._hooks = hooks
        self._retention = retention
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
            beyond=await self._beyond(principal, counts),
        )

    async def _beyond(self, principal: Principal, counts: Counts) -> tuple[BeyondPlan, ...]:
        workspace = principal.workspace
        held = Held(
            agents=counts.agents,
            members=counts.members,
            hooks=0 if self.table.has(principal.plan, Feature.HOOKS) else await self._count_hooks(workspace),
            retention=await self._retention.retention(workspace),
        )
        return list_beyond(self.table, principal.plan, held, now_ms=await self._retention.now_ms(workspace))

    async def _count_hooks(self, workspace: WorkspaceId) -> int:
        return len(read_hooks((await self._hooks.load(workspace)).text).hooks)
