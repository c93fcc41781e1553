"""Subscriptions against the double that Stripe's unmodified library talks to."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest

from broker.adapters.outbound.client import GuardedClient
from broker.adapters.stripe.provider import StripeAccount, StripeProvider
from broker.app import Adapters
from broker.domain.errors import BadRequest, Conflict, NotConfigured, NotFound, NotPermitted, PlanLimitReached
from broker.domain.ids import MemberId, WorkspaceId
from broker.domain.outbound.addresses import AddressPolicy
from broker.domain.people.access import MemberRole, Principal
from broker.domain.people.members import Member
from broker.domain.people.token_kinds import TokenKind
from broker.domain.people.workspaces import WorkspaceState
from broker.domain.plans.billing import Phase
from broker.domain.plans.plans import BUILT_IN, Meter, Metered, Plan, PlanTable
from broker.services.plans.billing import Billing, BillingState
from broker.services.plans.subscriptions import SubscriptionKeeper
from tests.fixtures.desk import a_person, open_desk
from tests.fixtures.stripe_double.server import KEY, WEBHOOK_SECRET, StripeDouble, stripe_double

DAY_S = 86_400
_METERS = {Meter.MESSAGES: Metered(included=5, per=8, cents=100)}
TABLE = replace(
    BUILT_IN,
    terms={
        plan: replace(terms, meters=_METERS if plan is not Plan.FREE else {}) for plan, terms in BUILT_IN.terms.items()
    },
    link="https://relay.example/usage",
)


@dataclass(slots=True, kw_only=True)
class Account:
    """The operator's account at Stripe, and a broker that uses it."""

    double: StripeDouble
    adapters: Adapters
    provider: StripeProvider
    keeper: SubscriptionKeeper
    billing: Billing

    async def workspace(self, *people: str) -> Tenant:
        """A customer of theirs, on the plan Free."""
        id_ = WorkspaceId(f"test-{uuid4().hex}")
        await self.adapters.workspaces.create(id_, name="Acme", plan=Plan.FREE)
        tenant = Tenant(account=self, id=id_)
        for name in people or ("Ada",):
            await tenant.join(name)
        return tenant


@dataclass(slots=True, kw_only=True)
class Tenant:
    account: Account
    id: WorkspaceId

    @property
    def owner(self) -> Principal:
        return a_person(self.id)

    async def join(self, name: str) -> None:
        member = Member(id=MemberId(name.lower()), name=name, role=MemberRole.MEMBER, generation=1, created_at_ms=0)
        await self.account.adapters.members.add(self.id, member, by=None, plan=Plan.TEAM)

    async def leave(self, name: str) -> None:
        await self.account.adapters.members.remove(self.id, MemberId(name.lower()), by=None)

    async def subscribe(self, plan: Plan) -> None:
        """Go through Stripe's page."""
        chosen = await self.account.billing.choose(self.owner, plan)
        assert chosen.url is not None
        self.account.double.ledger.complete_checkout(chosen.url.rpartition("/")[2])
        await self.told()

    async def told(self) -> BillingState:
        """All webhooks that were not delivered yet, twice and in any order."""
        ledger = self.account.double.ledger
        waiting = [*ledger.events, *ledger.events]
        random.Random(len(waiting)).shuffle(waiting)
        for event in waiting:
            await self.account.keeper.take_webhook(*self.account.double.webhook(event))
        ledger.events.clear()
        return await self.account.billing.state(self.owner)

    async def days_later(self, days: float) -> BillingState:
        """Time goes on; the worker looks."""
        ledger = self.account.double.ledger
        ledger.advance_to(ledger.now + int(days * DAY_S))
        await self.told()
        await self.account.keeper.tend(self.id)
        return await self.account.billing.state(self.owner)

    async def invoices(self) -> list[int]:
        """Totals, the oldest first."""
        return [each.total_cents for each in reversed(await self.account.billing.invoices(self.owner))]

    async def plan(self) -> Plan:
        found = await self.account.adapters.workspaces.get(self.id)
        assert found is not None
        return found.plan

    @property
    def customer(self) -> str:
        """Stripe's id."""
        (found,) = [
            each["id"]
            for each in self.account.double.ledger.all("customer")
            if each["metadata"]["workspace"] == self.id
        ]
        return str(found)


@pytest.fixture
async def account(adapters: Adapters) -> AsyncIterator[Account]:
    seconds, _ = await adapters.redis.time()
    async with stripe_double(now=seconds) as double:
        account, client = an_account(adapters, double)
        yield account
        await client.close()


