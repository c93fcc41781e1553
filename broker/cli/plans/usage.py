"""`relaycast usage`: what was used, by day, session or agent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import repeat
from typing import Any
from urllib.parse import urlencode

import click
import orjson

from broker.cli.operator_client import ask
from broker.cli.options import together
from broker.domain.plans.usage import Counts, Usage, UsageBy, show_csv

_DATE = click.DateTime(formats=["%Y-%m-%d"])
_COSTS = ("cost_usd", "estimated_usd")
_COLUMNS = ("messages", "turns", "frames", "bytes", "input_tokens", "output_tokens", "cached_tokens")


def _period(command: Callable[..., Any]) -> Callable[..., Any]:
    return together(
        click.option("--from", "since", type=_DATE, show_default="30 days ago", help="First day, UTC."),
        click.option("--to", "until", type=_DATE, show_default="today", help="Last day, UTC."),
        click.option("--json", "json_", is_flag=True, help="Print the answer as JSON."),
    )(command)


@click.group(invoke_without_command=True)
@_period
@click.option("--by", type=click.Choice([each.value for each in UsageBy]), default=UsageBy.DAY.value, show_default=True)
@click.option("--csv", "csv_", is_flag=True, help="Print a table for spreadsheets.")
@click.pass_context
def usage(
    context: click.Context, *, since: datetime | None, until: datetime | None, by: str, json_: bool, csv_: bool
) -> None:
    """Show messages, turns, tokens and cost. Uses the broker on this machine, or RELAYCAST_URL.

    Tokens and cost are what the vendors report, and no less was spent: older versions of Claude Code may hide a part
    after a crash. The estimate is what `relaycast prices` makes of tokens that no vendor reported a cost for.
    """
    if context.invoked_subcommand:
        return
    first, last = _days(since, until)
    found = ask("GET", "/v1/usage?" + urlencode({"from": first, "to": last, "by": by}))
    rows = found["usage"]
    if csv_:
        click.echo(show_csv(map(_read_usage, rows)), nl=False)
        return
    if json_:
        click.echo(orjson.dumps(rows))
        return
    is_of_sessions = by in {UsageBy.SESSION, UsageBy.AGENT}
    names = {s["id"]: s["name"] for s in ask("GET", "/v1/sessions")["sessions"]} if is_of_sessions else {}
    _print(rows, names, by=by)
    for line in show_month(found["month"]):
        click.echo(line)


def show_month(month: dict[str, Any] | None) -> Iterator[str]:
    """What the month comes to, in words; nothing as long as nobody can say it."""
    if not month or not month["projected_usd"]:
        return
    about, partly = ("about ", ", partly estimated") if month["estimated_usd"] else ("", "")
    spent = month["cost_usd"] + month["estimated_usd"]
    yield f"{about}${spent:,.2f} this month; at this pace {about}${month['projected_usd']:,.2f} by its end{partly}"


@usage.command()
@_period
def meters(*, since: datetime | None, until: datetime | None, json_: bool) -> None:
    """Show what plans count: accepted messages, begun minutes of agents, runs of hooks and of workflows."""
    first, last = _days(since, until)
    found = ask("GET", "/v1/meters?" + urlencode({"from": first, "to": last}))["days"]
    if json_:
        click.echo(orjson.dumps(found))
        return
    click.echo(f"{'DAY (UTC)':<10} {'MESSAGES':>12} {'AGENT MINUTES':>14} {'HOOK RUNS':>10} {'WORKFLOW RUNS':>14}")
    for each in found:
        if any(number for name, number in each.items() if name != "day"):
            click.echo(
                f"{each['day']:<10} {each['messages']:>12,} {each['agent_minutes']:>14,} {each['hook_runs']:>10,}"
                f" {each['workflow_runs']:>14,}"
            )


@usage.command()
@_period
def reconcile(*, since: datetime | None, until: datetime | None, json_: bool) -> None:
    """Count again from the log what was counted while it happened, and show where the two differ.

    Ends with 1 where they do.
    """
    first, last = _days(since, until)
    found = ask("GET", "/v1/meters/reconciliation?" + urlencode({"from": first, "to": last}))
    if json_:
        click.echo(orjson.dumps(found))
    else:
        for line in _reconcile(found):
            click.echo(line)
    if found["differences"]:
        raise SystemExit(1)


def _reconcile(found: dict[str, Any]) -> Iterator[str]:
    """What came of counting again, in lines."""
    for each in found["differences"]:
        yield f"✗ {each['day']} {each['counted']}: {each['counter']:,} were counted, the log has {each['log']:,}"
    if not found["differences"]:
        yield f"✓ no differences in {found['sessions']:,} sessions, {found['from']} to {found['to']}"
    if found["removed"]:
        yield f"  {found['removed']:,} sessions were deleted lately: what they used cannot be counted again"
    if found["incomplete"]:
        yield f"  {len(found['incomplete']):,} logs do not begin at their beginning any more: they may have had more"


def _days(since: datetime | None, until: datetime | None) -> tuple[date, date]:
    last = (until or datetime.now(UTC)).date()
    return since.date() if since else last - timedelta(days=29), last


def _print(rows: list[dict[str, Any]], names: dict[str, str], *, by: str) -> None:
    from rich.console import Console  # noqa: PLC0415 - --help must not load it
    from rich.table import Table  # noqa: PLC0415 - --help must not load it

    table = Table(box=None, pad_edge=False)
    table.add_column("day (UTC)" if by == UsageBy.DAY else by)
    for name in _COLUMNS:
        table.add_column(name.replace("_", " "), justify="right")
    table.add_column("cost", justify="right")
    table.add_column("estimate", justify="right")
    for row in rows:
        counts = [f"{row['counts'][name]:,}" for name in _COLUMNS]
        table.add_row(_about(row, names), *counts, *map(_dollars, _COSTS, repeat(row["counts"])))
    Console().print(table)


def _dollars(name: str, counts: dict[str, Any]) -> str:
    return f"${counts[name]:.4f}"


def _read_usage(row: dict[str, Any]) -> Usage:
    day = row["day"] and date.fromisoformat(row["day"])
    return Usage(**{**row, "day": day, "counts": Counts(**row["counts"])})


def _about(row: dict[str, Any], names: dict[str, str]) -> str:
    session = names.get(row["session"] or "", row["session"])
    return " ".join(part for part in (row["day"], session, row["agent"], row["person"], row["model"]) if part) or "-"
