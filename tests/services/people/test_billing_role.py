"""The role of who pays: plan, invoices, usage and budgets, and nothing of any session."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from broker.app import Adapters
from broker.domain.errors import NotFound, NotPermitted
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import MemberRole, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.budgets import BudgetScope, Period, Unit
from tests.fixtures.desk import Desk
from tests.fixtures.house import House, a_house
from tests.services.live.test_activity import running_bus


@pytest.fixture
async def house(adapters: Adapters, desk: Desk) -> House:
    """With a session and an agent in it."""
    made = await a_house(adapters, desk.workspace)
    await desk.idle("Bob")
    return made


@pytest.fixture
async def payer(house: House) -> Principal:
    return await house.person("Petra", MemberRole.BILLING)


async def test_who_pays_meets_no_session_as_if_there_were_none(house: House, payer: Principal, desk: Desk) -> None:
    sessions = house.services.sessions
    for reference in (desk.session.id, desk.session.name, "nothing"):
        with pytest.raises(NotFound) as refused:
            await sessions.get(payer, reference)
        assert refused.value.message == f"no session {reference!r}" or reference != "nothing"
    for look in (sessions.visible(payer), sessions.look_up(payer, desk.session.id), sessions.proxies(payer)):
        with pytest.raises(NotPermitted):
            await look


async def test_who_pays_sees_and_changes_the_budgets_that_are_of_no_session(
    house: House, payer: Principal, desk: Desk
) -> None:
    budgets = house.services.budgets
    for scope in ("workspace", "person:Petra"):
        await budgets.set(payer, scope, unit=Unit.TOKENS, period=Period.DAY, amount=1000)
    for scope in (f"session:{desk.session.name}", f"agent:{desk.session.name}/Bob"):
        await budgets.set(house.key, scope, unit=Unit.TOKENS, period=Period.DAY, amount=1000)
        with pytest.raises(NotFound):
            await budgets.set(payer, scope, unit=Unit.TOKENS, period=Period.DAY, amount=1)
    assert {each.place.scope for each in await budgets.all(payer)} == {BudgetScope.WORKSPACE, BudgetScope.PERSON}
    assert len(await budgets.all(house.key)) == 4


async def test_who_pays_hears_that_messages_were_counted_and_nothing_of_them(
    house: House, payer: Principal, desk: Desk
) -> None:
    services = house.services
    async with running_bus(desk), asyncio.timeout(10), aclosing(services.activity.follow_counted(payer)) as words:
        await anext(words)
        coming = asyncio.ensure_future(anext(words))
        await services.router.send(house.key, desk.session, to="Bob", text="hello")
        await coming
    assert (await services.meter.messages_today(payer)).count == 1
    with pytest.raises(NotPermitted):
        await anext(services.activity.follow(payer))
    today = datetime.now(UTC).date()
    assert (await services.metering.reconcile(payer, since=today, until=today)).lines == ()


@pytest.mark.parametrize("role", [MemberRole.VIEWER, MemberRole.BILLING])
async def test_what_somebody_linked_ends_when_they_work_here_no_longer(
    house: House, workspace: WorkspaceId, role: MemberRole
) -> None:
    ada = await house.person("Ada", MemberRole.MEMBER)
    await house.services.members.set_role(house.key, ada.member or "", role)
    changed = await house.adapters.tokens.present(ada)
    assert changed.role is role
    with pytest.raises(NotPermitted):
        await house.services.access.mint(changed, kind=TokenKind.PROXY, name="laptop")
    person = await house.adapters.redis.hgetall(f"rc:{{{workspace}}}:p:{ada.member}")
    assert person["approvals_lost"] == "1"  # what they had allowed for good counts no more