def an_account(
    adapters: Adapters, double: StripeDouble, *, table: PlanTable = TABLE, **options: Any
) -> tuple[Account, GuardedClient]:
    async def now_ms() -> int:
        return double.ledger.now * 1000

    client = GuardedClient(AddressPolicy(["127.0.0.0/8"]))
    given = StripeAccount(key=KEY, webhook_secret=WEBHOOK_SECRET, url=double.url, **options)
    provider = StripeProvider(given, client, page=table.link)
    keeper = SubscriptionKeeper(
        adapters.billing, adapters.members, adapters.workspaces, provider=provider, table=table, now_ms=now_ms
    )
    billing = Billing(adapters.billing, adapters.workspaces, keeper=keeper, provider=provider, table=table)
    return Account(double=double, adapters=adapters, provider=provider, keeper=keeper, billing=billing), client


async def test_from_free_to_pro_to_team_overdue_read_only_paid_and_cancelled(account: Account) -> None:
    acme, ledger = await account.workspace(), account.double.ledger
    assert (await account.billing.state(acme.owner)).standing.phase is Phase.NONE
    await acme.subscribe(Plan.PRO)
    assert (await acme.plan(), await acme.invoices()) == (Plan.PRO, [2900])

    for name in ("Bob", "Cid"):
        await acme.join(name)
    chosen = await account.billing.choose(acme.owner, Plan.TEAM)
    assert chosen.url is None
    assert chosen.state.subscription is not None
    assert (await acme.plan(), chosen.state.subscription.seats) == (Plan.TEAM, 3)
    await acme.leave("Cid")
    state = await acme.days_later(1)
    assert state.subscription is not None
    assert state.subscription.seats == 2

    ledger.failing.add(acme.customer)
    state = await acme.days_later(31)
    assert (state.standing.phase, await acme.plan()) == (Phase.GRACE, Plan.TEAM)
    state = await acme.days_later(13.5)
    assert state.standing.is_read_only
    assert state.standing.until_ms is not None
    state = await acme.days_later(0.1)
    assert state.standing.phase is Phase.READ_ONLY

    ledger.failing.clear()
    for each in ledger.all("invoice"):
        if each["status"] == "open":
            ledger.pay(each)
    state = await acme.told()
    assert (state.standing.phase, await acme.plan()) == (Phase.PAID, Plan.TEAM)

    state = await account.billing.cancel(acme.owner)
    assert (state.standing.phase, await acme.plan()) == (Phase.ENDING, Plan.TEAM)
    assert (await account.billing.keep(acme.owner)).standing.phase is Phase.PAID
    await account.billing.choose(acme.owner, Plan.FREE)
    state = await acme.days_later(32)
    assert (state.standing.phase, await acme.plan()) == (Phase.ENDED, Plan.FREE)


async def test_who_never_pays_is_read_only_and_then_free_and_is_billed_no_more(account: Account) -> None:
    acme, ledger = await account.workspace(), account.double.ledger
    await acme.subscribe(Plan.PRO)
    ledger.failing.add(acme.customer)
    phases = [(await acme.days_later(days)).standing.phase for days in (31.5, 10, 5, 10, 5)]
    assert phases == [Phase.GRACE, Phase.GRACE, Phase.READ_ONLY, Phase.READ_ONLY, Phase.ENDED]
    assert (await acme.plan(), ledger.all("subscription")[0]["status"]) == (Plan.FREE, "canceled")


async def test_while_it_is_read_only_nothing_is_sent_or_started_and_paying_restores_at_once(
    account: Account, adapters: Adapters
) -> None:
    acme, ledger = await account.workspace(), account.double.ledger
    ledger.now -= int(45.5 * DAY_S)  # what is sent below is used today
    await acme.subscribe(Plan.PRO)
    desk = await open_desk(adapters, acme.id, plan=Plan.PRO)
    await desk.idle("Worker")
    ledger.failing.add(acme.customer)
    await acme.days_later(31.5)
    await desk.send("Worker")
    await acme.days_later(14)
    for act in (desk.send("Worker"), desk.spawn("Another")):
        with pytest.raises(PlanLimitReached, match="read-only until its open invoice is paid") as refused:
            await act
        assert refused.value.details["what"] == "payment"
    ledger.failing.clear()
    for each in ledger.all("invoice"):
        if each["status"] == "open":
            ledger.pay(each)
    await acme.told()
    await desk.send("Worker")
    await desk.spawn("Another")


