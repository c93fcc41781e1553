"""What a run does next: a pure function of the definition and the journal.

Whoever drives a run appends each decision to the journal before it is carried out, so a process may die between any two
lines: the next one folds the journal, gets no decision a second time, and carries out again, under the same ids, those
whose outcome is not known (`outstanding`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from broker.domain.workflows.files.definition import OnInterrupt, Strategy
from broker.domain.workflows.graphs.graph import Step, Workflow
from broker.domain.workflows.runs.budgets import over_budget
from broker.domain.workflows.runs.effects import effect_id
from broker.domain.workflows.runs.journal import (
    Aide,
    AskPerson,
    BeginRound,
    Command,
    CompleteStep,
    EndRun,
    Entry,
    FailStep,
    Outcome,
    RunState,
    SetTimer,
    SkipStep,
    StartAide,
    StartAttempt,
    StopAttempt,
    Timer,
)
from broker.domain.workflows.runs.meeting import decide_gates, decide_votes, is_held
from broker.domain.workflows.runs.outlook import (
    explain_block,
    fatal_steps,
    is_not_needed,
    is_ready,
    is_winding_down,
    next_compensation,
)
from broker.domain.workflows.runs.run import Run, fold
from broker.domain.workflows.runs.steps import UNDER_WAY, WAITING, Mark, StepRun, StepState

_MOST_INTERRUPTS = 5
"""A step that its machine loses again and again is looked at by a person."""


def next(workflow: Workflow, history: Iterable[Entry]) -> list[Command]:  # noqa: A001 - the engine's one question
    """The decisions that follow from `history`, in their order. After they are appended there are none."""
    return advance(fold(workflow, history))


def advance(run: Run) -> list[Command]:
    """Decide until nothing follows any more, and bring `run` to there. Decisions are as of the newest entry."""
    decided: list[Command] = []
    while run.state is RunState.RUNNING:
        command = _decide_one(run)
        if command is None:
            break
        run.apply(Entry(at_ms=run.at_ms, what=command))
        decided.append(command)
    return decided


def outstanding(run: Run) -> list[Command]:
    """What was decided and has an effect whose outcome is not known: safe to be carried out again."""
    found: list[Command] = list(run.timers.values())
    for name in run.roster.names(*UNDER_WAY):
        step = run.steps[name]
        if not step.is_open:
            continue
        if step.aide is None:
            found.append(_start(run, name, step.attempt))
        else:
            found.append(_aide(run, run.workflow.steps[name], step.aide))
        if step.stopping is not None:
            found.append(StopAttempt(step=name, attempt=step.attempt, reason=step.stopping))
    return found


_Rule = Callable[[Run], Iterator[Command]]


def _decide_one(run: Run) -> Command | None:
    """The first decision of the first rule that has one.

    One at a time: so each follows from the journal alone, wherever the writing of several was cut off.
    """
    return _first(command for rule in _RULES for command in rule(run))


def _first(commands: Iterator[Command]) -> Command | None:
    for each in commands:
        return each
    return None


def _settle(run: Run) -> Iterator[Command]:
    """Judge what has come to an end."""
    for name in sorted(
        [*run.roster.marked(Mark.TOLD), *run.roster.names(StepState.INTERRUPTED)], key=run.workflow.numbers.__getitem__
    ):
        step, spec = run.steps[name], run.workflow.steps[name]
        if step.state is StepState.RUNNING and step.ended is not None:
            yield from _judge(run, spec, step)
        elif step.state is StepState.AIDED and step.aide_ended is not None:
            yield from _judge_aide(run, spec, step)
        elif step.state is StepState.INTERRUPTED:
            yield from _judge_interrupted(run, spec, step)


def _judge(run: Run, spec: Step, step: StepRun) -> Iterator[Command]:
    ended = step.ended
    assert ended is not None
    match ended.outcome:
        case Outcome.SUCCEEDED if spec.review is not None and _stops_everything(run):
            yield _drop(run, spec, "there was no time for its review")
        case Outcome.SUCCEEDED if spec.review is not None:
            yield _aide(run, spec, Aide.REVIEW)
        case Outcome.SUCCEEDED | Outcome.EARLY:
            yield CompleteStep(step=spec.name, early=ended.outcome is Outcome.EARLY)
        case Outcome.DENIED:
            yield FailStep(step=spec.name, reason=ended.reason or "denied")
        case Outcome.NEEDS_HUMAN if not _is_over_for(run, spec):
            yield AskPerson(step=spec.name, reason=ended.reason)
        case Outcome.QUOTA if not _is_over_for(run, spec):
            at_ms = ended.retry_at_ms or run.at_ms + spec.waits.before(1, seed=run.id)
            yield _wait(spec, step, Timer.QUOTA, at_ms)
        case Outcome.REJECTED if step.round < spec.rounds and not _is_over_for(run, spec):
            yield _next_round(run, spec, step)
        case _:
            yield from _after_failure(run, spec, step, reason=step.stopping or ended.reason)


def _after_failure(run: Run, spec: Step, step: StepRun, *, reason: str) -> Iterator[Command]:
    """Repair and retry as the file says, else fail; a run that ends tries nothing again."""
    if _is_over_for(run, spec):
        yield _drop(run, spec, reason)
    elif not may_retry(spec, step):
        yield _give_up(run, spec, reason)
    elif spec.diagnosis is not None and step.aide is None and step.ended and step.ended.outcome is Outcome.REJECTED:
        yield _aide(run, spec, Aide.DIAGNOSIS)
    elif step.repairs < spec.repairs and step.aide is not Aide.REPAIR:
        yield _aide(run, spec, Aide.REPAIR)
    else:
        wait = spec.waits.before(step.tries, seed=effect_id(run.id, spec.name, step.attempt))
        yield _wait(spec, step, Timer.RETRY, run.at_ms + wait)


def may_retry(spec: Step, step: StepRun) -> bool:
    """Whether the step's policy allows another attempt."""
    return step.tries <= spec.retries


