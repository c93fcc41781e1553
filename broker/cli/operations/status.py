"""`relaycast status`: what an operator asks first."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click
import orjson

from broker.cli.operator_client import ask
from broker.domain.operations.status import duration

_EXIT_PROBLEMS = 1


@click.command()
@click.option("--json", "json_", is_flag=True, help="Print the answer as JSON.")
def status(*, json_: bool) -> None:
    """Show processes, how full the stores are, and what waits. Uses the broker on this machine, or RELAYCAST_URL.

    Exit status: 0 when all is well, 1 when something needs attention, 2 when the broker does not answer.
    """
    found = ask("GET", "/v1/status")
    click.echo(orjson.dumps(found) if json_ else "\n".join(_lines(found)))
    sys.exit(_EXIT_PROBLEMS if found["problems"] else 0)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    now = found["at_ms"]
    for process in found["processes"]:
        since = duration((now - process["started_at_ms"]) / 1000)
        where = f"{process['host']}, pid {process['pid']}  {process['url'] or ''}".rstrip()
        yield f"{process['kind']:<10} {process['version']:<10} up for {since:<14} {where}"
    yield ""
    for store in found["stores"]:
        yield f"{store['name']:<10} {store['state']}{_room(store['room'])}"
    yield f"{'format':<10} {found['format']}"
    yield f"{'machines':<10} {found['machines_online']} online of {found['machines']}"
    yield f"{'agents':<10} {_counts(found['agents'])}"
    yield f"{'unread':<10} {_waiting(found['messages'], now, what='messages')}"
    yield f"{'unshipped':<10} {_waiting(found['backlog'], now, what='log events')}"
    yield ""
    yield from (f"✗ {problem}" for problem in found["problems"])
    if not found["problems"]:
        yield "✓ all is well"


def _room(room: dict[str, int | None]) -> str:
    parts = []
    if room["used_bytes"] is not None:
        of = f" of {_size(room['limit_bytes'])}" if room["limit_bytes"] else ""
        parts.append(f"{_size(room['used_bytes'])}{of} used")
    if room["disk_free_bytes"] is not None and room["disk_bytes"]:
        parts.append(f"{_size(room['disk_free_bytes'])} of {_size(room['disk_bytes'])} free on its disk")
    return "".join(f", {part}" for part in parts)


def _size(size: int | None) -> str:
    left = float(size or 0)
    for unit in ("B", "kB", "MB", "GB"):
        if left < 1000:
            return f"{left:.0f} {unit}" if unit == "B" else f"{left:.1f} {unit}"
        left /= 1000
    return f"{left:.1f} TB"


def _counts(agents: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(agents.items())) or "none"


def _waiting(waiting: dict[str, int | None], now: int, *, what: str) -> str:
    if not waiting["count"]:
        return "nothing waits"
    oldest = waiting["oldest_at_ms"]
    return f"{waiting['count']:,} {what}" + (f", the oldest for {duration((now - oldest) / 1000)}" if oldest else "")