async def test_a_trial_costs_nothing_until_it_ends(adapters: Adapters, account: Account) -> None:
    tried, client = an_account(adapters, account.double, trial_days=14)
    acme = await tried.workspace()
    await acme.subscribe(Plan.PRO)
    state = await tried.billing.state(acme.owner)
    assert (state.standing.phase, await acme.plan(), await acme.invoices()) == (Phase.TRIAL, Plan.PRO, [0])
    state = await acme.days_later(14.1)
    assert (state.standing.phase, await acme.invoices()) == (Phase.PAID, [0, 2900])
    await client.close()


async def test_the_month_of_three_workspaces_is_billed_to_the_cent(account: Account, adapters: Adapters) -> None:
    """Of the store's clock only the present is there: usage is of the month's last day, seats and plans of before."""
    ledger = account.double.ledger
    end = ledger.now
    ledger.now = end - 27 * DAY_S
    steady, growing, leaving = [await account.workspace() for _ in range(3)]
    for each, plan in ((steady, Plan.PRO), (growing, Plan.PRO), (leaving, Plan.TEAM)):
        await each.subscribe(plan)
    begun = ledger.all("subscription")[0]["items"]["data"][0]
    month_s: int = begun["current_period_end"] - begun["current_period_start"]

    await steady.days_later(9)  # the tenth day: two more people come to Growing, which becomes a team; one leaves again
    for name in ("Bob", "Cid"):
        await growing.join(name)
    await account.billing.choose(growing.owner, Plan.TEAM)
    await steady.days_later(9)
    await growing.leave("Cid")
    await account.keeper.tend(growing.id)
    await steady.days_later(0)

    ledger.advance_to(end)
    desk = await open_desk(adapters, steady.id, plan=Plan.PRO)
    await desk.idle("Worker")
    for _ in range(16):
        await desk.send("Worker")  # 5 are included; 11 are 137.5 cents
    for each in (steady, growing, leaving):
        await account.keeper.tend(each.id)
    paid = next(each for each in ledger.all("invoice") if each["customer"] == leaving.customer)
    ledger.refund(paid, 1234)
    await account.billing.choose(leaving.owner, Plan.FREE)
    await account.billing.choose(steady.owner, Plan.FREE)
    await account.billing.keep(steady.owner)
    ledger.advance_to(end + 5 * DAY_S)
    await steady.told()

    def share(cents: int, days: int) -> int:
        left = month_s - days * DAY_S
        return (2 * cents * left + month_s) // (2 * month_s)

    assert await steady.invoices() == [2900, 2900 + 138]
    growth = -share(2900, 9) + share(3 * 9900, 9) - share(3 * 9900, 18) + share(2 * 9900, 18)
    assert await growing.invoices() == [2900, growth + 2 * 9900]
    assert await leaving.invoices() == [9900, 0]
    refunded = [each.refunded_cents for each in await account.billing.invoices(leaving.owner)]
    assert refunded == [0, 1234]
    assert [await each.plan() for each in (steady, growing, leaving)] == [Plan.PRO, Plan.TEAM, Plan.FREE]
    assert TABLE[Plan.PRO].month_cents({Meter.MESSAGES: 16}, seats=1) == 2900 + 138


async def test_there_is_one_subscription_however_many_tabs_are_open(account: Account) -> None:
    acme = await account.workspace()
    first = await account.billing.choose(acme.owner, Plan.PRO)
    await acme.subscribe(Plan.PRO)
    assert first.url is not None
    assert account.double.ledger.get("checkout.session", first.url.rpartition("/")[2])["status"] == "expired"
    with pytest.raises(Conflict) as refused:
        await account.billing.choose(acme.owner, Plan.PRO)
    assert refused.value.code == "ALREADY_ON_PLAN"


async def test_an_answer_that_comes_late_does_not_overwrite_a_later_one(account: Account) -> None:
    acme = await account.workspace()
    await acme.subscribe(Plan.PRO)
    early = await account.adapters.billing.take_ticket(acme.id)
    record = await account.adapters.billing.get(acme.id)
    assert record is not None
    before = await account.billing.state(acme.owner)
    await account.billing.choose(acme.owner, Plan.TEAM)
    kept = await account.adapters.billing.save(acme.id, record.subscription, before.standing, ticket=early)
    assert (kept, await acme.plan()) == (False, Plan.TEAM)


