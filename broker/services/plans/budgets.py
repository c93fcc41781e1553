"""Budgets: who sets and sees them."""

from __future__ import annotations

from broker.domain.errors import BadRequest, NotFound, NotPermitted
from broker.domain.ids import AgentId
from broker.domain.people.access import Permission, Principal, TokenKind
from broker.domain.plans.budgets import Budget, BudgetPlace, BudgetScope, Period, Unit, counted
from broker.services.agents.sessions import Sessions
from broker.services.permissions import checked_within, open_to_all, requires
from broker.services.ports import BudgetRecords, Registry

_OF_AGENTS = {BudgetScope.AGENT, BudgetScope.TREE}
_MOST_ANCESTORS = 50


class Budgets:
    """Use cases around budgets."""

    def __init__(self, records: BudgetRecords, sessions: Sessions, registry: Registry) -> None:
        self._records = records
        self._sessions = sessions
        self._registry = registry

    @checked_within("no agent, and who administers: `_require_person`")
    async def set(
        self, principal: Principal, scope: str, *, unit: Unit, period: Period, amount: float, more: bool = False
    ) -> Budget:
        """Set a budget, or raise it by `amount`. `scope`: `workspace`, `session:NAME`, `agent:SESSION/NAME`, `tree:…`.

        Raises `NotPermitted`, `BadRequest`, `NotFound`, `Conflict`.
        """
        _require_person(principal)
        place, name = await self._place(principal, scope, unit=unit, period=period)
        limit = counted(unit, amount)
        return await self._records.set(principal.workspace, place, name=name, limit=limit, more=more, by=principal.name)

    @checked_within("no agent, and who administers: `_require_person`")
    async def remove(self, principal: Principal, scope: str, *, unit: Unit, period: Period) -> None:
        """Remove one. Raises `NotPermitted`, `BadRequest`, `NotFound` (BUDGET_NOT_FOUND)."""
        _require_person(principal)
        place, _ = await self._place(principal, scope, unit=unit, period=period)
        if not await self._records.remove(principal.workspace, place):
            raise NotFound("there is no such budget", code="BUDGET_NOT_FOUND")

    @requires(Permission.READ_WORKSPACE)
    async def all(self, principal: Principal) -> list[Budget]:
        """Those of the workspace. Raises `NotPermitted`."""
        return list(await self._records.budgets(principal.workspace))

    @open_to_all("an agent sees what it is paid from itself")
    async def own(self, principal: Principal) -> list[Budget]:
        """What the calling agent is paid from; nothing for others."""
        if principal.agent is None or principal.session is None:
            return []
        paying = {"workspace", f"session:{principal.session}", f"agent:{principal.agent}"}
        above: AgentId | None = principal.agent
        for _ in range(_MOST_ANCESTORS):
            agent = await self._registry.agent(principal.workspace, above) if above else None
            if agent is None:
                break
            paying.add(f"tree:{agent.id}")
            above = agent.spawner_id
        found = await self._records.budgets(principal.workspace)
        return [each for each in found if str(each.place).partition(" ")[0] in paying]

    async def _place(self, principal: Principal, scope: str, *, unit: Unit, period: Period) -> tuple[BudgetPlace, str]:
        """The place, and what people call it."""
        word, _, reference = scope.partition(":")
        if word not in set(BudgetScope) or bool(reference) is (word == BudgetScope.WORKSPACE):
            raise BadRequest(f"{scope[:80]!r}: workspace, session:NAME, agent:SESSION/NAME or tree:SESSION/NAME")
        kind = BudgetScope(word)
        if kind is BudgetScope.WORKSPACE:
            return BudgetPlace(scope=kind, unit=unit, period=period), ""
        name, _, agent_name = reference.partition("/")
        if bool(agent_name) is not (kind in _OF_AGENTS):
            raise BadRequest(f"{scope[:80]!r}: {kind} is named as {_form(kind)}")
        session = await self._sessions.get(principal, name)
        if kind is BudgetScope.SESSION:
            return BudgetPlace(scope=kind, of=session.id, unit=unit, period=period), session.name
        agent = await self._registry.agent_named(principal.workspace, session.id, agent_name)
        return BudgetPlace(scope=kind, of=agent.id, unit=unit, period=period), f"{session.name}/{agent.name}"


def _form(kind: BudgetScope) -> str:
    return f"{kind}:SESSION/NAME" if kind in _OF_AGENTS else f"{kind}:NAME"


def _require_person(principal: Principal) -> None:
    if principal.kind is TokenKind.AGENT:
        raise NotPermitted("an agent may not change budgets; it may ask a person to")
    principal.require(Permission.ADMINISTER)
