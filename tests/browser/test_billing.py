"""Plan and billing: each state that a subscription comes through, and budgets."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from broker.domain.ids import WorkspaceId
from tests.browser.accessibility import violations_in_both_themes
from tests.browser.tab import person
from tests.fixtures.gateway import Gateway, gateway_for, serving
from tests.fixtures.stripe_double.server import StripeDouble, settings_of, stripe_double

DAY_S = 86_400


@dataclass(slots=True, kw_only=True)
class Paid:
    """A gateway where plans are paid for, and somebody who owns a workspace there."""

    gateway: Gateway
    double: StripeDouble
    page: Page

    async def later(self, days: float) -> None:
        """Time goes on at Stripe, and it tells."""
        self.double.ledger.advance_to(self.double.ledger.now + int(days * DAY_S))
        await self.told()

    async def told(self) -> None:
        for event in self.double.ledger.events:
            body, signature = self.double.webhook(event)
            await self.gateway.client.post(
                f"{self.gateway.url}/v1/billing/webhook", content=body, headers={"Stripe-Signature": signature}
            )
        self.double.ledger.events.clear()
        await self.page.goto(f"{self.gateway.url}/usage")


@pytest_asyncio.fixture(loop_scope="session")
async def paid(redis_url: str, browser: Browser) -> AsyncIterator[Paid]:
    workspace = WorkspaceId(f"paid-{uuid4().hex}")
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=30))
        now = await _now(redis_url)
        double = await stack.enter_async_context(stripe_double(now=now))
        url = await stack.enter_async_context(serving(redis_url, **settings_of(double)))
        gateway = await stack.enter_async_context(gateway_for(workspace, url=url, redis_url=redis_url, client=client))
        ada = await stack.enter_async_context(person(browser))
        link = (await gateway.ok("POST", "/v1/members", {"name": "Ada", "role": "owner"}))["url"]
        page = await ada.tab(link)
        await expect(page).to_have_url(f"{url}/")
        await page.goto(f"{url}/usage")
        yield Paid(gateway=gateway, double=double, page=page)


async def _now(redis_url: str) -> int:
    """The store's clock, by which 14 days of grace are 14 days."""
    from broker.app import build_adapters  # noqa: PLC0415 - beside its use

    adapters = build_adapters(redis_url)
    seconds, _ = await adapters.redis.time()
    await adapters.redis.aclose()
    return seconds


async def test_each_state_of_a_subscription_is_shown_and_can_be_left(paid: Paid) -> None:
    page, ledger = paid.page, paid.double.ledger
    plan = page.get_by_role("region", name="Plan and billing")
    await expect(plan).to_contain_text("There is no subscription.")

    await page.route("https://checkout.stripe.test/**", lambda route: route.fulfill(body="a page of Stripe's"))
    await plan.get_by_role("button", name="Change to Pro: $29.00 a month").click()
    await page.wait_for_url("https://checkout.stripe.test/**")
    checkout = page.url
    ledger.now -= 40 * DAY_S  # the second month begins about ten days ago
    ledger.complete_checkout(checkout.rpartition("/")[2])
    await paid.told()
    await expect(plan).to_contain_text("Pro")
    await expect(plan).to_contain_text("Paid until")
    await expect(plan.get_by_role("table", name="Invoices")).to_contain_text("RC-0001")

    await plan.get_by_role("button", name="Change to Team").click()
    await expect(plan).to_contain_text("$99.00 a month for each person")
    await plan.get_by_role("button", name="Cancel the subscription").click()
    await expect(plan).to_contain_text("Cancelled: it ends on")
    await plan.get_by_role("button", name="Keep the subscription").click()
    await expect(plan).to_contain_text("Paid until")

    ledger.failing.add(ledger.all("customer")[0]["id"])
    await paid.later(31.5)
    await expect(plan).to_contain_text("A payment failed. From")
    for each in ledger.all("invoice"):
        if each["status"] == "open":
            each["created"] -= 10 * DAY_S  # about twenty days ago
    ledger.tell("invoice.payment_failed", ledger.all("invoice")[0])
    await paid.told()
    await expect(plan).to_contain_text("Nothing can be sent or started until the open invoice is paid.")

    ledger.failing.clear()
    for each in ledger.all("invoice"):
        if each["status"] == "open":
            ledger.pay(each)
    await paid.told()
    await expect(plan).to_contain_text("Paid until")

    await plan.get_by_role("button", name="Cancel the subscription").click()
    await expect(plan).to_contain_text("Cancelled: it ends on")
    await paid.later(31.5)
    await expect(plan).to_contain_text("The subscription has ended.")
    stays = plan.get_by_role("list", name="What this plan does not allow any more stays")
    await expect(stays).to_contain_text("Logs from before the change of plan")
    await expect(plan.get_by_role("button", name="Change to Pro: $29.00 a month")).to_be_visible()


async def test_budgets_are_shown_with_what_is_spent(paid: Paid) -> None:
    budget = {"scope": "workspace", "unit": "usd", "period": "day", "amount": 25, "interrupt": True}
    await paid.gateway.ok("PUT", "/v1/budgets", budget)
    await paid.page.reload()
    await expect(paid.page.get_by_text("Messages today")).to_have_count(1)
    shown = paid.page.get_by_role("region", name="Budgets")
    await expect(shown).to_contain_text("$0.00 of $25.00 today")
    await expect(shown).to_contain_text("ends running turns when it is spent")
    await expect(shown.get_by_role("meter", name="the workspace, dollars, today")).to_be_visible()


async def test_what_a_budget_has_stopped_is_listed_and_that_it_goes_on_once_it_is_raised(paid: Paid) -> None:
    gateway, page = paid.gateway, paid.page
    place = {"scope": "agent:main/Worker", "unit": "turns"}
    async with gateway.machine():
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        await gateway.ok("PUT", "/v1/budgets", {**place, "amount": 1})
        shown = page.get_by_role("region", name="Budgets")
        await expect(shown).to_contain_text("0 of 1 turns in total")  # it follows: nobody has loaded the page again
        await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": "hello"})
        await expect(shown).to_contain_text("1 of 1 turns in total")
        stopped = page.get_by_role("table", name="What stopped what").get_by_role("row").nth(1)
        await expect(stopped).to_contain_text("the budget of the agent main/Worker in total is spent")
        await expect(stopped).to_contain_text("somebody raises it")
        await page.goto(f"{gateway.url}/session/main")
        stopped_here = page.get_by_role("list", name="What stopped what").get_by_role("listitem")
        await expect(stopped_here).to_contain_text("the budget of the agent main/Worker in total is spent")
        await page.get_by_role("button", name="Worker", pressed=False).first.press("Enter")
        stopped_it = page.get_by_role("list", name="What stopped Worker").get_by_role("listitem")
        await expect(stopped_it).to_contain_text("Until somebody raises it")
        assert await violations_in_both_themes(page) == []
        await gateway.ok("POST", "/v1/budgets/raise", {**place, "amount": 1})
        await expect(stopped_it).to_contain_text("Until over")
        await page.goto(f"{gateway.url}/usage")
        await expect(stopped).to_contain_text("over")
