"""Which files workers take first, and what they are measured by."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import order
from tests.order import DURATIONS, measured, ordered

_FILES = ["tests/a/test_1.py", "tests/a/test_2.py", "tests/b/in/test_3.py", "tests/b/test_4.py", "tests/test_5.py"]


def test_the_longest_come_first_whatever_their_folder() -> None:
    seconds = {"tests/b/in/test_3.py": 30, "tests/a/test_2.py": 20, "tests/test_5.py": 1}
    assert ordered(dict.fromkeys(_FILES), seconds) == [
        "tests/b/in/test_3.py",
        "tests/a/test_2.py",
        "tests/test_5.py",
        "tests/a/test_1.py",
        "tests/b/test_4.py",
    ]


@pytest.mark.parametrize(("options", "files"), [([], {"short", "long"}), (["--quick"], {"short"})])
def test_a_quick_run_leaves_out_what_takes_long(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str], files: set[str]
) -> None:
    (tmp_path / "durations.json").write_text('{"test_long.py": 5}')
    monkeypatch.setattr(order, "DURATIONS", tmp_path / "durations.json")
    monkeypatch.setattr(order, "_ROOT", tmp_path)
    monkeypatch.setattr(pytestconfig.option, "quick", bool(options))
    kept = {
        name
        for name in ("short", "long")
        if not order.pytest_ignore_collect(tmp_path / f"test_{name}.py", pytestconfig)
    }
    assert kept == files


def test_nothing_is_lost_or_doubled() -> None:
    files = [str(each.relative_to(DURATIONS.parents[1])) for each in DURATIONS.parent.rglob("test_*.py")]
    assert sorted(ordered(dict.fromkeys(files), json.loads(DURATIONS.read_text()))) == sorted(files)


def test_a_report_tells_how_long_each_file_took() -> None:
    case = '<testcase classname="tests.{}" name="test_it" time="{}"/>'
    cases = [case.format("test_order", "1.5"), case.format("test_order.TestOfAClass", "2"), case.format("gone", "9")]
    report = f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"
    assert measured(report) == {"tests/test_order.py": 3.5}


def test_workers_take_the_files_in_that_order(tmp_path: Path) -> None:
    durations = {"test_short.py": 1, "test_longest.py": 9, "test_long.py": 5}
    (tmp_path / "durations.json").write_text(json.dumps(durations))
    (tmp_path / "plugin.py").write_text(
        "from pathlib import Path; from tests import order;order.DURATIONS = Path(__file__).with_name('durations.json')"
    )
    for file in durations:
        (tmp_path / file).write_text("def test_one(): pass\n" + ("def test_two(): pass\n" if "short" in file else ""))
    options = [
        "-c",
        "/dev/null",
        "-v",
        "-n",
        "1",
        "--dist",
        "loadfile",
        "-p",
        "no:cacheprovider",
        f"--rootdir={tmp_path}",
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-p", "plugin", "-p", "tests.order", tmp_path],
        capture_output=True,
        check=False,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": f"{DURATIONS.parents[1]}:{tmp_path}", "PATH": "/usr/bin:/bin"},
        timeout=100,
    )
    done = [line.partition("PASSED ")[2].partition("::")[0] for line in ran.stdout.splitlines() if "PASSED" in line]
    assert done == ["test_longest.py", "test_long.py", "test_short.py", "test_short.py"], ran.stdout
