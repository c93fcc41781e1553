"""Where a workspace stands against its plan, and what a smaller one leaves as it is."""

import pytest

from broker.domain.errors import NotPermitted, PlanLimitReached
from broker.domain.people.access import TokenKind
from broker.domain.plans.plans import Limit, Plan
from broker.services.hooks.definitions import Hooks
from broker.services.plans.standing import Plans
from broker.services.plans.usage import UsageMeter
from tests.fixtures.desk import Desk, a_person


def plans(desk: Desk) -> Plans:
    return Plans(desk.adapters.pressure, UsageMeter(None, desk.adapters.mailroom))


async def test_what_is_used_stands_beside_what_the_plan_allows_and_what_is_over(desk: Desk) -> None:
    for name in ("One", "Two"):
        await desk.idle(name)
    await desk.send("One")
    desk.plan = Plan.FREE
    standing = await plans(desk).standing(desk.person())
    found = {each.what: (each.used, each.limit, each.over) for each in standing.limits}
    assert found == {Limit.AGENTS: (2, 1, 1), Limit.MESSAGES: (1, 100, 0), Limit.MEMBERS: (0, 1, 0)}
    with pytest.raises(PlanLimitReached):
        await desk.spawn("Three")
    assert len(await desk.adapters.redis.smembers(f"rc:{{{desk.workspace}}}:live")) == 2


async def test_who_may_not_see_usage_is_not_told(desk: Desk) -> None:
    with pytest.raises(NotPermitted):
        await plans(desk).standing(a_person(desk.workspace, kind=TokenKind.OBSERVER))


async def test_a_plan_without_hooks_takes_none(desk: Desk) -> None:
    desk.plan = Plan.FREE
    with pytest.raises(PlanLimitReached, match="the plan free has no hooks: change to the plan pro, which has them"):
        await Hooks(desk.adapters.hooks, desk.adapters.deliveries, desk.adapters.secrets).apply(
            desk.person(), "hooks: {}"
        )
