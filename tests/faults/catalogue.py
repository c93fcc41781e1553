"""The catalogue of known faults, `tests/faults.toml`: which tests hold each of them off.

A table for each fault, named by its id:

    says      one sentence: what went wrong, for a reader who has never seen it
    severity  "critical", "high", "medium" or "low"
    tests     pytest ids of whole functions, `tests/….py::test_…`: they fail when the fault comes back
    reverted  how that was seen once, by taking the mend away; every critical and high fault has it
    open      instead of tests: why the fault is still there
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "tests" / "faults.toml"
_COLLECT_S = 110


class Severity(StrEnum):
    """How bad a fault was."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Entry(BaseModel):
    """One fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    says: str = Field(min_length=20)
    severity: Severity
    tests: tuple[str, ...] = ()
    reverted: str | None = Field(None, min_length=20)
    open: str | None = Field(None, min_length=20)

    @model_validator(mode="after")
    def _is_mended_or_open(self) -> Entry:
        if self.open is None and not self.tests:
            raise ValueError("a fault has tests, or says why it is open")
        if self.open is None and self.severity in {Severity.CRITICAL, Severity.HIGH} and self.reverted is None:
            raise ValueError("says how its tests were seen to fail: `reverted`")
        if any("[" in test or not test.startswith("tests/") for test in self.tests):
            raise ValueError("tests are ids of whole functions below tests/")
        return self


def read(path: Path = CATALOGUE) -> dict[str, Entry]:
    """Every fault by its id. Raises `ValueError` that names what is wrong."""
    return parse(tomllib.loads(path.read_text()))


def parse(tables: Mapping[str, object]) -> dict[str, Entry]:
    """Entries of a parsed document. Raises `ValueError` that names the first wrong one."""
    entries = {}
    for fault, table in tables.items():
        try:
            entries[fault] = Entry.model_validate(table)
        except ValueError as error:
            raise ValueError(f"{fault}: {error}") from None
    return entries


def running_tests(tests: Iterable[str]) -> set[str]:
    """Which of these pytest collects in a run of everything, neither skipped nor deselected; by function."""
    files = sorted({file for file, _, _ in (test.partition("::") for test in tests) if (ROOT / file).exists()})
    if not files:
        return set()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "tests.faults.collecting", *files]
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, timeout=_COLLECT_S, check=False)
    if not done.stdout.strip():
        raise ValueError(done.stderr.decode()[-2000:])
    return set(orjson.loads(done.stdout.splitlines()[-1]))
