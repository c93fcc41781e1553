"""`relaycast plans`: what each plan allows and costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from broker.cli.operator_client import ask
from broker.cli.plans.usage import show_month
from broker.domain.plans.plans import BUILT_IN, PlanTable
from broker.domain.plans.prices import ModelPrice
from broker.domain.plans.shown import plain_terms, show_plans
from broker.protocol.plans_yaml import read_plans


def _table_of(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> PlanTable:
    if path is None:
        return BUILT_IN
    read = read_plans(path.read_text())
    if read.table is None:
        raise click.BadParameter("".join(f"\n  {path}, {each}" for each in read.problems))
    return read.table


def plans_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--plans FILE`, given to the command as the whole table."""
    return click.option(
        "--plans",
        envvar="RELAYCAST_PLANS",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        callback=_table_of,
        help="A YAML file of your own plans; what it leaves out stays as `relaycast plans` prints it. The same for"
        " every process.",
    )(command)


_LABELS = {"agents": "agents at once", "messages_per_day": "messages today", "members": "people"}


@click.command()
@plans_option
@click.option(
    "--here", is_flag=True, help="Show what the workspace uses; asks the broker on this machine, or RELAYCAST_URL."
)
@click.option("--json", "json_", is_flag=True, help="Print the answer as JSON.")
def plans(*, plans: PlanTable, here: bool, json_: bool) -> None:
    """Show what each plan allows, has and costs."""
    if here:
        return _print_standing(ask("GET", "/v1/plan"), json_=json_)
    if json_:
        terms = [plain_terms(each) for each in plans.terms.values()]
        return click.echo(orjson.dumps({"plans": terms, "link": plans.link or None}))
    for line in show_plans(plans):
        click.echo(line)
    return None


@click.command()
@plans_option
@click.option("--json", "json_", is_flag=True, help="Print them as JSON.")
def prices(*, plans: PlanTable, json_: bool) -> None:
    """Show what models cost, in dollars for a million tokens, where their vendors report no cost.

    What follows from these is an estimate, and is called so wherever it is shown. `prices:` in the file of plans
    changes them: `gpt-5: {input: 1.25, output: 10, cached: 0.125}`; `gpt-5: null` takes one out. The longest name that
    a model's begins with counts. Each of the others has its vendor's page, and when it was read there; `unverified`: it
    was not compared with that page. Agents that run keep the price that they started with for their budgets.
    """
    rows = list(plans.prices.in_order())
    if json_:
        return click.echo(orjson.dumps({"prices": {name: asdict(price) for name, price in rows}, "estimated": True}))
    click.echo(f"{'MODEL':<24} {'INPUT':>9} {'OUTPUT':>9} {'CACHED':>9}   $ for a million tokens; estimates")
    for name, price in rows:
        figures = f"{price.input:>9,.3f} {price.output:>9,.3f} {price.cached:>9,.3f}"
        click.echo(f"{name + '*':<24} {figures}   {_describe_source(price)}")
    return None


def _describe_source(price: ModelPrice) -> str:
    source = price.source
    if source is None:
        return "your file"
    return f"{source.as_of}{'' if source.is_checked else ', unverified'}: {source.page}"


def _print_standing(standing: dict[str, Any], *, json_: bool) -> None:
    if json_:
        click.echo(orjson.dumps(standing))
        return
    click.echo(f"Plan: {standing['title']} ({standing['plan']})")
    for each in standing["limits"]:
        allowed = "(unlimited)" if each["limit"] is None else f"of {each['limit']:,}"
        over = f", {each['over']} over: they stay, and no more come" if each["over"] else ""
        click.echo(f"  {_LABELS.get(each['what'], each['what']):<18} {each['used']:,} {allowed}{over}")
    click.echo(f"  {'log days':<18} {standing['log_days']}")
    click.echo(f"  {'also':<18} {', '.join(standing['features']) or '-'}")
    for line in show_month(standing["month"]):
        click.echo(f"  {'cost':<18} {line}")
    for each in standing["beyond"]:
        click.echo(f"! {_describe_beyond(each)}")
    if standing["link"]:
        click.echo(f"Change it at {standing['link']}")


def _describe_beyond(each: dict[str, Any]) -> str:
    many = "" if each["count"] is None else f"{each['count']:,} "
    safe, until = (
        f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}" if at else ""
        for at in (
            each["safe_until_ms"],
            each["until_ms"],
        )
    )
    times = f" (all until {safe}, the last until {until})" if safe else ""
    return f"{many}{each['what']} beyond the plan: {each['text']}{times}"
