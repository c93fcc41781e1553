"""Usage that Stripe is told of: every unit once, whatever is repeated, lost or killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters, build_adapters
from broker.domain.errors import Unavailable
from broker.domain.ids import MessageId, WorkspaceId
from broker.domain.plans.billing import SURE_MS, UsagePart
from broker.domain.plans.plans import Meter, Plan
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.stripe_double.server import StripeDouble, stripe_double
from tests.services.plans.test_billing import Account, Tenant, an_account

SENDERS, EACH = 50, 20


@pytest.fixture
async def account(adapters: Adapters) -> AsyncIterator[Account]:
    seconds, _ = await adapters.redis.time()
    async with stripe_double(now=seconds) as double:
        made, client = an_account(adapters, double)
        yield made
        await client.close()


async def subscribed(account: Account) -> tuple[Tenant, Desk]:
    acme = await account.workspace()
    await acme.subscribe(Plan.PRO)
    desk = await open_desk(account.adapters, acme.id, plan=Plan.PRO)
    await desk.idle("Worker")
    return acme, desk


def known(double: StripeDouble, meter: Meter = Meter.MESSAGES) -> int:
    """Stripe's total."""
    return sum(
        int(each["payload"]["value"])
        for each in double.ledger.meter_events
        if each["event_name"] == f"relaycast_{meter}"
    )


async def test_what_was_accepted_is_what_stripe_knows_whatever_is_repeated_and_lost(
    account: Account, redis_url: str
) -> None:
    """Two gateways, each message sent twice; two workers that report at once and lose answers all the time."""
    acme, desk = await subscribed(account)
    other = build_adapters(redis_url)
    twin = Desk(adapters=other, workspace=desk.workspace, plan=desk.plan, link=desk.link)
    twin.session = desk.session
    second, client = an_account(other, account.double)
    done = asyncio.Event()

    async def sender(number: int) -> None:
        for count in range(EACH):
            id_ = MessageId(str(uuid4()))
            await (desk, twin)[number % 2].send("Worker", f"{number} {count}", id_=id_)
            await (desk, twin)[(number + 1) % 2].send("Worker", f"{number} {count}", id_=id_)

    async def worker(at: Account) -> None:
        while not done.is_set():
            account.double.broken = 2
            try:
                await at.keeper.report(acme.id)
            except Unavailable:
                continue

    async with aclosing(other.redis):
        workers = [asyncio.create_task(worker(each)) for each in (account, second, account)]
        # A worker that is cancelled between any two lines is one that was killed.
        for number in range(0, SENDERS, 10):
            await asyncio.gather(*(sender(number + each) for each in range(10)))
            workers[0].cancel()
            await asyncio.gather(workers[0], return_exceptions=True)
            workers = [*workers[1:], asyncio.create_task(worker(account))]
        done.set()
        await asyncio.gather(*workers)
        account.double.broken = 0
        # First what was put aside and whose answer was lost, then what has come since.
        while await account.keeper.report(acme.id):
            pass
    await client.close()
    accepted = await account.adapters.mailroom.messages_on(acme.id, datetime.now(UTC).date())
    assert accepted == SENDERS * EACH
    assert known(account.double) == accepted
    assert await account.keeper.differences(acme.id) == []


async def test_a_part_that_was_put_aside_is_sent_as_it_was_though_more_has_come(account: Account) -> None:
    acme, desk = await subscribed(account)
    await desk.send("Worker")
    today = datetime.now(UTC).date()
    (part,) = await account.adapters.billing.claim(acme.id, [today])
    await account.provider.report(acme.id, acme.customer, part)  # and whoever did it died
    await desk.send("Worker")
    assert list(await account.adapters.billing.claim(acme.id, [today])) == [part]
    assert await account.keeper.report(acme.id) == 1
    assert known(account.double) == 1
    assert await account.keeper.report(acme.id) == 1
    assert known(account.double) == 2
    assert await account.keeper.report(acme.id) == 0


@pytest.mark.parametrize("was_sent", [True, False])
async def test_what_lay_for_longer_than_stripe_knows_identifiers_is_asked_for_first(
    account: Account, was_sent: bool
) -> None:
    acme, desk = await subscribed(account)
    await desk.send("Worker")
    (part,) = await account.adapters.billing.claim(acme.id, [datetime.now(UTC).date()])
    if was_sent:
        await account.provider.report(acme.id, acme.customer, part)
        account.double.ledger.meter_events[-1]["identifier"] = "forgotten"
    sent = keys.key(acme.id, "usage_sent", part.day.isoformat())
    old = f'{{"first":0,"last":1,"at_ms":{part.claimed_ms - SURE_MS - 1}}}'
    await account.adapters.redis.hset(sent, "messages:part", old)
    await account.keeper.report(acme.id)
    assert known(account.double) == 1


async def test_what_was_used_before_there_was_a_customer_is_not_reported(account: Account) -> None:
    acme = await account.workspace()
    desk = await open_desk(account.adapters, acme.id, plan=Plan.PRO)
    await desk.idle("Worker")
    await desk.send("Worker")
    await acme.subscribe(Plan.PRO)
    assert await account.keeper.report(acme.id) == 0
    await desk.send("Worker")
    await account.keeper.report(acme.id)
    assert known(account.double) == 1
    assert await account.keeper.differences(acme.id) == []


async def test_minutes_of_an_agent_that_ends_late_are_of_the_days_it_ran_on(account: Account) -> None:
    acme, _ = await subscribed(account)
    now = datetime.now(UTC)
    yesterday = now.date() - timedelta(days=1)
    billing = keys.key(acme.id, "billing")
    await account.adapters.redis.hset(billing, "since", str(int((now - timedelta(days=3)).timestamp() * 1000)))
    await account.adapters.redis.hset(keys.key(acme.id, "usage", yesterday.isoformat()), "agent_ms", "60001")
    assert await account.keeper.report(acme.id) == 1
    (event,) = account.double.ledger.meter_events
    assert (event["event_name"], event["payload"]["value"]) == ("relaycast_agent_minutes", "2")
    assert datetime.fromtimestamp(event["timestamp"], UTC).date() == yesterday


async def test_a_sum_that_is_not_what_was_told_is_shown(account: Account) -> None:
    acme, desk = await subscribed(account)
    await desk.send("Worker")
    await account.keeper.report(acme.id)
    account.double.ledger.meter_events.clear()
    (difference,) = await account.keeper.differences(acme.id)
    assert (difference.meter, difference.told, difference.known) == (Meter.MESSAGES, 1, 0)


def test_parts_of_other_workspaces_days_meters_and_numbers_are_others() -> None:
    part = UsagePart(day=datetime(2026, 1, 31, tzinfo=UTC).date(), meter=Meter.MESSAGES, first=1, last=3, claimed_ms=0)
    changed = [replace(part, first=2), replace(part, last=4), replace(part, meter=Meter.HOOK_RUNS)]
    a, b = WorkspaceId("a"), WorkspaceId("b" * 64)
    names = {each.identifier(a) for each in (part, *changed)} | {part.identifier(b)}
    assert len(names) == 5
    assert max(map(len, names)) <= 100
    assert replace(part, claimed_ms=5).identifier(a) == part.identifier(a)
