"""What repair agents must leave as it is."""

import json

import pytest

from broker.domain.workflows.files.definition import StepEntry
from broker.domain.workflows.runs.protection import changed_paths, protected_paths
from tests.domain.workflows.driving import file_of


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("./check.sh --all", ["check.sh"]),
        ("sh checks/a.sh; rm x", ["checks/a.sh"]),
        ("python tests/check.py", ["tests/check.py"]),
        ("python -m pytest", []),
        ("make test", []),
        ("/usr/bin/make", []),
        ("../check.sh", []),
        ("echo 'open", []),
        ("", []),
    ],
)
def test_the_script_that_judges_is_protected_where_it_lies_in_the_folder(command: str, script: list[str]) -> None:
    step = StepEntry.model_validate({"name": "s", "verification": {"type": "custom", "value": command}})
    assert list(protected_paths(file_of([{"name": "s"}]), step)) == script


def test_what_the_file_protects_comes_first_and_a_file_to_be_made_is_none() -> None:
    exists = {"type": "file_exists", "value": "out"}
    step = StepEntry.model_validate({"name": "s", "type": "deterministic", "command": "./a.sh", "verification": exists})
    file = file_of([{"name": "s"}], repairProtection={"protectedPaths": ["tests", "a.sh"]})
    assert protected_paths(file, step) == ("tests", "a.sh")


def test_what_was_changed_made_or_removed_is_named_and_what_only_has_a_twin_is_not() -> None:
    before = json.dumps({"1": ["same", "changed"], "2": ["removed"]})
    after = json.dumps({"1": ["same"], "3": ["changed", "made"]})
    assert changed_paths(before, after) == "changed, made, removed"
    assert changed_paths(before, before) == ""
    assert changed_paths("{}", json.dumps({"1": [f"f{n}" for n in range(9)]})) == "f0, f1, f2, f3, f4 and 4 more"
