"""The public files load without an error, plan, and keep the order that their authors know.

What stands in `tests/fixtures/workflows/public` has the structure of the public files and other words.
"""

from pathlib import Path

import pytest

from broker.domain.workflows.graphs.ordering import order_steps
from broker.domain.workflows.planning.plan import Plan, plan_workflow
from broker.protocol.relay_yaml.reader import Reading, read_workflow_file

PUBLIC = Path(__file__, "../../../fixtures/workflows/public").resolve()
# By file: the waves of the public runner, and how many agents work at once at most.
FILES: dict[str, tuple[list[str], int]] = {
    "hello": (["greet", "shout", "verify"], 1),
    "feature-dev": (
        [
            *("preflight 1", "preflight 2", "plan", "create-branch", "implement", "lint", "test", "fix-failures"),
            *("commit", "review", "push", "finalize"),
        ],
        1,
    ),
    "code-review": (
        [
            *("preflight 1", "capture-diff", "capture-files", "prepare-context"),
            *("architecture-pass correctness-pass security-pass", "consolidate"),
        ],
        3,
    ),
    "review-loop": (
        [
            *("implement", "capture-diff", "capture-files", "review-diff review-architecture review-security"),
            *("consolidate", "address-feedback", "complete"),
        ],
        3,
    ),
    "competitive": (
        ["define-spec", "implement-alpha implement-beta implement-gamma", "compare-solutions", "select-winner"],
        3,
    ),
    "test-deterministic-pipeline": (["read side", "count", "report"], 2),
    "ralph-tdd": (["read", "red", "must-fail", "green", "commit"], 1),
    "tic-tac-toe": (["player-x-turn player-o-turn"], 2),
}


def _read(name: str) -> Reading:
    return read_workflow_file((PUBLIC / f"{name}.yaml").read_text())


def _plan(name: str) -> Plan:
    file = _read(name).file
    assert file is not None
    return plan_workflow(file)


def test_every_file_that_lies_there_is_looked_at() -> None:
    assert {each.stem for each in PUBLIC.glob("*.yaml")} == {*FILES, "multi-repo-smoke"}


@pytest.mark.parametrize("name", FILES)
def test_a_public_file_loads_and_is_planned_in_the_waves_of_the_public_runner(name: str) -> None:
    assert _read(name).errors == ()
    plan = _plan(name)
    waves, peak = FILES[name]
    assert [" ".join(wave) for wave in plan.waves] == waves
    assert plan.peak == peak


@pytest.mark.parametrize("name", FILES)
def test_no_step_starts_before_what_the_public_runner_waits_for(name: str) -> None:
    file = _read(name).file
    assert file is not None
    order = order_steps(file, file.workflows[0])
    for step in file.workflows[0].steps:
        assert set(step.depends_on) <= order.all_before(step.name) | {step.name}


def test_a_review_of_the_public_template_is_read_only_as_it_says() -> None:
    access = {each.name: each.access for each in _plan("feature-dev").agents}
    assert access == {"lead": "full", "planner": "readonly", "developer": "readwrite", "reviewer": "readonly"}


def test_another_dialect_is_refused_with_the_names_of_the_two_fields_it_has_not() -> None:
    reading = _read("multi-repo-smoke")
    missing = [each.message for each in reading.errors if each.message.endswith("is missing")]
    assert (reading.file, missing) == (None, ['"version" is missing', '"swarm" is missing'])
