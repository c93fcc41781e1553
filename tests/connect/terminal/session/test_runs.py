"""What the terminal says of runs of workflows."""

from __future__ import annotations

from connect.sdk.facts import StepChanged, StepEnded, StepStarted, WorkflowChanged, WorkflowEnded, WorkflowStarted
from connect.terminal.session.runs import RunFact, run_line

RUN = "0123456789abcdef"


def words(fact: RunFact) -> str | None:
    line = run_line(fact)
    return None if line is None else "".join(text for _, text in line)


def test_each_thing_that_happens_in_a_run_is_one_line_and_the_end_of_an_attempt_none() -> None:
    assert words(WorkflowStarted(run=RUN, name="release", steps=["a", "b"])) == (
        "✓ workflow release began (2 steps), run 01234567"
    )
    assert words(StepStarted(run=RUN, step="a", attempt=2, by="Backend")) == "· step a began by Backend, attempt 2"
    assert words(StepEnded(run=RUN, step="a", outcome="succeeded")) is None
    assert words(StepChanged(run=RUN, step="a", state="needs_human", reason="no")) == "! step a needs a person: no"
    assert words(StepChanged(run=RUN, step="a", state="completed")) == "✓ step a completed"
    assert words(WorkflowChanged(run=RUN, change="cancelled", by="Ada")) == "· workflow run 01234567: cancelled by Ada"
    assert words(WorkflowEnded(run=RUN, state="failed", reason="a: no")) == "! workflow run 01234567 failed: a: no"


def test_what_agents_have_named_stays_on_one_line() -> None:
    said = words(StepChanged(run=RUN, step="a\nb", state="failed", reason="x\ny"))
    assert said is not None
    assert "\n" not in said
