"""`relaycast usage`: what was used, by day, session or agent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import click
import orjson

from broker.cli.operator_client import ask
from broker.domain.plans.usage import UsageBy

_DATE = click.DateTime(formats=["%Y-%m-%d"])
_COLUMNS = ("messages", "turns", "frames", "bytes", "input_tokens", "output_tokens", "cached_tokens")


@click.command()
@click.option("--from", "since", type=_DATE, show_default="30 days ago", help="First day, UTC.")
@click.option("--to", "until", type=_DATE, show_default="today", help="Last day, UTC.")
@click.option("--by", type=click.Choice([each.value for each in UsageBy]), default=UsageBy.DAY.value, show_default=True)
@click.option("--json", "json_", is_flag=True, help="Print the answer as JSON.")
def usage(*, since: datetime | None, until: datetime | None, by: str, json_: bool) -> None:
    """Show messages, turns, tokens and cost. Uses the broker on this machine, or RELAYCAST_URL.

    Tokens and cost are what the vendors report, and no less was spent: those that report none add nothing, and older
    versions of Claude Code may hide a part after a crash.
    """
    last = (until or datetime.now(UTC)).date()
    first = since.date() if since else last - timedelta(days=29)
    rows = ask("GET", "/v1/usage?" + urlencode({"from": first, "to": last, "by": by}))["usage"]
    if json_:
        click.echo(orjson.dumps(rows))
        return
    names = {s["id"]: s["name"] for s in ask("GET", "/v1/sessions")["sessions"]} if by != UsageBy.DAY else {}
    _print(rows, names, by=by)


def _print(rows: list[dict[str, Any]], names: dict[str, str], *, by: str) -> None:
    from rich.console import Console  # noqa: PLC0415 - --help must not load it
    from rich.table import Table  # noqa: PLC0415 - --help must not load it

    table = Table(box=None, pad_edge=False)
    table.add_column("day (UTC)" if by == UsageBy.DAY else by)
    for name in _COLUMNS:
        table.add_column(name.replace("_", " "), justify="right")
    table.add_column("cost", justify="right")
    for row in rows:
        counts = [f"{row['counts'][name]:,}" for name in _COLUMNS]
        table.add_row(_about(row, names), *counts, f"${row['counts']['cost_usd']:.4f}")
    Console().print(table)


def _about(row: dict[str, Any], names: dict[str, str]) -> str:
    session = names.get(row["session"] or "", row["session"])
    return " ".join(part for part in (row["day"], session, row["agent"]) if part)
