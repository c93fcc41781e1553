"""How two runs are shown to a person side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MICROS = 1_000_000


def show_comparison(found: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a comparison."""
    left, right = found["left"], found["right"]
    rows = [("", left["id"][:8], right["id"][:8], "")]
    rows.append(("run", _run(left), _run(right), ""))
    rows += [
        (each["name"], _step(each["left"]), _step(each["right"]), "same output" if each["same_output"] else "")
        for each in found["steps"]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        yield "  ".join([*(row[column].ljust(widths[column]) for column in range(3)), row[3]]).rstrip()
    if found["difference"]:
        yield f"\n{found['difference']}"


def _run(run: Mapping[str, Any]) -> str:
    seconds = (run["changed_at_ms"] - run["started_at_ms"]) / 1000
    return f"{run['state']} {seconds:.1f} s"


def _step(step: Mapping[str, Any] | None) -> str:
    """State, attempts, time, and what it has cost."""
    if step is None:
        return "-"
    attempts = step["attempts"]
    told = [str(step["state"])]
    if len(attempts) > 1:
        told.append(f"{len(attempts)} attempts")
    ended = [each for each in attempts if each["ended_at_ms"] is not None]
    if ended:
        told.append(f"{sum(each['ended_at_ms'] - each['started_at_ms'] for each in ended) / 1000:.1f} s")
    if step["tokens"]:
        told.append(f"{step['tokens']} tokens")
    if step["micro_usd"]:
        told.append(f"${step['micro_usd'] / _MICROS:.4f}")
    return " ".join(told)
