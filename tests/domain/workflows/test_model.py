"""The engine keeps its promises whatever happens, and the checker would see it if it did not."""

import dataclasses
from collections.abc import Iterator

import pytest

from broker.domain.workflows.graphs.graph import Step
from broker.domain.workflows.runs import engine, outlook, run
from broker.domain.workflows.runs.effects import effect_id
from broker.domain.workflows.runs.journal import Command, CompleteStep
from broker.domain.workflows.runs.run import Run
from broker.domain.workflows.runs.steps import Mark, Roster, StepRun
from tests.domain.workflows.model import BrokenPromise, look_through

_STATES = 4000
_EACH = 100
"""Of one workflow: many workflows find more than many states of one."""


def test_whatever_happens_no_step_is_lost_none_is_done_twice_and_the_end_is_true() -> None:
    seen, workflows, ends = look_through(states=_STATES, each=_EACH)
    assert seen >= _STATES
    assert workflows > 10
    assert {str(each) for each in ends} == {"completed", "completed_early", "failed", "cancelled"}


def _one_retry_too_many(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "may_retry", lambda spec, step: step.tries <= spec.retries + 1)


def _ids_without_attempts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "effect_id", lambda run, step, attempt, *, aide=None: effect_id(run, step, 0, aide=aide))


def _failed_dependencies_count(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outlook, "is_met", lambda run, name: run.steps[name].state.final)


def _what_cannot_run_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    _without(patch, "_leave_out")


def _what_a_failure_makes_impossible_is_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Roster, "_doubt", lambda roster, name: None)


def _what_becomes_ready_is_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Roster, "_look_at", lambda roster, name: None)


def _what_is_too_late_is_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    mark = Roster.mark
    patch.setattr(Roster, "mark", lambda roster, what, name: what is Mark.OVERDUE or mark(roster, what, name))


def _failures_are_not_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "fatal_steps", lambda run: [])


def _interrupted_is_done_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "may_repeat_interrupted", lambda spec: True)


def _any_number_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "_places", lambda run: engine._Places(at_once=1000, talking=None))


def _late_reports_count(patch: pytest.MonkeyPatch) -> None:
    heard = Run._hear

    def hear(self: Run, fact: object) -> None:
        number = self.steps[fact.step].attempt  # type: ignore[attr-defined]  # all that are heard have both
        object.__setattr__(fact, "attempt", number)
        heard(self, fact)  # type: ignore[arg-type]  # see above

    patch.setattr(run.Run, "_hear", hear)


def _nothing_is_stopped(patch: pytest.MonkeyPatch) -> None:
    _without(patch, "_stop")


def _the_oldest_is_undone_first(patch: pytest.MonkeyPatch) -> None:
    def oldest(run: Run) -> Step | None:
        states = ((run.workflow.compensations.get(name), name) for name in run.completed)
        return next((spec for spec, _ in states if spec and run.steps[spec.name].attempt == 0), None)

    patch.setattr(engine, "next_compensation", oldest)


def _interrupted_counts_as_done(patch: pytest.MonkeyPatch) -> None:
    def judge(run: Run, spec: Step, step: StepRun) -> Iterator[Command]:
        yield CompleteStep(step=spec.name)

    patch.setattr(engine, "_judge_interrupted", judge)


def _a_spoilt_repair_counts(patch: pytest.MonkeyPatch) -> None:
    judge = engine._judge_aide

    def forgiving(run: Run, spec: Step, step: StepRun) -> Iterator[Command]:
        if step.aide_ended is not None:
            step.aide_ended = dataclasses.replace(step.aide_ended, trespassed=False)
        yield from judge(run, spec, step)

    patch.setattr(engine, "_judge_aide", forgiving)


def _without(patch: pytest.MonkeyPatch, rule: str) -> None:
    patch.setattr(engine, "_RULES", tuple(each for each in engine._RULES if each.__name__ != rule))


@pytest.mark.parametrize(
    ("seed_bug", "says"),
    [
        (_one_retry_too_many, "times, and may be"),
        (_ids_without_attempts, "nothing can happen"),
        (_failed_dependencies_count, "succeeded"),
        (_what_cannot_run_is_forgotten, "asks nothing"),
        (_what_a_failure_makes_impossible_is_not_looked_at, "overlooks"),
        (_what_becomes_ready_is_not_looked_at, "overlooks"),
        (_what_is_too_late_is_not_looked_at, "overlooks|nothing can happen"),
        (_failures_are_not_told, "said to be completed, without"),
        (_interrupted_is_done_again, "times, and may be"),
        (_any_number_at_once, "maxConcurrency"),
        (_late_reports_count, "at once|did not end well|goes on"),
        (_nothing_is_stopped, "nothing can happen"),
        (_the_oldest_is_undone_first, "is undone before"),
        (_interrupted_counts_as_done, "did not end well"),
        (_a_spoilt_repair_counts, "changed what judges it"),
    ],
)
def test_a_seeded_fault_is_found(seed_bug: object, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(seed_bug)
    seed_bug(monkeypatch)
    with pytest.raises(BrokenPromise, match=says):
        look_through(states=_STATES * 4, each=_EACH)
