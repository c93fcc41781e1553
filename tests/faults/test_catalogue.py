"""Every known fault has tests that run, or says why it is open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.catalogue import CATALOGUE, parse, read, running_tests

KNOWN = {
    *(f"F{number}" for number in range(1, 15)),
    *(f"W{number}" for number in range(1, 21)),
    *(f"R{number}" for number in (2, 3, 5, 6, 7, 8, 15)),
    *(f"C{number}" for number in (7, 8, 9, 20, 21)),
}
MENDED: dict[str, Any] = {
    "says": "A fault that somebody has seen.",
    "severity": "high",
    "tests": ["tests/faults/test_catalogue.py::test_a_mended_fault_is_read"],
    "reverted": "Without the mend the test fails.",
}


def test_every_known_fault_is_in_the_catalogue() -> None:
    assert KNOWN - read().keys() == set()


def test_no_known_fault_is_open() -> None:
    assert {fault for fault, entry in read().items() if entry.open is not None} == set()


@pytest.mark.timeout(120)
def test_every_named_test_is_collected_and_neither_skipped_nor_deselected() -> None:
    named = {test: fault for fault, entry in read().items() for test in entry.tests}
    running = running_tests(named)
    assert {test: fault for test, fault in named.items() if test not in running} == {}


def test_the_catalogue_explains_itself() -> None:
    assert CATALOGUE.read_text().startswith("#")


def test_a_mended_fault_is_read() -> None:
    assert parse({"X1": MENDED})["X1"].tests == tuple(MENDED["tests"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tests": []}, "has tests, or says why it is open"),
        ({"reverted": None}, "`reverted`"),
        ({"severity": "awful"}, "severity"),
        ({"says": "Bad."}, "says"),
        ({"tests": ["tests/faults/test_catalogue.py::test_x[1]"]}, "whole functions"),
        ({"issue": 7}, "issue"),
    ],
)
def test_an_entry_that_says_too_little_is_refused_with_its_id(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="X1: ") as refused:
        parse({"X1": {**MENDED, **change}})
    assert said in str(refused.value)


def test_a_low_fault_need_not_say_how_its_tests_failed() -> None:
    assert parse({"X1": {**MENDED, "severity": "low", "reverted": None}})


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
