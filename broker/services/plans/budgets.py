"""Budgets: who sets and sees them."""

from __future__ import annotations

from broker.domain.errors import BadRequest, Conflict, NotFound, NotPermitted
from broker.domain.ids import AgentId
from broker.domain.people.access import Permission, Principal, TokenKind
from broker.domain.plans.budgets import Budget, BudgetPlace, BudgetScope, Period, Unit, check_interrupt, count_amount
from broker.services.agents.sessions import Sessions
from broker.services.permissions import check_within, open_to_all
from broker.services.ports import BudgetRecords, MemberRecords, Registry

_OF_AGENTS = {BudgetScope.AGENT, BudgetScope.TREE}
_OF_NO_SESSION = {BudgetScope.WORKSPACE, BudgetScope.PERSON}
_MOST_ANCESTORS = 50


class Budgets:
    """Use cases around budgets."""

    def __init__(
        self, records: BudgetRecords, sessions: Sessions, registry: Registry, *, members: MemberRecords
    ) -> None:
        self._records = records
        self._members = members
        self._sessions = sessions
        self._registry = registry

    @check_within("no agent, and who pays or administers: `_require_person`")
    async def set(
        self,
        principal: Principal,
        scope: str,
        *,
        unit: Unit,
        period: Period,
        amount: float,
        more: bool = False,
        interrupt: bool | None = None,
    ) -> Budget:
        """Set a budget, or raise it by `amount`. `interrupt`: whether it ends running turns; None leaves that as it is.

        `scope`: `workspace`, `session:NAME`, `agent:SESSION/NAME`, `tree:SESSION/NAME`, `person:NAME`.

        Raises `NotPermitted`, `BadRequest`, `NotFound`, `Conflict`.
        """
        _require_person(principal)
        check_interrupt(unit, interrupt=interrupt)
        place, name = await self._place(principal, scope, unit=unit, period=period)
        limit = count_amount(unit, amount)
        return await self._records.set(
            principal.workspace, place, name=name, limit=limit, more=more, by=principal.name, interrupt=interrupt
        )

    @check_within("no agent, and who pays or administers: `_require_person`")
    async def remove(self, principal: Principal, scope: str, *, unit: Unit, period: Period) -> None:
        """Remove one. Raises `NotPermitted`, `BadRequest`, `NotFound` (BUDGET_NOT_FOUND)."""
        _require_person(principal)
        place, _ = await self._place(principal, scope, unit=unit, period=period)
        if not await self._records.remove(principal.workspace, place):
            raise NotFound("there is no such budget", code="BUDGET_NOT_FOUND")

    @check_within("who sees the workspace, or pays for it")
    async def all(self, principal: Principal) -> list[Budget]:
        """Those of the workspace; whoever pays and sees no sessions sees none of theirs. Raises `NotPermitted`."""
        if Permission.BILL not in principal.permissions:
            principal.require(Permission.READ_WORKSPACE)
        found = await self._records.budgets(principal.workspace)
        if Permission.READ not in principal.permissions:
            return [each for each in found if each.place.scope in _OF_NO_SESSION]
        hidden = {f"session:{each}" for each in principal.hidden}
        return [each for each in found if str(each.place).partition(" ")[0] not in hidden]

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
            if agent.behind is not None and agent.behind.member is not None and agent.id == principal.agent:
                paying.add(f"person:{agent.behind.member}")
            above = agent.spawner_id
        found = await self._records.budgets(principal.workspace)
        return [each for each in found if str(each.place).partition(" ")[0] in paying]

    @open_to_all("an agent answers for those that it spawned, out of its own budget: the script decides")
    async def answer_raise(self, principal: Principal, child: str, *, unit: Unit, allow: bool) -> Budget:
        """Say as a lead whether an agent below it may spend as much again, out of what is left of its own budget.

        Raises `NotPermitted`, `NotFound`, `Conflict` (NOTHING_ASKED).
        """
        if principal.agent is None or principal.session is None:
            raise NotPermitted("agents answer so for those that they spawned; people answer the approval")
        agent = await self._registry.agent_named(principal.workspace, principal.session, child)
        asking = [each for each in await self._records.budgets(principal.workspace) if each.asks is not None]
        of_child = (each.place for each in asking if each.place.of == agent.id and each.place.scope in _OF_AGENTS)
        place = next((each for each in of_child if each.unit is unit), None)
        if place is None:
            raise Conflict(
                f"{agent.name} has no budget of {unit} that asks to be raised",
                code="NOTHING_ASKED",
            )
        return await self._records.answer_raise(
            principal.workspace, place, lead=principal.agent, name=principal.name, allow=allow
        )

    async def _place(self, principal: Principal, scope: str, *, unit: Unit, period: Period) -> tuple[BudgetPlace, str]:
        """The place, and what people call it."""
        word, _, reference = scope.partition(":")
        if word not in set(BudgetScope) or bool(reference) is (word == BudgetScope.WORKSPACE):
            raise BadRequest(
                f"{scope[:80]!r}: workspace, session:NAME, agent:SESSION/NAME, tree:SESSION/NAME or person:NAME"
            )
        kind = BudgetScope(word)
        if kind is BudgetScope.WORKSPACE:
            return BudgetPlace(scope=kind, unit=unit, period=period), ""
        if kind is BudgetScope.PERSON:
            member = await self._members.find_by_name(principal.workspace, reference)
            if member is None:
                raise NotFound(f"there is no member called {reference[:80]!r}", code="MEMBER_NOT_FOUND")
            return BudgetPlace(scope=kind, of=member.id, unit=unit, period=period), member.name
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
    principal.require(Permission.BILL)
