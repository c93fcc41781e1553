"""Neither a file nor what it has looked at holds up whoever serves everybody."""

from typing import Any

import pytest

from broker.domain.errors import BadRequest
from broker.domain.workflows.files.definition import Verification
from broker.domain.workflows.runs.evidence import Evidence
from broker.services.hooks.definitions import read_anew
from broker.services.workflows.definitions import define_anew
from broker.services.workflows.verdicts import choice_of, unmet

HEAD = 'version: "1.0"\nname: n\nswarm: {pattern: dag}\nagents: [{name: a, cli: demo}]\nworkflows: [{name: w, steps: ['
DOUBLED: dict[str, Any] = {
    "$defs": {"d0": {"type": "object"}}
    | {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n - 1}"}] * 2} for n in range(1, 40)},
    "$ref": "#/$defs/d39",
}


def steps(count: int, step: str) -> str:
    return HEAD + ",".join(step.format(n=n, before=max(n - 1, 0)) for n in range(count)) + "]}]\n"


@pytest.mark.parametrize(
    ("condition", "output"),
    [
        ({"type": "regex", "value": "(a+)+$"}, "a" * 60 + "b"),
        ({"type": "json_schema", "schema": {"pattern": "^(a+)+$"}}, '"' + "a" * 60 + 'b"'),
        ({"type": "json_schema", "schema": DOUBLED}, '{"a": 1}'),
    ],
    ids=["regex", "pattern", "references"],
)
def test_a_condition_that_never_comes_to_an_end_does_not_hold(condition: dict[str, Any], output: str) -> None:
    said = unmet([Verification.model_validate(condition)], Evidence(output=output))
    assert said is not None
    assert "too costly" in said


def test_a_condition_that_is_looked_at_in_time_is_judged() -> None:
    condition = Verification.model_validate({"type": "regex", "value": r"^\d+ passed"})
    assert unmet([condition], Evidence(output="x\n12 passed")) is None
    assert unmet([condition], Evidence(output="0 failed")) == r"the output does not match ^\d+ passed"
    assert choice_of(Evidence(output='{"choice": "a"}')) == "a"


@pytest.mark.parametrize(
    "text",
    [
        steps(20_000, "{{name: s{n}, agent: a, dependsOn: [s{before}], task: '{{{{steps.s{before}.output}}}}'}}"),
        steps(5_000, "{{name: s{n}, agent: nobody{n}, dependsOn: [t{n}], task: x}}"),
        HEAD + "{name: s, agent: a, task: x}]}]\nx: [" + "a," * 490_000 + "]\n",
    ],
    ids=["a long chain", "names of nobody", "values"],
)
def test_a_workflow_that_takes_long_to_read_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="reading the file takes more than"):
        define_anew(text, None, read_s=0.1)


def test_a_workflow_of_a_few_hundred_steps_is_read() -> None:
    text = steps(300, "{{name: s{n}, agent: a, task: '{{{{steps.s{before}.output}}}}'}}")
    assert len(define_anew(text, None).entry.steps) == 300


def test_hooks_that_take_long_to_read_are_refused() -> None:
    text = "hooks:\n  codex:\n    on_turn_complete:\n" + "      - {relay: x, commnd: y, whn: z}\n" * 25_000
    with pytest.raises(BadRequest, match="reading the file takes more than"):
        read_anew(text, read_s=0.1)