async def test_a_webhook_that_was_lost_is_made_good_by_the_daily_question(account: Account) -> None:
    acme, ledger = await account.workspace(), account.double.ledger
    await acme.subscribe(Plan.PRO)
    ledger.cancel(ledger.all("subscription")[0])
    ledger.events.clear()
    await account.keeper.tend(acme.id)
    assert await acme.plan() is Plan.PRO
    ledger.advance_to(ledger.now + DAY_S + 60)
    await account.keeper.tend(acme.id)
    assert await acme.plan() is Plan.FREE


async def test_webhooks_that_are_forged_old_unknown_or_of_others_change_nothing(account: Account) -> None:
    acme, ledger = await account.workspace(), account.double.ledger
    await acme.subscribe(Plan.PRO)
    ledger.tell("price.created", {"object": "thing", "id": "t", "customer": acme.customer})
    ledger.events[-1]["type"] = "some.new.thing"
    ledger.tell("invoice.paid", {"object": "invoice", "id": "i", "customer": "cus_of_another_program"})
    ledger.tell("balance.available", {"object": "balance"})
    before = len(account.double.calls)
    for event in ledger.events:
        body, signature = account.double.webhook(event)
        await account.keeper.take_webhook(body, signature)
        for forged in (None, "", "t=1,v1=00", signature[:-1] + ("0" if signature[-1] != "0" else "1")):
            with pytest.raises(BadRequest) as refused:
                await account.keeper.take_webhook(body, forged)
            assert refused.value.code == "BAD_SIGNATURE"
        with pytest.raises(BadRequest):
            await account.keeper.take_webhook(body.replace(b"1", b"2"), signature)
    assert len(account.double.calls) == before


async def test_what_the_operator_sets_holds_where_no_subscription_decides(account: Account) -> None:
    acme = await account.workspace()
    await account.billing.choose(acme.owner, Plan.PRO)  # and does not go through with it
    await account.adapters.workspaces.set_plan(acme.id, Plan.TEAM)
    await account.keeper.refresh(acme.id)
    assert await acme.plan() is Plan.TEAM
    await acme.subscribe(Plan.PRO)
    await account.adapters.workspaces.set_plan(acme.id, Plan.TEAM)
    await account.keeper.refresh(acme.id)
    assert await acme.plan() is Plan.PRO


async def test_who_deletes_a_workspace_pays_no_longer(account: Account) -> None:
    acme = await account.workspace()
    await acme.subscribe(Plan.PRO)
    await account.adapters.workspaces.move(acme.id, WorkspaceState.DELETED, life_ms=1000)
    await account.keeper.tend(acme.id)
    assert account.double.ledger.all("subscription")[0]["status"] == "canceled"
    assert await account.adapters.billing.workspace_of(acme.customer) == acme.id
    await account.adapters.workspaces.sweep(acme.id)
    assert await account.adapters.billing.workspace_of(acme.customer) is None


async def test_without_stripe_who_runs_the_broker_sets_plans(adapters: Adapters, workspace: WorkspaceId) -> None:
    await adapters.workspaces.create(workspace, name="Acme", plan=Plan.TEAM)
    keeper = SubscriptionKeeper(adapters.billing, adapters.members, adapters.workspaces, provider=None)
    billing = Billing(adapters.billing, adapters.workspaces, keeper=keeper, provider=None)
    state = await billing.state(a_person(workspace))
    assert (state.configured, state.plan, state.standing.phase) == (False, Plan.TEAM, Phase.NONE)
    for act in (billing.choose(a_person(workspace), Plan.PRO), billing.portal(a_person(workspace))):
        with pytest.raises(NotConfigured) as refused:
            await act
        assert refused.value.code == "BILLING_NOT_CONFIGURED"


async def test_only_who_administers_changes_what_is_paid(account: Account) -> None:
    acme = await account.workspace()
    member = a_person(acme.id, kind=TokenKind.MEMBER, role=MemberRole.MEMBER)
    assert (await account.billing.state(member)).configured
    for act in (
        account.billing.choose(member, Plan.PRO),
        account.billing.cancel(member),
        account.billing.portal(member),
        account.billing.invoices(member),
    ):
        with pytest.raises(NotPermitted):
            await act
    with pytest.raises(NotFound):
        await account.billing.cancel(acme.owner)
