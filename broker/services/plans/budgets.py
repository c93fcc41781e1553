"""Budgets: who sets, sees and follows them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import replace

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.errors import BadRequest, Conflict, NotFound, NotPermitted
from broker.domain.ids import SessionId
from broker.domain.people.access import Permission, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.budgets import (
    OF_NO_SESSION,
    Budget,
    BudgetPlace,
    BudgetScope,
    Period,
    Unit,
    check_interrupt,
    check_period,
    count_amount,
)
from broker.domain.plans.pauses import Pause
from broker.services.agents.sessions import Sessions
from broker.services.permissions import check_within, open_to_all
from broker.services.ports import BudgetRecords, MemberRecords, Registry, Signals

_OF_AGENTS = {BudgetScope.AGENT, BudgetScope.TREE}
_PACE_S = 1.0
"""Between two times that followers are told how budgets stand: turns that run change them all the time."""
_REFRESH_S = 60.0
"""Nothing is said when a day is over, nor as minutes pass."""


class Budgets:
    """Use cases around budgets."""

    def __init__(
        self,
        records: BudgetRecords,
        sessions: Sessions,
        registry: Registry,
        *,
        members: MemberRecords,
        signals: Signals,
        pace_s: float = _PACE_S,
    ) -> None:
        self._records = records
        self._signals = signals
        self._pace_s = pace_s
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
        place, name, session = await self._place(principal, scope, unit=unit, period=period)
        return await self._records.set(
            principal.workspace,
            place,
            name=name,
            limit=count_amount(unit, amount),
            more=more,
            by=principal.name,
            interrupt=interrupt,
            session=session,
        )

    @check_within("no agent, and who pays or administers: `_require_person`")
    async def remove(self, principal: Principal, scope: str, *, unit: Unit, period: Period) -> None:
        """Remove one. Raises `NotPermitted`, `BadRequest`, `NotFound` (BUDGET_NOT_FOUND)."""
        _require_person(principal)
        place, *_ = await self._place(principal, scope, unit=unit, period=period)
        if not await self._records.remove(principal.workspace, place):
            raise NotFound("there is no such budget", code="BUDGET_NOT_FOUND")

    @check_within("who sees the workspace, or pays for it")
    async def all(self, principal: Principal) -> list[Budget]:
        """Those of the workspace; whoever pays and sees no sessions sees none of theirs. Raises `NotPermitted`."""
        require_budgets(principal)
        return seen_by(principal, await self._records.budgets(principal.workspace))

    @check_within("as `all`")
    async def pauses(self, principal: Principal) -> list[tuple[Pause, bool | None]]:
        """What budgets and limits have made wait, the latest first, each with whether it is over, where that is known.

        As far as the caller sees the session; who pays and sees none is told nothing of where. Raises `NotPermitted`.
        """
        require_budgets(principal)
        found, now_ms = await self._records.pauses(principal.workspace)
        return await self._with_ends(principal, _seen_pauses(principal, found), now_ms=now_ms)

    @check_within("who may read, and sees the session: `_require_in`")
    async def pauses_in(self, principal: Principal, session: Session) -> list[tuple[Pause, bool | None]]:
        """The same of one session: what was noticed there, as its log says too, and for who sees the workspace what was
        over all of it.

        Of what was noticed in a session that the caller does not see, it is not told where. Raises `NotPermitted`,
        `NotFound`.
        """
        _require_in(principal, session.id)
        found, now_ms = await self._records.pauses_of(principal.workspace, session.id)
        there = [each for each in _told_in(principal, session.id, found) if each.was_in(session)]
        return await self._with_ends(principal, there, now_ms=now_ms)

    @check_within("as `pauses_in`")
    async def pauses_over(self, principal: Principal, agent: Agent) -> list[tuple[Pause, bool | None]]:
        """The same of one agent: what it has spent the rest of, and what it has waited for because others had.

        Raises `NotPermitted`, `NotFound`.
        """
        _require_in(principal, agent.session_id)
        found, now_ms = await self._records.pauses_of(principal.workspace, agent.session_id, agent.id)
        paid_from = {each.place for each in await self._records.paying_for(principal.workspace, agent.id)}
        told = _told_in(principal, agent.session_id, found)
        over = [each for each in told if each.was_over(agent, paid_from=paid_from)]
        return await self._with_ends(principal, over, now_ms=now_ms)

    async def _with_ends(
        self, principal: Principal, pauses: Sequence[Pause], *, now_ms: int
    ) -> list[tuple[Pause, bool | None]]:
        spent = {each.place for each in await self._records.budgets(principal.workspace) if each.is_spent}
        return [(each, each.is_over(spent=spent, now_ms=now_ms)) for each in pauses]

    @check_within("`all`, which it asks again each time")
    async def follow(self, principal: Principal) -> AsyncGenerator[list[Budget], None]:
        """The same now and whenever it is another. Raises `NotPermitted`, `Unavailable`."""
        changed = asyncio.Event()
        stop = await self._signals.budgets(principal.workspace, lambda _: changed.set())
        known: list[Budget] | None = None
        try:
            while True:
                changed.clear()
                found = await self.all(principal)
                if found != known:
                    known = found
                    yield found
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_REFRESH_S):
                        await changed.wait()
                await asyncio.sleep(self._pace_s)
        finally:
            await stop()

    @open_to_all("an agent sees what it is paid from itself")
    async def own(self, principal: Principal) -> list[Budget]:
        """What the calling agent is paid from; nothing for others."""
        if principal.agent is None:
            return []
        return list(await self._records.paying_for(principal.workspace, principal.agent))

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

    async def _place(
        self, principal: Principal, scope: str, *, unit: Unit, period: Period
    ) -> tuple[BudgetPlace, str, SessionId | None]:
        """The place, what people call it, and the session that it is of, or its agent is in."""
        word, _, reference = scope.partition(":")
        if word not in set(BudgetScope) or bool(reference) is (word == BudgetScope.WORKSPACE):
            raise BadRequest(
                f"{scope[:80]!r}: workspace, session:NAME, agent:SESSION/NAME, tree:SESSION/NAME or person:NAME"
            )
        kind = BudgetScope(word)
        check_period(kind, period)
        if kind is BudgetScope.WORKSPACE:
            return BudgetPlace(scope=kind, unit=unit, period=period), "", None
        if kind is BudgetScope.PERSON:
            member = await self._members.find_by_name(principal.workspace, reference)
            if member is None:
                raise NotFound(f"there is no member called {reference[:80]!r}", code="MEMBER_NOT_FOUND")
            return BudgetPlace(scope=kind, of=member.id, unit=unit, period=period), member.name, None
        name, _, agent_name = reference.partition("/")
        if bool(agent_name) is not (kind in _OF_AGENTS):
            raise BadRequest(f"{scope[:80]!r}: {kind} is named as {_form(kind)}")
        session = await self._sessions.get(principal, name)
        if kind is BudgetScope.SESSION:
            return BudgetPlace(scope=kind, of=session.id, unit=unit, period=period), session.name, session.id
        agent = await self._registry.agent_named(principal.workspace, session.id, agent_name)
        place = BudgetPlace(scope=kind, of=agent.id, unit=unit, period=period)
        return place, f"{session.name}/{agent.name}", session.id


def require_budgets(principal: Principal) -> None:
    """Whoever sees the workspace, or pays for it. Raises `NotPermitted`."""
    if Permission.BILL not in principal.permissions:
        principal.require(Permission.READ_WORKSPACE)


def seen_by(principal: Principal, budgets: Iterable[Budget]) -> list[Budget]:
    """Those that say nothing of a session which the caller does not see; who pays may see none at all."""
    if Permission.READ not in principal.permissions:
        return [each for each in budgets if each.is_of_no_session]
    return [each for each in budgets if each.is_of_no_session or _sees(principal, each.session)]


def _seen_pauses(principal: Principal, pauses: Iterable[Pause]) -> list[Pause]:
    if Permission.READ in principal.permissions:
        return [each for each in pauses if _sees(principal, each.session)]
    return [
        replace(each, session=None, agent=None, agent_name="")
        for each in pauses
        if each.budget is None or each.budget.scope in OF_NO_SESSION
    ]


def _require_in(principal: Principal, session: SessionId) -> None:
    principal.require(Permission.READ)
    if not principal.sees(session):
        raise NotFound("no such session", code="SESSION_NOT_FOUND")


def _told_in(principal: Principal, session: SessionId, pauses: Iterable[Pause]) -> Iterator[Pause]:
    """What was noticed elsewhere only who sees the workspace is told, and not from where unless they see that too."""
    for each in pauses:
        if each.session == session:
            yield each
        elif Permission.READ_WORKSPACE in principal.permissions:
            is_seen = each.session is None or principal.sees(each.session)
            yield each if is_seen else replace(each, session=None, agent=None, agent_name="")


def _sees(principal: Principal, session: SessionId | None) -> bool:
    """Of an agent's that was set before its session was written down, only who sees all sessions knows."""
    return not principal.hidden if session is None else principal.sees(session)


def _form(kind: BudgetScope) -> str:
    return f"{kind}:SESSION/NAME" if kind in _OF_AGENTS else f"{kind}:NAME"


def _require_person(principal: Principal) -> None:
    if principal.kind is TokenKind.AGENT:
        raise NotPermitted("an agent may not change budgets; it may ask a person to")
    principal.require(Permission.BILL)
