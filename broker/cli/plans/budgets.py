"""`relaycast budget`: how much agents may spend before somebody has to say that they may go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import click
import orjson

from broker.cli.operator_client import ask
from broker.cli.options import together
from broker.domain.instants import show_minute
from broker.domain.names import show_name
from broker.domain.plans.budgets import Period, Unit

_SCOPE = (
    "workspace, session:NAME, agent:SESSION/NAME, tree:SESSION/NAME (an agent and all that it spawned), or person:NAME"
)


def _what(command: Callable[..., Any]) -> Callable[..., Any]:
    return together(
        click.argument("scope"),
        click.option("--unit", type=click.Choice([each.value for each in Unit]), required=True, help="What is spent."),
        click.option(
            "--per",
            "period",
            type=click.Choice([each.value for each in Period]),
            default=Period.TOTAL.value,
            show_default=True,
            help="After which time it begins anew (UTC); run: what each run of a workflow may spend.",
        ),
    )(command)


@click.group()
def budget() -> None:
    """Set how much agents may spend; when it is spent they take no new turn, and messages to them wait.

    A turn sets aside what turns have taken on average, and what it spent is settled behind it. One that runs goes on
    unless the budget is set with --interrupt, so an overrun is at most one turn of each agent. Dollars and tokens are
    what vendors report; `relaycast prices` says what is estimated where one reports no dollars.
    """


@budget.command("set", epilog=f"SCOPE: {_SCOPE}.")
@_what
@click.argument("amount", type=float)
@click.option(
    "--interrupt/--finish", default=None, help="Whether running turns are ended when it is spent; else they finish."
)
def set_(*, scope: str, unit: str, period: str, amount: float, interrupt: bool | None) -> None:
    """Let SCOPE spend AMOUNT; what it has spent in this period stays."""
    body = {"scope": scope, "unit": unit, "period": period, "amount": amount, "interrupt": interrupt}
    _say(ask("PUT", "/v1/budgets", body=body))


@budget.command("raise", epilog=f"SCOPE: {_SCOPE}.")
@_what
@click.argument("amount", type=float)
def raise_(*, scope: str, unit: str, period: str, amount: float) -> None:
    """Let SCOPE spend AMOUNT more; what waits for it goes on."""
    body = {"scope": scope, "unit": unit, "period": period, "amount": amount}
    _say(ask("POST", "/v1/budgets/raise", body=body))


@budget.command(epilog=f"SCOPE: {_SCOPE}.")
@_what
def remove(*, scope: str, unit: str, period: str) -> None:
    """Let SCOPE spend what it likes; what waits for it goes on."""
    ask("DELETE", "/v1/budgets", body={"scope": scope, "unit": unit, "period": period})
    click.echo(f"✓ {scope} has no budget of {unit} ({_words(period, None)})")


@budget.command("list")
@click.option("--json", "json_", is_flag=True, help="Print the answer as JSON.")
def list_(*, json_: bool) -> None:
    """List the budgets with what is spent of them."""
    found = ask("GET", "/v1/budgets")["budgets"]
    if json_:
        click.echo(orjson.dumps(found))
        return
    if not found:
        click.echo("There are no budgets. `relaycast budget set` makes one.")
    for each in found:
        click.echo(_line(each))


@budget.command(epilog="WHERE: session:NAME or agent:SESSION/NAME; the whole workspace when it is left out.")
@click.argument("where", required=False)
@click.option("--json", "json_", is_flag=True, help="Print the answer as JSON.")
def pauses(*, where: str | None, json_: bool) -> None:
    """List what budgets and limits of the plan have made wait, and until when."""
    found = ask("GET", _pauses_path(where))["pauses"]
    if json_:
        click.echo(orjson.dumps(found))
        return
    if not found:
        click.echo("No budget or limit has stopped anything.")
    for each in found:
        who = f" ({show_name(each['agent_name'])})" if each["agent_name"] else ""
        click.echo(f"{show_minute(each['at_ms'])}  {each['text']}{who} — {_until(each)}")


def _pauses_path(where: str | None) -> str:
    word, _, reference = (where or "workspace").partition(":")
    name, _, agent = reference.partition("/")
    match word, bool(name), bool(agent):
        case "workspace", False, False:
            return "/v1/pauses"
        case "session", True, False:
            return f"/v1/sessions/{quote(name, safe='')}/pauses"
        case "agent", True, True:
            return f"/v1/sessions/{quote(name, safe='')}/agents/{quote(agent, safe='')}/pauses"
    raise click.UsageError(f"{where}: session:NAME or agent:SESSION/NAME")


def _until(pause: dict[str, Any]) -> str:
    if pause["is_over"]:
        return "over"
    if pause["until_ms"] is not None:
        return f"until {show_minute(pause['until_ms'])}"
    return "until agents are released" if pause["is_over"] is None else "until somebody raises it"


def _say(found: dict[str, Any]) -> None:
    click.echo(f"✓ {_line(found)}")


def _line(found: dict[str, Any]) -> str:
    where = found["scope"] + (f" {found['name']}" if found["name"] else "")
    amounts = f"{_amount(found['spent'], found['unit'])} of {_amount(found['limit'], found['unit'])}"
    held = f", {_amount(found['held'], found['unit'])} set aside for running turns" if found["held"] else ""
    state = " — spent: messages wait" if found["is_spent"] else held
    amounts += " (partly estimated)" if found["is_estimated"] else ""
    return f"{where}: {amounts} {_words(found['period'], found['run'])}{state}"


def _amount(amount: float, unit: str) -> str:
    if unit == Unit.USD:
        return f"${amount:,.2f}"
    return f"{amount:,.0f} {unit}" if amount == round(amount) else f"{amount:,.1f} {unit}"


def _words(period: str, run: str | None) -> str:
    if run:
        return f"in run {run}"
    words = {Period.DAY: "today", Period.MONTH: "this month", Period.TOTAL: "in total", Period.RUN: "for each run"}
    return words[Period(period)]
