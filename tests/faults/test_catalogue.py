"""Every known fault has tests, or says why it is open. `test_collecting.py` sees whether they run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.catalogue import CATALOGUE, ROOT, parse, read

KNOWN = {
    *(f"F{number}" for number in range(1, 15)),
    *(f"W{number}" for number in range(1, 21)),
    *(f"R{number}" for number in (2, 3, 5, 6, 7, 8, 15)),
    *(f"C{number}" for number in (2, 3, 7, 8, 9, 20, 21)),
    *(f"D{number}" for number in range(1, 18)),
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


def test_every_named_test_stands_in_its_file() -> None:
    """Seen without collecting anything, so that who renames a test hears of it in `make quick`."""
    named = {test: fault for fault, entry in read().items() for test in entry.tests}
    assert {test: fault for test, fault in named.items() if not _stands(*test.split("::", 1))} == {}
    assert not _stands("tests/faults/test_catalogue.py", "test_nobody_wrote_this")
    assert not _stands("tests/nowhere/test_at_all.py", "test_x")


def _stands(file: str, name: str) -> bool:
    path = ROOT / file
    return path.exists() and f"def {name.rpartition('::')[2]}(" in path.read_text()


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
