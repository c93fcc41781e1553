"""Limits of plans: exact over all gateways, told in time, and no end of what is there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters, build_adapters
from broker.domain.errors import PlanLimitReached
from broker.domain.ids import MemberId, WorkspaceId
from broker.domain.people.access import MemberRole
from broker.domain.people.members import Member
from broker.domain.plans.plans import BUILT_IN, Limit, Plan
from tests.fixtures.desk import Desk, open_desk

SENDERS = 50


@asynccontextmanager
async def another_gateway(desk: Desk, redis_url: str) -> AsyncIterator[Desk]:
    """The same desk through the connections of another process."""
    other = build_adapters(redis_url)
    async with aclosing(other.redis):
        twin = Desk(adapters=other, workspace=desk.workspace, plan=desk.plan, link=desk.link)
        twin.session = desk.session
        yield twin


async def send_all(gateways: list[Desk], count: int) -> int:
    """How many of so many messages each of the senders, spread over the gateways, gets through."""

    async def sender(number: int) -> int:
        accepted = 0
        for _ in range(count):
            try:
                await gateways[number % len(gateways)].send("Worker")
                accepted += 1
            except PlanLimitReached:
                pass
        return accepted

    return sum(await asyncio.gather(*(sender(number) for number in range(SENDERS))))


async def warnings(desk: Desk) -> list[dict[str, Any]]:
    return [event["data"] for event in await desk.events("plan.warning")]


async def test_a_hundred_are_a_hundred_with_fifty_senders_over_two_gateways(
    adapters: Adapters, workspace: WorkspaceId, redis_url: str
) -> None:
    desk = await open_desk(adapters, workspace, plan=Plan.FREE)
    await desk.idle("Worker")
    async with another_gateway(desk, redis_url) as other:
        assert await send_all([desk, other], 4) == 100
    assert len(await desk.events("message.accepted")) == 100


async def test_a_hundred_on_each_side_of_midnight(adapters: Adapters, workspace: WorkspaceId, redis_url: str) -> None:
    """The store's clock is nobody's to set: what was counted is made yesterday's while all of them are sending."""
    desk = await open_desk(adapters, workspace, plan=Plan.FREE)
    await desk.idle("Worker")
    now = datetime.now(UTC)
    today, yesterday = (keys.key(workspace, "usage", day.date().isoformat()) for day in (now, now - timedelta(days=1)))
    half_way = asyncio.Event()

    async def midnight() -> None:
        await half_way.wait()
        await adapters.redis.eval("return redis.call('RENAME', KEYS[1], ARGV[1])", 1, today, yesterday)

    async def first_half() -> int:
        accepted = await send_all([desk, other], 1)
        half_way.set()
        return accepted + await send_all([desk, other], 5)

    async with another_gateway(desk, redis_url) as other:
        accepted, _ = await asyncio.gather(first_half(), midnight())
    counted = [int(await adapters.redis.hget(day, "messages") or 0) for day in (yesterday, today)]
    assert counted[0] <= 100
    assert counted[1] == 100
    assert accepted == sum(counted) == len(await desk.events("message.accepted"))


async def test_a_limit_that_is_near_and_one_that_is_reached_are_told_once_each(
    adapters: Adapters, workspace: WorkspaceId
) -> None:
    desk = await open_desk(adapters, workspace, plan=Plan.FREE)
    await desk.idle("Worker")
    for _ in range(79):
        await desk.send("Worker")
    [agents] = await warnings(desk)
    assert (agents["what"], agents["percent"], agents["used"], agents["limit"]) == ("agents", 100, 1, 1)
    await send_all([desk], 1)
    near, reached = (await warnings(desk))[1:]
    assert (near["what"], near["percent"], near["used"], near["limit"]) == ("messages_per_day", 80, 80, 100)
    assert (reached["percent"], reached["used"], reached["plan"]) == (100, 100, "free")
    assert near["text"] == "80 of the 100 messages a day of the plan free are used; they begin anew at 00:00 UTC"
    assert reached["resets_at_ms"] % 86_400_000 == 0


async def test_the_days_of_the_scripts_are_the_calendars(adapters: Adapters, workspace: WorkspaceId) -> None:
    desk = await open_desk(adapters, workspace)
    await desk.idle("Worker")
    before = datetime.now(UTC).date()
    await desk.send("Worker")
    counted = [await adapters.mailroom.messages_on(workspace, day) for day in {before, datetime.now(UTC).date()}]
    assert sum(counted) == 1


async def test_one_agent_is_one_however_many_ask(adapters: Adapters, workspace: WorkspaceId) -> None:
    desk = await open_desk(adapters, workspace, plan=Plan.FREE)
    results = await asyncio.gather(*(desk.spawn(f"Agent{n}") for n in range(10)), return_exceptions=True)
    refused = [each for each in results if isinstance(each, PlanLimitReached)]
    assert len(refused) == 9
    assert refused[0].message == BUILT_IN.refusal(Plan.FREE, Limit.AGENTS).message


async def test_people_beyond_a_smaller_plan_stay_and_no_more_come(adapters: Adapters, workspace: WorkspaceId) -> None:
    def person(name: str) -> Member:
        return Member(id=MemberId(name.lower()), name=name, role=MemberRole.MEMBER, generation=1, created_at_ms=0)

    for name in ("Ada", "Bob"):
        await adapters.members.add(workspace, person(name), by=None, plan=Plan.TEAM)
    with pytest.raises(PlanLimitReached, match="allows 1 person"):
        await adapters.members.add(workspace, person("Cid"), by=None, plan=Plan.FREE)
    assert await adapters.members.count(workspace) == 2
