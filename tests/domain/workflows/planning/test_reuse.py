"""What one run takes over from another: what came to the same, and nothing that stands behind what is done again."""

from typing import Any

import pytest

from broker.domain.workflows.files.definition import WorkflowFile
from broker.domain.workflows.graphs.graph import compile_workflow
from broker.domain.workflows.planning.reuse import Given, Reuse, reusable
from broker.domain.workflows.runs.engine import next as next_of
from broker.domain.workflows.runs.journal import Entry, Fact, Kept, Outcome, RunStarted, StartAttempt
from broker.domain.workflows.runs.run import Run, fold
from broker.domain.workflows.runs.steps import StepState
from tests.domain.workflows.driving import Driven, Steps, file_of

STEPS: Steps = [
    {"name": "a", "type": "deterministic", "command": "echo {{v}}"},
    {"name": "b", "dependsOn": ["a"]},
    {"name": "c", "agent": "A", "dependsOn": ["b"]},
    {"name": "d"},
]


def a_file(steps: Steps = STEPS, **more: Any) -> WorkflowFile:
    """One whose steps are all commands but `c`."""
    return file_of(steps, vars={"v": "1", "w": "2"}, **more)


def changed(number: int, **more: Any) -> Steps:
    """The same steps, one of them another."""
    return [{**each, **more} if place == number else each for place, each in enumerate(STEPS)]


def ended(*, last: Outcome = Outcome.FAILED) -> Run:
    """A run of all of them, of which `c` has ended so."""
    driven = Driven(a_file())
    for name in ("a", "d", "b"):
        driven.end(name, output=f"of-{name}")
    driven.end("c", last)
    return driven.run


def given(file: WorkflowFile, **values: str) -> Given:
    """A file with values, on no machine in particular."""
    return Given(file=file, entry=file.workflows[0], values=values, machine=None, folder=None)


def found(new: Given, **more: Any) -> Reuse:
    """What it takes over from a run of the file as it stands above."""
    return reusable(ended(), given(a_file()), new, **more)


def test_with_the_same_file_only_what_was_not_completed_is_done_again() -> None:
    assert found(given(a_file())).steps == {"a": "", "b": "", "c": "it was not completed", "d": ""}


@pytest.mark.parametrize(
    ("steps", "again"),
    [
        (changed(3, command="false", type="deterministic"), {"d": "changed"}),
        (changed(0, command="echo {{v}}!"), {"a": "changed", "b": "behind a"}),
        (changed(0, description="says v"), {}),
        (changed(1, retries=3), {"b": "changed"}),
        ([*STEPS, {"name": "e", "dependsOn": ["d"]}], {"e": "new"}),
        (changed(3, dependsOn=["b"]), {"d": "changed"}),
    ],
)
def test_what_is_another_by_the_new_file_is_done_again_with_all_behind_it(steps: Steps, again: dict[str, str]) -> None:
    kept = {each["name"]: "" for each in steps}
    wanted = {**kept, "c": "it was not completed", **again}
    assert found(given(a_file(steps))).steps == wanted


def test_a_value_counts_where_it_stands() -> None:
    assert found(given(a_file(), v="9")).steps["a"] == "changed"
    assert found(given(a_file(), w="9")).kept == ("a", "b", "d")
    assert found(given(a_file(), v="1")).kept == ("a", "b", "d")  # as its default


def test_an_agent_of_another_kind_makes_its_steps_others() -> None:
    agents = [{"name": "A", "cli": "gemini", "preset": "worker"}]
    run = ended(last=Outcome.SUCCEEDED)
    assert reusable(run, given(a_file()), given(a_file())).kept == ("a", "b", "c", "d")
    assert reusable(run, given(a_file()), given(a_file(agents=agents))).kept == ("a", "b", "d")


def test_from_a_step_on_all_is_done_again() -> None:
    assert found(given(a_file()), first="b").steps == {"a": "", "b": "asked for", "c": "it was not completed", "d": ""}


def test_steps_that_are_gone_are_named() -> None:
    assert found(given(a_file(STEPS[:2]))).gone == ("c", "d")


def test_what_was_undone_is_done_again() -> None:
    steps: Steps = [{"name": "a"}, {"name": "b", "dependsOn": ["a"]}, {"name": "undo", "compensates": "a"}]
    file = file_of(steps, pattern="saga")
    driven = Driven(file)
    driven.end("a")
    driven.end("b", Outcome.FAILED)
    driven.end("undo")
    assert driven.states()["undo"] is StepState.COMPLETED
    assert reusable(driven.run, given(file), given(file)).kept == ()


def test_a_run_that_goes_on_begins_with_what_is_left() -> None:
    workflow = compile_workflow(a_file())
    facts: list[Fact] = [
        RunStarted(run="r"),
        *(Kept(step=name, run="before", output=f"of-{name}") for name in ("a", "d", "b")),
    ]
    journal = [Entry(at_ms=0, what=each) for each in facts]
    decided = next_of(workflow, journal)
    assert [each.step for each in decided if isinstance(each, StartAttempt)] == ["c"]
    run = fold(workflow, journal)
    assert (run.steps["a"].output, run.completed) == ("of-a", ["a", "d", "b"])
