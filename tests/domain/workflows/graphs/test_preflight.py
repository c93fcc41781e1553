"""Commands ahead of the first step: what lets a run go on, and what a file may not say of them."""

from typing import Any

import pytest

from broker.domain.workflows.files.definition import Preflight, WorkflowFile
from broker.domain.workflows.files.findings import Severity
from broker.domain.workflows.graphs.preflight import objection
from broker.domain.workflows.planning.check import check_file
from broker.domain.workflows.runs.journal import Outcome
from broker.domain.workflows.runs.steps import StepState
from tests.domain.workflows.driving import Driven, file_of

TWO: dict[str, Any] = {"preflight": [{"command": "one"}, {"command": "two"}]}


@pytest.mark.parametrize(
    ("rule", "output", "says"),
    [
        ({}, "anything", None),
        ({"failIf": "non-empty"}, " \n", None),
        ({"failIf": "non-empty"}, " M a.py\n", "it has printed something: M a.py"),
        ({"failIf": "empty"}, "\n", "it has printed nothing"),
        ({"failIf": "^err"}, "fine\nerror", "its output matches ^err"),
        ({"failIf": "^err"}, "no err", None),
        ({"successIf": "v2[0-9]"}, "v20.1", None),
        ({"successIf": "v2[0-9]"}, "v18.1", "its output does not match v2[0-9]"),
    ],
)
def test_the_output_of_a_command_decides_as_its_rule_says(rule: dict[str, str], output: str, says: str | None) -> None:
    assert objection(Preflight.model_validate({"command": "x", **rule}), output) == says


def test_steps_begin_when_the_last_of_them_has_succeeded() -> None:
    driven = Driven(file_of([{"name": "a"}, {"name": "b"}], workflow=TWO))
    assert driven.started == ["preflight 1"]
    driven.end("preflight 1")
    assert driven.started == ["preflight 2"]
    driven.end("preflight 2")
    assert driven.started == ["a", "b"]


@pytest.mark.parametrize("strategy", ["fail-fast", "retry", "continue"])
def test_nothing_begins_when_one_has_failed(strategy: str) -> None:
    handling = {"strategy": strategy, "maxRetries": 3}
    driven = Driven(file_of([{"name": "a"}], workflow=TWO, errorHandling=handling))
    driven.end("preflight 1", Outcome.FAILED, reason="exit code 1")
    assert driven.run.state == "failed"
    assert driven.states() == {
        "preflight 1": StepState.FAILED,
        "preflight 2": StepState.SKIPPED,
        "a": StepState.SKIPPED,
    }


def test_a_pattern_orders_steps_as_without_preflight() -> None:
    steps = [{"name": "a"}, {"name": "b"}]
    driven = Driven(file_of(steps, pattern="pipeline", workflow=TWO))
    for name in ("preflight 1", "preflight 2"):
        driven.end(name)
    assert driven.started == ["a"]


@pytest.mark.parametrize(
    ("ahead", "says"),
    [
        ({"command": "x", "failIf": "("}, "no regular expression"),
        ({"command": "echo {{steps.a.output}}"}, "no step has ended before it"),
        ({"command": "echo {{nobody}}"}, 'there is no variable "nobody"'),
    ],
)
def test_what_could_not_be_kept_to_is_an_error(ahead: dict[str, str], says: str) -> None:
    good = file_of([{"name": "a"}], workflow=TWO, vars={"v": "1"}).model_dump(by_alias=True, exclude_none=True)
    good["workflows"][0]["preflight"] = [ahead]
    found = [each for each in check_file(WorkflowFile.model_validate(good)) if each.severity is Severity.ERROR]
    assert [each.message.startswith(says) for each in found] == [True]