def _give_up(run: Run, spec: Step, reason: str) -> Command:
    if run.workflow.asks_when_exhausted and spec.compensates is None:
        return AskPerson(step=spec.name, reason=reason)
    return FailStep(step=spec.name, reason=reason)


def _judge_aide(run: Run, spec: Step, step: StepRun) -> Iterator[Command]:
    ended = step.aide_ended
    assert ended is not None
    if ended.aide is Aide.REVIEW and ended.approved:
        yield CompleteStep(step=spec.name)
    elif ended.aide is Aide.REVIEW and step.round < spec.rounds and not _is_over_for(run, spec):
        yield _next_round(run, spec, step)
    elif ended.trespassed:
        yield FailStep(step=spec.name, reason=ended.reason)
    else:
        yield from _after_failure(run, spec, step, reason=ended.reason or step.reason or "rejected by the reviewer")


def _judge_interrupted(run: Run, spec: Step, step: StepRun) -> Iterator[Command]:
    if _is_over_for(run, spec):
        yield _drop(run, spec, step.reason)
    elif may_repeat_interrupted(spec) and step.interrupts <= _MOST_INTERRUPTS:
        yield _wait(spec, step, Timer.RETRY, run.at_ms)
    else:
        yield AskPerson(step=spec.name, reason=f"interrupted: {step.reason}")


def may_repeat_interrupted(spec: Step) -> bool:
    """Whether an attempt of which nobody knows how far it came may be followed by another."""
    return spec.on_interrupt is OnInterrupt.RETRY


def _is_over_for(run: Run, spec: Step) -> bool:
    """Whether nothing is tried again. Compensations are: they begin when all else is over."""
    return spec.compensates is None and is_winding_down(run) is not None


def _drop(run: Run, spec: Step, reason: str) -> Command:
    """End a step of a run that ends. What is merely no longer needed has not failed."""
    if run.early:
        return SkipStep(step=spec.name, reason="the run is completed")
    return FailStep(step=spec.name, reason=reason)


