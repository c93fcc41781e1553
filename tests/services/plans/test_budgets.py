"""Budgets: who sets and sees them, and how they are named."""

import pytest

from broker.domain.errors import BadRequest, NotFound, NotPermitted
from broker.domain.people.access import TokenKind
from broker.domain.plans.budgets import BudgetPlace, BudgetScope, Period, Unit, counted, parse_place
from broker.services.agents.sessions import Sessions
from broker.services.plans.budgets import Budgets
from tests.fixtures.desk import Desk, a_person


def budgets(desk: Desk) -> Budgets:
    adapters = desk.adapters
    return Budgets(adapters.budgets, Sessions(adapters.registry, adapters.log), adapters.registry)


async def test_an_agent_sees_what_it_is_paid_from_and_changes_nothing(desk: Desk) -> None:
    lead = await desk.idle("Lead")
    child = await desk.idle("Child", by=desk.acting_as(lead))
    service = budgets(desk)
    for scope in ("workspace", "session:main", "tree:main/Lead", "agent:main/Lead"):
        await service.set(desk.person(), scope, unit=Unit.TOKENS, period=Period.DAY, amount=10)
    own = await service.own(desk.acting_as(child))
    assert {each.place.scope for each in own} == {BudgetScope.WORKSPACE, BudgetScope.SESSION, BudgetScope.TREE}
    assert {each.name for each in own} == {"", "main", "main/Lead"}
    with pytest.raises(NotPermitted, match="ask a person"):
        await service.set(desk.acting_as(lead), "workspace", unit=Unit.TOKENS, period=Period.DAY, amount=99)
    with pytest.raises(NotPermitted):
        await service.set(
            a_person(desk.workspace, kind=TokenKind.OBSERVER), "workspace", unit=Unit.USD, period=Period.DAY, amount=1
        )


@pytest.mark.parametrize("scope", ["", "workspace:x", "session", "session:main/Lead", "agent:main", "planet:x"])
async def test_a_scope_that_names_nothing_is_refused(desk: Desk, scope: str) -> None:
    with pytest.raises(BadRequest):
        await budgets(desk).set(desk.person(), scope, unit=Unit.USD, period=Period.DAY, amount=1)


async def test_what_is_not_there_has_no_budget(desk: Desk) -> None:
    service = budgets(desk)
    for scope in ("session:nope", "agent:main/Nobody"):
        with pytest.raises(NotFound):
            await service.set(desk.person(), scope, unit=Unit.USD, period=Period.DAY, amount=1)
    with pytest.raises(NotFound, match="no such budget"):
        await service.remove(desk.person(), "workspace", unit=Unit.USD, period=Period.DAY)


def test_a_place_is_read_as_it_is_written_and_amounts_are_whole_numbers() -> None:
    for scope, of in ((BudgetScope.WORKSPACE, ""), (BudgetScope.TREE, "a1")):
        place = BudgetPlace(scope=scope, of=of, unit=Unit.USD, period=Period.MONTH)
        assert parse_place(str(place)) == place
    assert counted(Unit.USD, 0.1) == 100_000
    assert counted(Unit.MINUTES, 1.5) == 90_000
    for wrong in (0, -1, 1e18, 1e-9):
        with pytest.raises(BadRequest):
            counted(Unit.USD, wrong)
