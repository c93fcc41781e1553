"""`python -m tests.nightly`: what takes hours, one after the other, and with --write its figures in RESULTS.md.

Ends with 1 when anything failed; everything is run in any case. At its end stands a line for each run and one for all.
Ctrl-C ends the run that is going on, which then counts as stopped, and those behind it; what was run is written. A
night may be had in parts: with --only, figures of the other runs stay as they are, each with its date.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import machine, report, results
from tests.bench.figures import Section

_ROOT = Path(__file__).parents[1]
_TITLE = "Long runs"
_HEAD = ("command", "result", "passed", "minutes", "date")
_EXPLAINED = "Each row is the last line that its command printed, how long it took, and when that was."


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One long run: a module of ours, or pytest."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """As one would type it."""
        return " ".join([*(f"{name}={value}" for name, value in self.environment.items()), *self.command])


def suites() -> dict[str, tuple[str, ...]]:
    """What is run many times, by name: the folders of tests, without those of the vendors' own programs; and the files
    beside the folders."""
    files = sorted(_ROOT.glob("tests/**/test_*.py"))
    found: dict[str, tuple[str, ...]] = {}
    for path in (file.relative_to(_ROOT) for file in files):
        _, folder, *inside = path.parts
        if inside:
            found[folder] = (f"tests/{folder}",)
        else:
            found["files"] = (*found.get("files", ()), str(path))
    del found["agents"]
    return found


STEPS = (
    Step(name="fuzz", command=("pytest", "tests/fuzz"), environment={"RELAYCAST_FUZZ_S": "3600"}),
    Step(name="kills", command=("pytest", "tests/e2e/test_log_kills.py"), environment={"RELAYCAST_KILLS": "50"}),
    Step(name="meters", command=("tests.e2e.metered", "--messages", "100000")),
    Step(name="workflows", command=("tests.domain.workflows.model", "--states", "300000")),
    Step(name="soak", command=("tests.faults", "--minutes", "60")),
    Step(name="stops", command=("tests.bench", "--only", "stops")),
    Step(name="starts", command=("pytest", "tests/e2e", "tests/cli"), environment={"RELAYCAST_TEST_STARTS": "whole"}),
    *(
        Step(name=f"repeat-{suite}", command=("tests.repeat", "20", "-n", "3", "--dist", "loadfile", *paths))
        for suite, paths in suites().items()
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a step came to."""

    step: Step
    status: int
    last_line: str
    took_s: float
    is_stopped: bool = False
    """Whether somebody ended it."""

    @property
    def passed(self) -> bool:
        """Whether it came to its end, and all was well."""
        return self.status == 0 and not self.is_stopped

    @property
    def word(self) -> str:
        """For people."""
        return "stopped" if self.is_stopped else "passed" if self.passed else "FAILED"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.nightly", description=(__doc__ or "").partition("\n")[0])
    names = [step.name for step in STEPS]
    parser.add_argument("--only", choices=names, action="append", help="this alone; may be repeated")
    parser.add_argument("--write", action="store_true", help=f"write the figures into {results.RESULTS.name}")
    options = parser.parse_args()
    described = machine.described()
    steps = [step for step in STEPS if not options.only or step.name in options.only]
    outcomes: list[Outcome] = []
    for step in steps:
        outcomes.append(run(step))
        if options.write:  # each at once: what took hours is kept whatever becomes of the next
            write(results.RESULTS, outcomes[-1], described)
        if outcomes[-1].is_stopped:
            break
    print(verdict(outcomes, of=len(steps)))
    return 0 if len(outcomes) == len(steps) and all(each.passed for each in outcomes) else 1


def verdict(outcomes: Sequence[Outcome], *, of: int) -> str:
    """A line for each run, and whether the night passed."""
    lines = [f"{o.step.name:<10} {o.word:<8} {o.took_s / 60:6.1f} min  {o.last_line}" for o in outcomes]
    passed = sum(each.passed for each in outcomes)
    return "\n".join([*lines, f"nightly {'passed' if passed == of else 'FAILED'}: {passed} of {of}"])


def run(step: Step) -> Outcome:
    """Run it, show what it says, keep its last line."""
    print(f"── {step.shown}", flush=True)
    began, last = time.monotonic(), ""
    command = [sys.executable, "-u", "-m", *step.command]
    with subprocess.Popen(
        command, cwd=_ROOT, env={**os.environ, **step.environment}, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        stopped = False
        while True:
            try:
                for line in running.stdout:
                    print(line, end="", flush=True)
                    last = line.strip() or last
                break
            except KeyboardInterrupt:  # its own Ctrl-C has reached it, too: it clears up and ends
                stopped = True
        status = running.wait()
    took_s = time.monotonic() - began
    return Outcome(step=step, status=status, last_line=last.strip("= "), took_s=took_s, is_stopped=stopped)


def write(path: Path, outcome: Outcome, described: dict[str, str]) -> None:
    """The row of this run in the part of RESULTS.md; those of others stay, as long as there is such a run."""
    rows = {row[0]: row for row in results.rows(path, heading=f"# {_TITLE}")}
    rows[outcome.step.shown] = (
        outcome.step.shown,
        outcome.last_line.replace("|", "/"),
        "yes" if outcome.passed else "stopped" if outcome.is_stopped else "NO",
        f"{outcome.took_s / 60:.1f}",
        described["Date"],
    )
    kept = [rows[step.shown] for step in STEPS if step.shown in rows]
    section = Section(title="What takes hours", explained=_EXPLAINED, head=_HEAD, rows=[*kept])
    measured_on = {name: value for name, value in described.items() if name not in {"Date", "Load before"}}
    part = report.as_markdown([section], machine=measured_on, command="python -m tests.nightly --write", title=_TITLE)
    results.put(path, part)


if __name__ == "__main__":
    sys.exit(main())