def _next_round(run: Run, spec: Step, step: StepRun) -> BeginRound:
    settled = (each for each in spec.repeats if each == spec.name or run.steps[each].state.final)
    return BeginRound(step=spec.name, round=step.round + 1, steps=tuple(settled))


def _wait(spec: Step, step: StepRun, timer: Timer, at_ms: int) -> SetTimer:
    return SetTimer(name=f"{timer}:{spec.name}:{step.attempt}", timer=timer, at_ms=at_ms, step=spec.name)


def _stop(run: Run) -> Iterator[Command]:
    """Tell what runs to stop, when its time is over or the run's end does not wait for it."""
    whole = _stops_everything(run)
    for name in run.roster.marked(Mark.UNSTOPPED if whole else Mark.OVERDUE):
        step = run.steps[name]
        if not step.is_open or step.stopping is not None:
            continue
        compensates = run.workflow.steps[name].compensates is not None
        if step.overdue:
            yield StopAttempt(step=name, attempt=step.attempt, reason="timeout")
        elif whole and not compensates:
            yield StopAttempt(step=name, attempt=step.attempt, reason=whole)


def _stops_everything(run: Run) -> str | None:
    if run.cancelled:
        return "cancelled"
    if run.overdue:
        return "the run's time is over"
    if run.early:
        return "the run is completed"
    if run.workflow.strategy is Strategy.FAIL_FAST and fatal_steps(run):
        return "another step has failed"
    return None


def _leave_out(run: Run) -> Iterator[Command]:
    """Skip what cannot run any more or is not needed; when the run winds down, all that has not begun."""
    winding = is_winding_down(run)
    for name in run.roster.names(StepState.PENDING) if winding else run.roster.marked(Mark.DOUBTFUL):
        spec = run.workflow.steps[name]
        reason = explain_block(run, spec) or is_not_needed(run, spec) or winding
        if reason and spec.compensates is None:
            yield SkipStep(step=name, reason=reason)
        elif not winding:
            run.roster.unmark(Mark.DOUBTFUL, name)  # until something else before it has ended
    for name in run.roster.names(*WAITING, StepState.NEEDS_HUMAN) if winding else run.roster.marked(Mark.DUE):
        step, spec = run.steps[name], run.workflow.steps[name]
        if spec.compensates is not None:
            continue
        blocked = explain_block(run, spec) if step.due else None  # a loop has done again what it needs, in vain
        if winding:
            yield _drop(run, spec, step.reason)
        elif blocked:
            yield FailStep(step=name, reason=blocked)


def _begin(run: Run) -> Iterator[Command]:
    """Start what is ready, in the order of the file, as far as there are places and budget."""
    places = _places(run)
    if places.at_once <= 0 and run.workflow.only_works:
        return
    for name in run.roster.frontier(*WAITING):
        step, spec = run.steps[name], run.workflow.steps[name]
        if spec.compensates is not None:
            continue
        waits = step.state.waits and not step.due
        if waits or not is_ready(run, spec):
            continue
        if not places.has_room(spec):
            continue
        over = over_budget(run, spec)
        if over is None:
            yield _start(run, spec.name, step.attempt + 1)
        elif over:
            yield AskPerson(step=spec.name, reason=f"budget: {over}")


def _start(run: Run, name: str, attempt: int) -> StartAttempt:
    return StartAttempt(step=name, attempt=attempt, effect=effect_id(run.id, name, attempt))


def _aide(run: Run, spec: Step, aide: Aide) -> StartAide:
    agent = {Aide.REVIEW: spec.review, Aide.REPAIR: spec.repair_agent, Aide.DIAGNOSIS: spec.diagnosis}[aide]
    attempt = run.steps[spec.name].attempt
    effect = effect_id(run.id, spec.name, attempt, aide=aide)
    return StartAide(step=spec.name, attempt=attempt, aide=aide, agent=agent or "", effect=effect)


@dataclass(slots=True)
class _Places:
    """What is left of the limits on how much goes on at once."""

    at_once: int
    talking: int | None

    def has_room(self, spec: Step) -> bool:
        if not spec.works:
            return True
        return self.at_once > 0 and not (spec.talks and self.talking is not None and self.talking <= 0)


