"""Meters of a workspace: what was counted, and the same counted again from the log."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from broker.domain.errors import BadRequest, NotPermitted
from broker.domain.logs.meters import Counted
from broker.domain.people.token_kinds import TokenKind
from broker.services.plans.metering import Metering, Reconciliation
from tests.adapters.redis.messages.test_mailroom import new_id
from tests.fixtures.desk import Desk, a_person


def metering(desk: Desk) -> Metering:
    return Metering(desk.adapters.meters, desk.adapters.log, desk.adapters.registry)


def lately() -> dict[str, date]:
    """Yesterday until tomorrow: midnight may pass."""
    today = datetime.now(UTC).date()
    return {"since": today - timedelta(days=1), "until": today + timedelta(days=1)}


async def reconciled(desk: Desk) -> Reconciliation:
    return await metering(desk).reconcile(desk.person(), **lately())


async def test_what_is_counted_is_what_the_log_says_however_often_it_was_asked(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    wanted = new_id()
    await asyncio.gather(*(desk.send("Worker", "x", id_=wanted) for _ in range(20)))
    await desk.send("Worker")
    await desk.adapters.mailroom.release(desk.workspace, worker.id, by="operator")
    await desk.exited(worker, expected=True)
    await desk.adapters.mailroom.resume(desk.workspace, desk.session.id, worker.id, by="operator", plan=desk.plan)
    await desk.exited(await desk.agent(worker.id), reason="spawn_failed")
    found = await reconciled(desk)
    assert (found.differences, found.incomplete, found.sessions, found.removed) == ((), (), 1, 0)
    lines = {(each.agent, each.counted): each.number for each in found.lines}
    assert lines["operator", Counted.MESSAGES] == 2
    days = await metering(desk).days(desk.person(), **lately())
    assert sum(each.messages for each in days) == 2
    assert sum(each.agent_minutes for each in days) >= 1


async def test_a_counter_that_is_not_what_the_log_says_is_shown(desk: Desk) -> None:
    await desk.idle("Worker")
    await desk.send("Worker")
    [day] = [each.day for each in await metering(desk).days(desk.person(), **lately()) if each.messages]
    await desk.adapters.redis.hset(f"rc:{{{desk.workspace}}}:usage:{day}", "messages", "5")
    [difference] = (await reconciled(desk)).differences
    assert (difference.day, difference.counted, difference.counter, difference.log) == (day, Counted.MESSAGES, 5, 1)


async def test_the_time_of_an_agent_that_runs_counts_until_now(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    spawned = int(datetime.now(UTC).timestamp() * 1000) - 150_000
    await desk.adapters.redis.hset(f"rc:{{{desk.workspace}}}:a:{agent.id}", "runs_since", str(spawned))
    days = await metering(desk).days(desk.person(), **lately())
    assert sum(each.agent_minutes for each in days) in {3, 4}  # 4: midnight was in between


async def test_periods_without_counters_and_callers_without_the_right_are_refused(desk: Desk) -> None:
    today = datetime.now(UTC).date()
    with pytest.raises(BadRequest, match="1 to 40 days"):
        await metering(desk).days(desk.person(), since=today - timedelta(days=40), until=today)
    with pytest.raises(NotPermitted):
        await metering(desk).reconcile(a_person(desk.workspace, kind=TokenKind.OBSERVER), **lately())
