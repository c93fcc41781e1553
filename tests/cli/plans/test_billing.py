"""`relaycast billing` and the webhook, against a gateway that uses the double of Stripe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import orjson
import pytest
import pytest_asyncio

from broker.domain.ids import WorkspaceId
from tests.fixtures.gateway import Gateway, gateway_for, serving
from tests.fixtures.shell import Shell, shell_of
from tests.fixtures.stripe_double.server import StripeDouble, settings_of, stripe_double


@dataclass(slots=True, kw_only=True)
class Paid:
    """A gateway where plans are paid for."""

    gateway: Gateway
    double: StripeDouble
    shell: Shell

    async def tell(self) -> list[int]:
        """Deliver what happened; the statuses of the answers."""
        found = []
        for event in self.double.ledger.events:
            body, signature = self.double.webhook(event)
            answer = await self.gateway.client.post(
                f"{self.gateway.url}/v1/billing/webhook", content=body, headers={"Stripe-Signature": signature}
            )
            found.append(answer.status_code)
        self.double.ledger.events.clear()
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def paid(redis_url: str, workspace: WorkspaceId) -> AsyncIterator[Paid]:
    async with (
        stripe_double(now=1_800_000_000) as double,
        serving(redis_url, **settings_of(double)) as url,
        httpx.AsyncClient(timeout=30) as client,
        gateway_for(workspace, url=url, redis_url=redis_url, client=client) as gateway,
    ):
        yield Paid(gateway=gateway, double=double, shell=shell_of(gateway))


async def test_a_plan_is_chosen_paid_changed_and_cancelled(paid: Paid) -> None:
    shell = paid.shell
    assert "no subscription" in (await shell("billing")).stdout
    assert "There are no invoices." in (await shell("billing", "invoices")).stdout
    offered = (await shell("billing", "choose", "pro")).stdout
    assert offered.startswith("Subscribe here: https://checkout.stripe.test/")
    paid.double.ledger.complete_checkout(offered.strip().rpartition("/")[2])
    assert set(await paid.tell()) == {200}
    assert "Plan: pro\n  paid until 2027-02-15" in (await shell("billing")).stdout
    listed = (await shell("billing", "invoices")).stdout
    assert listed == "2027-01-15  RC-0001                       $29 paid\n"
    assert "Plan: team, 1 seat\n" in (await shell("billing", "choose", "team")).stdout
    assert "cancelled: it ends 2027-02-15" in (await shell("billing", "cancel")).stdout
    assert "paid until" in (await shell("billing", "keep")).stdout
    assert (await shell("billing", "portal")).stdout.startswith("https://portal.stripe.test/")
    again = await shell("billing", "choose", "team")
    assert (again.exit_code, "the workspace is on team already" in again.stderr) == (2, True)
    assert orjson.loads((await shell("billing", "--json")).stdout)["subscription"]["plan"] == "team"


async def test_a_webhook_without_stripes_signature_is_refused_and_one_of_an_unknown_type_is_acknowledged(
    paid: Paid,
) -> None:
    url = f"{paid.gateway.url}/v1/billing/webhook"
    answer = await paid.gateway.client.post(url, content=b"{}", headers={"Stripe-Signature": "t=1,v1=0"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_SIGNATURE")
    paid.double.ledger.tell("balance.available", {"object": "balance"})
    paid.double.ledger.events[-1]["type"] = "of.next.year"
    assert await paid.tell() == [200]


async def test_a_broker_without_stripe_says_who_sets_plans(gateway: Gateway) -> None:
    shell = shell_of(gateway)
    assert "who runs this broker sets them (`relaycast workspace plan`)" in (await shell("billing")).stdout
    refused = await shell("billing", "choose", "pro")
    assert (refused.exit_code, "plans are not paid for here" in refused.stderr) == (2, True)
    answer = await gateway.call("POST", "/v1/billing/webhook", {}, token=None)
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "BILLING_NOT_CONFIGURED")


def test_the_key_and_the_signing_secret_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner  # noqa: PLC0415 - beside its use

    from broker.cli.main import main  # noqa: PLC0415 - beside its use

    monkeypatch.setenv("RELAYCAST_STRIPE_KEY", "sk_test_1")
    result = CliRunner().invoke(main, ["worker"])
    assert (result.exit_code, "go together" in result.output) == (2, True)