def _places(run: Run) -> _Places:
    talking = run.workflow.max_talking
    return _Places(
        at_once=run.workflow.max_at_once - run.roster.working,
        talking=None if talking is None else talking - run.roster.talking,
    )


def _set_timers(run: Run) -> Iterator[Command]:
    """Of the run, of attempts, and of barriers from when their first step begins."""
    if run.workflow.timeout_ms and "run" not in run.set_once:
        yield SetTimer(name="run", timer=Timer.RUN, at_ms=run.at_ms + run.workflow.timeout_ms)
    for step_name in run.roster.marked(Mark.UNTIMED):
        step, spec = run.steps[step_name], run.workflow.steps[step_name]
        if spec.timeout_ms and not step.timed and step.ended is None:
            yield _wait(spec, step, Timer.TIMEOUT, run.at_ms + spec.timeout_ms)
    for gate in run.workflow.gates.values():
        name = f"barrier:{gate.name}"
        if not gate.timeout_ms or name in run.set_once or not is_held(run, gate.name):
            continue
        if any(run.steps[each].attempt for each in gate.wait_for):
            yield SetTimer(name=name, timer=Timer.BARRIER, at_ms=run.at_ms + gate.timeout_ms)


def _compensate(run: Run) -> Iterator[Command]:
    """When the run has failed, undo what was completed: the newest first, one after the other."""
    if run.roster.unsettled or not run.workflow.compensations or not is_winding_down(run):
        return
    for spec in run.workflow.compensations.values():
        step = run.steps[spec.name]
        if step.state.under_way or step.state is StepState.NEEDS_HUMAN or (step.state.waits and not step.due):
            return
        if step.state.waits:
            yield _start(run, spec.name, step.attempt + 1)
    following = next_compensation(run)
    if following is not None:
        yield _start(run, following.name, run.steps[following.name].attempt + 1)


def _end(run: Run) -> Iterator[Command]:
    """End the run when every step is settled; let it rest when only people lead further."""
    if run.roster.unsettled == 0:
        unsettled = [each for each in run.workflow.compensations.values() if not run.steps[each.name].state.final]
        if any(run.steps[each.name].state is not StepState.PENDING for each in unsettled):
            if not any(run.steps[each.name].state.under_way or run.steps[each.name].state.waits for each in unsettled):
                yield EndRun(state=RunState.NEEDS_HUMAN, reason=_asks(run))
        elif unsettled and (not is_winding_down(run) or next_compensation(run) is None):
            yield from (SkipStep(step=each.name, reason="there is nothing to undo") for each in unsettled)
        elif not unsettled and run.voted and run.choice is None and not is_winding_down(run):
            yield EndRun(state=RunState.NEEDS_HUMAN, reason="the vote has no winner")
        elif not unsettled:
            yield _conclude(run)
    elif not run.roster.any(*UNDER_WAY, *WAITING):
        yield EndRun(state=RunState.NEEDS_HUMAN, reason=_asks(run))


def _asks(run: Run) -> str:
    asking = [f"{name}: {run.steps[name].reason}" for name in run.roster.names(StepState.NEEDS_HUMAN)]
    return "; ".join(asking) or "the vote has no winner"


def _conclude(run: Run) -> EndRun:
    fatal = fatal_steps(run)
    if run.cancelled:
        return EndRun(state=RunState.CANCELLED)
    if run.overdue:
        return EndRun(state=RunState.FAILED, reason="the run's time is over")
    if fatal:
        return EndRun(state=RunState.FAILED, reason="; ".join(f"{each}: {run.steps[each].reason}" for each in fatal))
    return EndRun(state=RunState.COMPLETED_EARLY if run.early else RunState.COMPLETED)


_RULES: tuple[_Rule, ...] = (
    _settle,
    decide_gates,
    decide_votes,
    _stop,
    _leave_out,
    _set_timers,
    _begin,
    _compensate,
    _end,
)
