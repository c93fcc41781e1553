"""What a run's journal consists of: facts that have happened, and decisions, each written before its effect.

A decision that has an effect carries its id, derived from run, step and attempt: however often it is carried out anew,
whoever receives it knows it as the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How an attempt ended, as the engine's own verification has it and not the agent."""

    SUCCEEDED = "succeeded"
    EARLY = "early"
    """Succeeded, and nothing else needs to be done."""
    FAILED = "failed"
    REJECTED = "rejected"
    """It did what it was told, and the verification is not content."""
    DENIED = "denied"
    """A person said no."""
    NEEDS_HUMAN = "needs_human"
    """It was not begun, or not looked at, until a person allows something; `reason` says what they do for that."""
    QUOTA = "quota"
    """The vendor's limit is reached until `retry_at_ms`."""


class RunState(StrEnum):
    """Where a run stands. Those after `needs_human` are ends, from which only a resumption leads back."""

    RUNNING = "running"
    NEEDS_HUMAN = "needs_human"
    """Nothing goes on until a person decides."""
    COMPLETED = "completed"
    COMPLETED_EARLY = "completed_early"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Aide(StrEnum):
    """An agent beside a step's own."""

    REVIEW = "review"
    REPAIR = "repair"
    DIAGNOSIS = "diagnosis"
    """Says why a verification was not content, before the next attempt."""


class Timer(StrEnum):
    """What a timer is for."""

    RETRY = "retry"
    QUOTA = "quota"
    TIMEOUT = "timeout"
    BARRIER = "barrier"
    RUN = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The first entry of every journal."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded:
    """An attempt has come to its end, and was verified."""

    step: str
    attempt: int
    outcome: Outcome
    reason: str = ""
    output: str = ""
    """Where the output is kept, or its hash: never the output."""
    choice: str | None = None
    """What a voter chose."""
    tokens: int = 0
    micro_usd: int = 0
    retry_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptInterrupted:
    """It is certain that the attempt goes on no more, and nobody knows how far it came."""

    step: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AideEnded:
    """An agent beside the step's own is done. Of a review it counts how it went, of a repair what it has changed."""

    step: str
    attempt: int
    aide: Aide
    approved: bool
    reason: str = ""
    trespassed: bool = False
    """It has changed a protected path: what judges the step can be trusted no longer."""
    tokens: int = 0
    micro_usd: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTold:
    """What a running attempt has spent so far."""

    step: str
    attempt: int
    tokens: int
    micro_usd: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHeld:
    """A machine is not given the attempt's command yet, for that reason; '' once it was."""

    step: str
    attempt: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """A timer that was set is due."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAsked:
    """Somebody wants the run to end."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The step was completed in another run, which this one goes on from."""

    step: str
    run: str
    output: str = ""
    choice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedByHand:
    """Somebody has done the step otherwise: it counts as completed, with the output given."""

    step: str
    by: str
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetriedByHand:
    """Somebody wants a step that needs a person to be tried again."""

    step: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedByHand:
    """Somebody gives a step that needs a person up."""

    step: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteSettled:
    """Somebody has decided a vote that had no winner."""

    choice: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRaised:
    """Somebody allows more to be spent; what waited for that goes on."""

    by: str
    tokens: int = 0
    micro_usd: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeAsked:
    """Somebody wants an ended run to go on. `again` are completed steps whose definition or inputs are others now."""

    by: str
    again: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSet:
    """A step has kept a value for the run."""

    key: str
    value: str
    until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMoved:
    """The store's clock was set, ahead by so much or back: what was to be in so many seconds still is."""

    by_ms: int


Fact = (
    RunStarted
    | AttemptEnded
    | AttemptInterrupted
    | AideEnded
    | UsageTold
    | OrderHeld
    | TimerFired
    | CancelAsked
    | Kept
    | SkippedByHand
    | RetriedByHand
    | FailedByHand
    | VoteSettled
    | BudgetRaised
    | ResumeAsked
    | StateSet
    | ClockMoved
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAttempt:
    """Do the step. What that is, its definition says."""

    step: str
    attempt: int
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAttempt:
    """End the attempt; its end is told like any other's."""

    step: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAide:
    """Let an agent review, repair or explain after an attempt."""

    step: str
    attempt: int
    aide: Aide
    agent: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimer:
    """Tell the run when an instant has come."""

    name: str
    timer: Timer
    at_ms: int
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginRound:
    """Do the steps of a loop once more."""

    step: str
    round: int
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteStep:
    """The step is done."""

    step: str
    early: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FailStep:
    """The step has failed for good."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipStep:
    """The step is not done."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPerson:
    """The step needs a person; the rest of the run goes on."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBarrier:
    """Enough of a barrier's steps are completed."""

    barrier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakBarrier:
    """There will never be enough of them, or not in time."""

    barrier: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountVotes:
    """All voters are done. None: no choice has won, and a person decides."""

    choice: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRun:
    """The run has come to an end, or rests until a person decides."""

    state: RunState
    reason: str = ""


Command = (
    StartAttempt
    | StopAttempt
    | StartAide
    | SetTimer
    | BeginRound
    | CompleteStep
    | FailStep
    | SkipStep
    | AskPerson
    | OpenBarrier
    | BreakBarrier
    | CountVotes
    | EndRun
)
EFFECTS = (StartAttempt, StopAttempt, StartAide, SetTimer)
"""Decisions that somebody has to carry out; the others are true by being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a journal."""

    at_ms: int
    what: Fact | Command
