"""What a long run leaves in the results."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests import nightly
from tests.bench import results
from tests.nightly import Outcome, Step, verdict


def test_a_step_is_run_with_its_environment_and_its_last_line_is_kept() -> None:
    step = Step(name="platform", command=("platform", "--terse"), environment={"PYTHONHASHSEED": "0"})
    outcome = nightly.run(step)
    assert outcome.status == 0
    assert sys.platform in outcome.last_line.lower()


def test_a_step_that_fails_says_so() -> None:
    assert nightly.run(Step(name="none", command=("tests.no_such_module",))).status != 0


def test_the_last_line_says_whether_the_night_passed() -> None:
    fuzz, soak = (Step(name=name, command=("platform",)) for name in ("fuzz", "soak"))
    passed = Outcome(step=fuzz, status=0, last_line="30 passed", took_s=60)
    failed = Outcome(step=soak, status=1, last_line="1 lost", took_s=60)
    stopped = Outcome(step=soak, status=0, last_line="", took_s=60, is_stopped=True)
    assert verdict([passed], of=1).splitlines() == [
        "fuzz       passed      1.0 min  30 passed",
        "nightly passed: 1 of 1",
    ]
    assert verdict([passed, failed], of=2).endswith("nightly FAILED: 1 of 2")
    assert verdict([passed, stopped], of=3).endswith("nightly FAILED: 1 of 3")
    assert "soak       stopped" in verdict([passed, stopped], of=3)


def test_a_run_that_somebody_ends_counts_as_stopped_and_its_figures_are_kept(tmp_path: Path) -> None:
    waits = "import time; print('begun', flush=True); time.sleep(600)"
    (tmp_path / "waiting.py").write_text(waits)
    code = (
        "from pathlib import Path; from tests import nightly; from tests.bench import results;"
        f"results.RESULTS = Path({str(tmp_path / 'RESULTS.md')!r});"
        f"step = nightly.Step(name='soak', command=('waiting',), environment={{'PYTHONPATH': {str(tmp_path)!r}}});"
        "nightly.STEPS = (step, step); raise SystemExit(nightly.main())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "--write"],
        cwd=Path(nightly.__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout is not None
        lines = iter(running.stdout.readline, "")
        assert "begun\n" in lines
        os.killpg(running.pid, signal.SIGINT)
        rest = list(lines)
    assert running.returncode == 1
    assert rest[-1] == "nightly FAILED: 0 of 2\n"
    assert rest[-2].split()[:2] == ["soak", "stopped"]
    assert "| stopped |" in (tmp_path / "RESULTS.md").read_text()


def test_figures_are_dated_and_name_machine_and_command(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    kills = next(step for step in nightly.STEPS if step.name == "kills")
    failed = Outcome(step=kills, status=1, last_line="1 failed | 1 passed", took_s=90)
    nightly.write(path, failed, {"CPU": "two", "Date": "2026-01-01"})
    text = path.read_text()
    assert text.startswith("# Long runs\n")
    assert "* CPU: two" in text
    row = "| RELAYCAST_KILLS=50 pytest tests/e2e/test_log_kills.py | 1 failed / 1 passed | NO | 1.5 | 2026-01-01 |"
    assert row in text


def test_a_night_may_be_had_in_parts(tmp_path: Path) -> None:
    """Each run leaves the rows of the others, in the order of the list."""
    path = tmp_path / "RESULTS.md"
    path.write_text("# Measured figures\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n")
    by_name = {step.name: step for step in nightly.STEPS}
    for name, said, day in (("soak", "0 lost", "1"), ("fuzz", "1 failed", "2"), ("fuzz", "59 passed", "3")):
        outcome = Outcome(step=by_name[name], status=0, last_line=said, took_s=60)
        nightly.write(path, outcome, {"Date": f"2026-01-0{day}"})
    assert [(row[1], row[4]) for row in results.rows(path, heading="# Long runs")] == [
        ("59 passed", "2026-01-03"),
        ("0 lost", "2026-01-01"),
    ]
    assert results.rows(path, heading="# Measured figures") == [("1", "2")]


def test_every_folder_of_tests_is_run_many_times() -> None:
    tests = Path(nightly.__file__).parent
    files = {path for path in tests.rglob("test_*.py") if "agents" not in path.relative_to(tests).parts[:1]}
    run = [tests.parent / path for paths in nightly.suites().values() for path in paths]
    assert not {file for file in files if not any(file == path or path in file.parents for path in run)}


def test_every_step_names_what_is_there() -> None:
    root = Path(nightly.__file__).parents[1]
    for step in nightly.STEPS:
        assert importlib.util.find_spec(step.command[0]) is not None
        for path in (each for each in step.command[1:] if each.startswith("tests/")):
            assert (root / path).exists(), path
