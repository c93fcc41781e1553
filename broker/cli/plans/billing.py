"""`relaycast billing`: the workspace's subscription, where plans are paid for with Stripe."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click
import orjson

from broker.cli.operator_client import ask
from broker.domain.instants import show_minute
from broker.domain.plans.billing import Phase
from broker.domain.plans.plans import Plan
from broker.domain.plans.shown import dollars

_json = click.option("--json", "json_", is_flag=True, help="Print the answer as JSON.")
_PHASES = {
    Phase.NONE: "no subscription",
    Phase.TRIAL: "on trial until {until}",
    Phase.PAID: "paid until {until}",
    Phase.ENDING: "cancelled: it ends {until}, then the plan is free; `relaycast billing keep` takes that back",
    Phase.GRACE: "a payment failed: the workspace is read-only from {until} on, unless it is paid"
    " (`relaycast billing portal`)",
    Phase.READ_ONLY: "read-only until it is paid (`relaycast billing portal`); on the plan free from {until} on",
    Phase.ENDED: "the subscription has ended",
}


@click.group(invoke_without_command=True)
@_json
@click.pass_context
def billing(context: click.Context, *, json_: bool) -> None:
    """Show the workspace's subscription. Uses the broker on this machine, or RELAYCAST_URL.

    Cards and addresses are given to Stripe alone, on its own pages.
    """
    if context.invoked_subcommand:
        return
    _print(ask("GET", "/v1/billing"), json_=json_)


@billing.command()
@click.argument("plan", type=click.Choice([each.value for each in Plan]))
@_json
def choose(*, plan: str, json_: bool) -> None:
    """Go to PLAN: the first time by a page of Stripe's, later at once; to free when the period ends."""
    found = ask("PUT", "/v1/billing/plan", body={"plan": plan})
    if json_:
        click.echo(orjson.dumps(found))
    elif found["url"]:
        click.echo(f"Subscribe here: {found['url']}")
    else:
        _print(found, json_=False)


@billing.command()
@_json
def cancel(*, json_: bool) -> None:
    """End the subscription when its period does. Nothing is deleted then."""
    _print(ask("POST", "/v1/billing/cancel"), json_=json_)


@billing.command()
@_json
def keep(*, json_: bool) -> None:
    """Take a cancellation back."""
    _print(ask("POST", "/v1/billing/keep"), json_=json_)


@billing.command()
def portal() -> None:
    """Print the address of Stripe's page for cards, addresses and open invoices."""
    click.echo(ask("POST", "/v1/billing/portal")["url"])


@billing.command()
@_json
def invoices(*, json_: bool) -> None:
    """List the latest invoices."""
    found = ask("GET", "/v1/billing/invoices")["invoices"]
    if json_:
        click.echo(orjson.dumps(found))
        return
    if not found:
        click.echo("There are no invoices.")
    for each in found:
        day = f"{datetime.fromtimestamp(each['created_ms'] / 1000, UTC):%Y-%m-%d}"
        refunded = f", {dollars(each['refunded_cents'])} refunded" if each["refunded_cents"] else ""
        click.echo(f"{day}  {each['number'] or each['id']:<20} {_total(each):>12} {each['status']}{refunded}")


def _total(invoice: dict[str, Any]) -> str:
    cents = invoice["total_cents"]
    return f"-{dollars(-cents)}" if cents < 0 else dollars(cents)


def _seats(count: int) -> str:
    return ", 1 seat" if count == 1 else f", {count} seats"


def _print(found: dict[str, Any], *, json_: bool) -> None:
    if json_:
        click.echo(orjson.dumps(found))
        return
    known = found["subscription"]
    seats = _seats(known["seats"]) if known and known["plan"] == Plan.TEAM else ""
    click.echo(f"Plan: {found['plan']}{seats}")
    if not found["configured"]:
        click.echo("Plans are not paid for here: who runs this broker sets them (`relaycast workspace plan`).")
        return
    until = "" if found["until_ms"] is None else show_minute(found["until_ms"])
    click.echo(f"  {_PHASES[Phase(found['phase'])].format(until=until)}")
