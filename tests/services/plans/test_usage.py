"""Today's messages against the plan."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from broker.domain.errors import NotPermitted, PlanLimitReached
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import BUILT_IN, Plan
from broker.services.plans.usage import UsageMeter
from tests.fixtures.desk import Desk, a_person


async def test_messages_count_when_they_are_accepted(desk: Desk) -> None:
    meter = UsageMeter(None, desk.adapters.mailroom)
    before = datetime.now(UTC)
    assert (await meter.messages_today(desk.person())).count == 0
    await desk.idle("Worker")
    await desk.send("Worker")
    today = await meter.messages_today(desk.person())
    assert (today.count, today.limit) == (1, None)
    assert before < today.resets_at <= datetime.now(UTC) + timedelta(days=1)


async def test_the_limit_told_is_the_one_that_is_kept(desk: Desk) -> None:
    desk.plan = Plan.FREE
    await desk.idle("Worker")
    with pytest.raises(PlanLimitReached):
        while True:
            await desk.send("Worker")
    today = await UsageMeter(None, desk.adapters.mailroom).messages_today(desk.person())
    assert today.count == today.limit == BUILT_IN.limits(Plan.FREE).messages_per_day


async def test_the_day_is_utcs_wherever_the_clock_stands(desk: Desk) -> None:
    late = datetime(2026, 3, 31, 1, 30, tzinfo=timezone(timedelta(hours=5)))
    today = await UsageMeter(None, desk.adapters.mailroom, now=lambda: late).messages_today(desk.person())
    assert today.resets_at == datetime(2026, 3, 31, tzinfo=UTC)


async def test_who_may_not_see_usage_is_not_told(desk: Desk) -> None:
    observer = a_person(desk.workspace, kind=TokenKind.OBSERVER)
    with pytest.raises(NotPermitted):
        await UsageMeter(None, desk.adapters.mailroom).messages_today(observer)


async def test_without_a_log_store_nobody_says_what_the_month_costs(desk: Desk) -> None:
    assert await UsageMeter(None, desk.adapters.mailroom).month(desk.person()) is None
