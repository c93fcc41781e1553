"""Suites again and again: `python -m tests.repeat N [arguments of pytest]`.

Prints each test that did not pass every time, and ends with 1 when there is one: a test that fails by chance is a
defect to be explained.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

_ROOT = Path(__file__).parents[1]
_ENDED_BY_TESTS = {0, 1}
"""pytest's statuses for a run that came to its end; others are a run that did not."""
_SHOWN_LINES = 30


def outcomes(junit: str) -> dict[str, str]:
    """What each test of a run came to, by name: `passed`, `skipped`, or the words of its failure."""
    found = {}
    for case in ElementTree.fromstring(junit).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        trouble = next((part for part in case if part.tag in {"failure", "error"}), None)
        skipped = any(part.tag == "skipped" for part in case)
        found[name] = trouble.text or "failed" if trouble is not None else "skipped" if skipped else "passed"
    return found


def unsteady(runs: list[Mapping[str, str]]) -> dict[str, list[str]]:
    """Tests that passed in some runs or none, with every outcome that was no pass; skipped every time is steady."""
    bad: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        for name, outcome in run.items():
            if outcome not in {"passed", "skipped"}:
                bad[name].append(outcome)
    seen = Counter(name for run in runs for name in run)
    for name, times in seen.items():
        if times < len(runs):
            bad[name] += ["it did not run"] * (len(runs) - times)
    return dict(bad)


def main() -> int:
    if len(sys.argv) < 2 or not sys.argv[1].isdecimal():
        print(__doc__)
        return 2
    times, arguments = int(sys.argv[1]), sys.argv[2:]
    runs: list[Mapping[str, str]] = []
    broken = 0
    for number in range(1, times + 1):
        began = time.monotonic()
        status, found = _run(arguments)
        broken += status not in _ENDED_BY_TESTS
        runs.append(found)
        passed = sum(outcome == "passed" for outcome in found.values())
        print(f"{number}/{times}: {passed} of {len(found)} passed in {time.monotonic() - began:.0f} s", flush=True)
    return _tell(runs, broken=broken)


def _run(arguments: list[str]) -> tuple[int, Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={junit}", "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, check=False)
        if done.returncode not in _ENDED_BY_TESTS:
            print((done.stdout + done.stderr).decode(errors="replace")[-4000:])
        return done.returncode, outcomes(junit.read_text()) if junit.exists() else {}


def _tell(runs: list[Mapping[str, str]], *, broken: int) -> int:
    bad = unsteady([run for run in runs if run])
    for name, troubles in sorted(bad.items()):
        print(f"\n✗ {name}: {len(troubles)} of {len(runs)}")
        for trouble, count in Counter(trouble.strip() for trouble in troubles).items():
            print(f"  {count} times:\n    " + "\n    ".join(trouble.splitlines()[-_SHOWN_LINES:]))
    tests = len({name for run in runs for name in run})
    ended = f", {broken} runs did not come to their end" if broken else ""
    print(f"{tests} tests, {len(runs)} times: {len(bad)} did not pass every time{ended}")
    return 1 if bad or broken or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
