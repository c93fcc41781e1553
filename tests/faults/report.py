"""What a run found, as lines for people and as one JSON document a stage."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from tests.faults.checker import Account
from tests.faults.run import Passed, StageReport

_NAME = 24
_HEAD = ("accepted", "lost", "doubled", "disorder", "stuck", "reported", "accept s", "delivery s", "recovery s")


def progress(passed: Passed) -> str:
    """One fault, as soon as it is over."""
    after = "NOT RECOVERED" if passed.recovered_s is None else f"recovered in {passed.recovered_s:.1f} s"
    return f"  {passed.phase:<{_NAME}} {passed.lasted_s:6.1f} s, {after}"


def of_stage(report: StageReport) -> str:
    """The account of each fault of a stage and of all together, and a sentence for each thing that is wrong.

    `accept` and `delivery` are the slowest; `reported` is undeliverable, with a reason.
    """
    phases = report.verdict.phases
    rows = [_row("fault", _HEAD)]
    rows += [_of_account(p.phase, phases.get(p.phase, Account()), recovery_s=p.recovered_s) for p in report.passed]
    rows.append(_of_account("all", report.verdict.total, recovery_s=None))
    if report.events:
        rows.append(f"{report.events:,} events in the log")
    return "\n".join([*rows, *(f"✗ {problem}" for problem in report.verdict.problems)])


def conclusion(reports: Sequence[StageReport]) -> str:
    """The last lines of a run."""
    totals = [report.verdict.total for report in reports]
    problems = sum(len(report.verdict.problems) for report in reports)
    faults = sum(len(report.passed) for report in reports)
    return (
        f"{faults} faults, {sum(t.accepted for t in totals):,} accepted, {sum(len(t.lost) for t in totals)} lost, "
        f"{sum(len(t.doubled) for t in totals)} doubled, {sum(len(t.out_of_order) for t in totals)} out of order, "
        f"{sum(len(t.stuck) for t in totals)} stuck; {problems or 'no'} problem{'' if problems == 1 else 's'}"
    )


def as_json(report: StageReport) -> str:
    """One line for programs."""
    passed = [{"fault": p.phase, "lasted_s": p.lasted_s, "recovered_s": p.recovered_s} for p in report.passed]
    verdict = report.verdict
    found = {"passed": passed, "phases": verdict.phases, "total": verdict.total, "problems": verdict.problems}
    return orjson.dumps({**found, "events": report.events}).decode()


def _of_account(name: str, account: Account, *, recovery_s: float | None) -> str:
    counts = (account.accepted, *map(len, (account.lost, account.doubled, account.out_of_order, account.stuck)))
    times = (account.slowest_accept_s, account.slowest_delivery_s, recovery_s)
    shown = ["-" if value is None else f"{value:.1f}" for value in times]
    return _row(name, [*map(str, counts), str(account.reported), *shown])


def _row(name: str, cells: Sequence[str]) -> str:
    return "  ".join([f"{name:<{_NAME}}", *(cell.rjust(len(head)) for cell, head in zip(cells, _HEAD, strict=True))])
