"""What a session's log has of a run: an event for each entry of its journal that people want to know of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from broker.domain.logs.events import EventKind
from broker.domain.workflows.graphs.graph import Workflow
from broker.domain.workflows.runs.journal import (
    AideEnded,
    AskPerson,
    AttemptEnded,
    AttemptInterrupted,
    BeginRound,
    BreakBarrier,
    BudgetRaised,
    CancelAsked,
    ClockMoved,
    Command,
    CompleteStep,
    CountVotes,
    EndRun,
    Fact,
    FailedByHand,
    FailStep,
    Kept,
    OpenBarrier,
    OrderHeld,
    ResumeAsked,
    RetriedByHand,
    RunStarted,
    SetTimer,
    SkippedByHand,
    SkipStep,
    StartAide,
    StartAttempt,
    StateSet,
    StopAttempt,
    Timer,
    TimerFired,
    UsageTold,
    VoteSettled,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event."""

    kind: EventKind
    data: dict[str, Any]


def tell(run: str, workflow: Workflow, what: Fact | Command) -> Told | None:
    """The event of an entry; None for what is only of use to the engine."""
    match what:
        case StartAttempt(step=step, attempt=attempt):
            spec = workflow.steps[step]
            return _step(EventKind.STEP_STARTED, run, step, attempt, type=spec.kind, by=spec.agent)
        case AttemptEnded(step=step, attempt=attempt):
            ended = {"outcome": what.outcome, "reason": what.reason, "tokens": what.tokens, "choice": what.choice}
            return _step(EventKind.STEP_ENDED, run, step, attempt, **ended)
        case AttemptInterrupted(step=step, attempt=attempt, reason=reason):
            return _step(EventKind.STEP_ENDED, run, step, attempt, outcome="interrupted", reason=reason)
        case OrderHeld(step=step, attempt=attempt, reason=reason) if reason:
            return _step(EventKind.STEP_CHANGED, run, step, attempt, state="held_back", reason=reason)
        case StartAide(step=step, attempt=attempt, aide=aide, agent=agent):
            return _step(EventKind.STEP_CHANGED, run, step, attempt, state="aided", aide=aide, by=agent)
        case AideEnded(step=step, attempt=attempt, aide=aide, approved=approved, reason=reason):
            about = {"aide": aide, "approved": approved, "reason": reason}
            return _step(EventKind.STEP_CHANGED, run, step, attempt, state="aide_ended", **about)
        case StopAttempt(step=step, attempt=attempt, reason=reason):
            return _step(EventKind.STEP_CHANGED, run, step, attempt, state="stopping", reason=reason)
        case SetTimer(timer=Timer.RETRY | Timer.QUOTA, step=str() as step, at_ms=at_ms):
            state = "waiting_quota" if what.timer is Timer.QUOTA else "waiting_retry"
            return _step(EventKind.STEP_CHANGED, run, step, None, state=state, until_ms=at_ms)
        case BeginRound(step=step, round=number, steps=steps):
            return _step(EventKind.STEP_CHANGED, run, step, None, state="again", round=number, steps=steps)
        case CompleteStep(step=step, early=early):
            return _step(EventKind.STEP_CHANGED, run, step, None, state="completed", early=early or None)
        case FailStep(step=step, reason=reason):
            return _step(EventKind.STEP_CHANGED, run, step, None, state="failed", reason=reason)
        case SkipStep(step=step, reason=reason):
            return _step(EventKind.STEP_CHANGED, run, step, None, state="skipped", reason=reason)
        case AskPerson(step=step, reason=reason):
            return _step(EventKind.STEP_CHANGED, run, step, None, state="needs_human", reason=reason)
        case Kept(step=step, run=other):
            return _step(EventKind.STEP_CHANGED, run, step, None, state="completed", kept_from=other)
        case SkippedByHand(step=step, by=by):
            return _step(EventKind.STEP_CHANGED, run, step, None, state="completed", by=by)
        case RetriedByHand(step=step, by=by):
            return _step(EventKind.STEP_CHANGED, run, step, None, state="pending", by=by)
        case FailedByHand(step=step, by=by):
            return _step(EventKind.STEP_CHANGED, run, step, None, state="failed", by=by)
        case EndRun(state=state, reason=reason):
            return _run(EventKind.WORKFLOW_ENDED, run, workflow=workflow.name, state=state, reason=reason)
        case CancelAsked(by=by):
            return _run(EventKind.WORKFLOW_CHANGED, run, change="cancelled", by=by)
        case ResumeAsked(by=by, again=again):
            return _run(EventKind.WORKFLOW_CHANGED, run, change="resumed", by=by, steps=again)
        case VoteSettled(by=by, choice=choice):
            return _run(EventKind.WORKFLOW_CHANGED, run, change="vote_settled", by=by, choice=choice)
        case BudgetRaised(by=by, tokens=tokens, micro_usd=micro_usd):
            more = {"tokens": tokens, "micro_usd": micro_usd}
            return _run(EventKind.WORKFLOW_CHANGED, run, change="budget_raised", by=by, **more)
        case OpenBarrier(barrier=barrier):
            return _run(EventKind.WORKFLOW_CHANGED, run, change="barrier_open", barrier=barrier)
        case BreakBarrier(barrier=barrier, reason=reason):
            return _run(EventKind.WORKFLOW_CHANGED, run, change="barrier_broken", barrier=barrier, reason=reason)
        case CountVotes(choice=choice):
            return _run(EventKind.WORKFLOW_CHANGED, run, change="votes_counted", choice=choice)
        case OrderHeld() | RunStarted() | TimerFired() | UsageTold() | StateSet() | ClockMoved() | SetTimer():
            return None


def _step(kind: EventKind, run: str, step: str, attempt: int | None, **more: Any) -> Told:
    said = {name: value for name, value in more.items() if value not in (None, "", 0)}
    return Told(kind=kind, data={"run": run, "step": step, **({"attempt": attempt} if attempt else {}), **said})


def _run(kind: EventKind, run: str, **more: Any) -> Told:
    said = {name: value for name, value in more.items() if value not in (None, "")}
    return Told(kind=kind, data={"run": run, **said})
