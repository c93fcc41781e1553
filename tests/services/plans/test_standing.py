"""Where a workspace stands against its plan, and what a smaller one leaves as it is."""

import pytest

from broker.domain.errors import NotPermitted, PlanLimitReached
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.beyond import Beyond, Held, list_beyond
from broker.domain.plans.plans import BUILT_IN, Limit, Plan
from broker.domain.plans.retention import Retention, Shortened
from broker.services.hooks.definitions import Hooks
from broker.services.plans.standing import Plans
from broker.services.plans.usage import UsageMeter
from tests.fixtures.desk import Desk, a_person

DAY_MS = 86_400_000


def plans(desk: Desk) -> Plans:
    adapters = desk.adapters
    meter = UsageMeter(None, adapters.mailroom)
    return Plans(adapters.pressure, meter, hooks=adapters.hooks, retention=adapters.retention)


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


async def test_what_a_smaller_plan_leaves_as_it_is_is_listed_with_what_becomes_of_it(desk: Desk) -> None:
    adapters, workspace = desk.adapters, desk.workspace
    await adapters.workspaces.create(workspace, name="w", plan=Plan.PRO)
    for name in ("One", "Two", "Three"):
        await desk.idle(name)
    hooks = Hooks(adapters.hooks, adapters.deliveries, adapters.secrets, adapters.registry)
    await hooks.apply(desk.person(), 'hooks: {"*": {on_turn_complete: {relay: One}, on_turn_failed: {relay: One}}}')
    assert (await plans(desk).standing(desk.person())).beyond == ()
    desk.plan = Plan.FREE
    await adapters.workspaces.set_plan(workspace, Plan.FREE)
    now = await adapters.retention.now_ms(workspace)
    found = {each.what: each for each in (await plans(desk).standing(desk.person())).beyond}
    assert {what: each.count for what, each in found.items()} == {Beyond.AGENTS: 2, Beyond.HOOKS: 2, Beyond.LOGS: None}
    logs = found[Beyond.LOGS]
    assert logs.safe_until_ms and logs.until_ms
    assert 0 <= now + 30 * DAY_MS - logs.safe_until_ms < 60_000
    assert logs.until_ms - logs.safe_until_ms == 60 * DAY_MS
    desk.plan = Plan.PRO
    await adapters.workspaces.set_plan(workspace, Plan.PRO)
    assert (await plans(desk).standing(desk.person())).beyond == ()


def test_logs_are_beyond_a_plan_until_the_last_has_expired() -> None:
    held = Held(
        agents=1,
        members=3,
        hooks=0,
        retention=Retention(plan_days=7, own_days=None, shortened=Shortened(at_ms=0, days_before=90)),
    )
    assert [each.what for each in list_beyond(BUILT_IN, Plan.FREE, held, now_ms=90 * DAY_MS - 1)] == [
        Beyond.MEMBERS,
        Beyond.LOGS,
    ]
    assert [each.what for each in list_beyond(BUILT_IN, Plan.FREE, held, now_ms=90 * DAY_MS)] == [Beyond.MEMBERS]


async def test_who_may_not_see_usage_is_not_told(desk: Desk) -> None:
    with pytest.raises(NotPermitted):
        await plans(desk).standing(a_person(desk.workspace, kind=TokenKind.OBSERVER))


async def test_a_plan_without_hooks_takes_none(desk: Desk) -> None:
    desk.plan = Plan.FREE
    with pytest.raises(PlanLimitReached, match="the plan free has no hooks: change to the plan pro, which has them"):
        await Hooks(desk.adapters.hooks, desk.adapters.deliveries, desk.adapters.secrets, desk.adapters.registry).apply(
            desk.person(), "hooks: {}"
        )
