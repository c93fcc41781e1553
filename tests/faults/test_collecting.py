"""The tests that the catalogue of faults names run, as pytest itself tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.catalogue import read, running_tests


@pytest.mark.timeout(120)
def test_every_named_test_is_collected_and_neither_skipped_nor_deselected() -> None:
    named = {test: fault for fault, entry in read().items() for test in entry.tests}
    running = running_tests(named)
    assert {test: fault for test, fault in named.items() if test not in running} == {}


@pytest.mark.timeout(120)
def test_only_what_runs_counts_as_running(tmp_path: Path) -> None:
    file = tmp_path / "test_made.py"
    file.write_text(
        "import pytest\n"
        "def test_runs(): pass\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_runs_twice(n): pass\n"
        "@pytest.mark.skip\n"
        "def test_skipped(): pass\n"
        "@pytest.mark.skipif(True, reason='always')\n"
        "def test_skipped_here(): pass\n"
        "@pytest.mark.agents\n"
        "def test_deselected(): pass\n"
    )
    found = running_tests([f"{file}::test_runs"])
    assert {test.rpartition("::")[2] for test in found} == {"test_runs", "test_runs_twice"}


def test_a_file_that_is_not_there_has_no_running_tests() -> None:
    assert running_tests(["tests/nowhere/test_at_all.py::test_x"]) == set()
