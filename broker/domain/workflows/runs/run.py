"""A run as its journal tells it: a fold of entries, nothing decided.

Facts that come too late are no part of it: what an attempt says after another has begun, a timer of another attempt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import assert_never

from broker.domain.workflows.graphs.graph import Workflow
from broker.domain.workflows.runs.journal import (
    Aide,
    AideEnded,
    AskPerson,
    AttemptEnded,
    AttemptInterrupted,
    BeginRound,
    BreakBarrier,
    BudgetRaised,
    CancelAsked,
    ClockMoved,
    CompleteStep,
    CountVotes,
    EndRun,
    Entry,
    FailedByHand,
    FailStep,
    Kept,
    OpenBarrier,
    OrderHeld,
    ResumeAsked,
    RetriedByHand,
    RunStarted,
    RunState,
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
from broker.domain.workflows.runs.steps import UNDER_WAY, Mark, Roster, StepRun, StepState


@dataclass(slots=True)
class Run:
    """A run up to some entry of its journal."""

    workflow: Workflow
    id: str = ""
    state: RunState = RunState.RUNNING
    reason: str = ""
    at_ms: int = 0
    clock_ms: int = 0
    """By how much the store's clock was set since it began."""
    entries: int = 0
    cancelled: bool = False
    overdue: bool = False
    early: bool = False
    steps: dict[str, StepRun] = field(default_factory=dict)
    roster: Roster = field(init=False)
    timers: dict[str, SetTimer] = field(default_factory=dict)
    """Those that are set and have not fired."""
    set_once: set[str] = field(default_factory=set)
    """Names of barriers, and the run's own, whose timer was set."""
    open_gates: set[str] = field(default_factory=set)
    broken_gates: dict[str, str] = field(default_factory=dict)
    overdue_gates: set[str] = field(default_factory=set)
    completed: list[str] = field(default_factory=list)
    """Steps in the order of their completion, for compensations."""
    voted: bool = False
    choice: str | None = None
    tokens: dict[str, int] = field(default_factory=dict)
    """Spent, by step."""
    micro_usd: dict[str, int] = field(default_factory=dict)
    more_tokens: int = 0
    more_micro_usd: int = 0
    values: dict[str, StateSet] = field(default_factory=dict)
    _timers_of: dict[str, list[str]] = field(default_factory=dict)
    """By step: the names of its timers, and of some that have fired."""

    def __post_init__(self) -> None:
        self.roster = Roster(workflow=self.workflow)

    def value(self, key: str, *, at_ms: int) -> str | None:
        """What a step has kept under `key`, unless its life is over."""
        found = self.values.get(key)
        return None if found is None or (found.until_ms is not None and found.until_ms <= at_ms) else found.value

    def apply(self, entry: Entry) -> None:
        """Go on by one entry."""
        self.at_ms = max(self.at_ms, entry.at_ms)
        self.entries += 1
        match entry.what:
            case RunStarted(run=run):
                self.id = run
                self.steps = {name: StepRun() for name in self.workflow.steps}
                self.roster.begin()
            case AttemptEnded() | AttemptInterrupted() | AideEnded() | UsageTold() | OrderHeld():
                self._hear(entry.what)
            case TimerFired(name=name):
                self._fire(name)
            case CancelAsked():
                self.cancelled = True
                self._wake()
            case SkippedByHand() | RetriedByHand() | FailedByHand() | VoteSettled() | BudgetRaised():
                self._obey(entry.what)
            case Kept(step=step):
                self._keep(step, entry.what)
            case ResumeAsked(again=again):
                self._resume(again)
            case StateSet(key=key):
                self.values[key] = entry.what
            case ClockMoved(by_ms=by_ms):
                self.at_ms = entry.at_ms
                self._move_clock(by_ms)
            case _:
                self._note_decided(entry.what)

    def _move_clock(self, by_ms: int) -> None:
        """All but what waits for an instant that somebody else has named: when a vendor has room again."""
        self.clock_ms += by_ms
        for name, timer in self.timers.items():
            if timer.timer is not Timer.QUOTA:
                self.timers[name] = replace(timer, at_ms=timer.at_ms + by_ms)
        for key, kept in self.values.items():
            if kept.until_ms is not None:
                self.values[key] = replace(kept, until_ms=kept.until_ms + by_ms)
        for name in self.roster.names(*UNDER_WAY):
            self.steps[name].since_ms += by_ms

    def _keep(self, name: str, fact: Kept) -> None:
        if self.steps[name].state is StepState.PENDING:
            self._enter(name, StepState.COMPLETED, f"completed in run {fact.run}")
            self.steps[name].output, self.steps[name].choice = fact.output, fact.choice

    def _hear(self, fact: AttemptEnded | AttemptInterrupted | AideEnded | UsageTold | OrderHeld) -> None:
        step = self.steps[fact.step]
        if fact.attempt != step.attempt:
            return
        match fact:
            case AttemptEnded() if step.state is StepState.RUNNING and step.ended is None:
                step.ended = step.last = fact
                self.roster.mark(Mark.TOLD, fact.step)
                self._spend(fact)
            case AttemptInterrupted() if step.is_open:
                self._mark(fact.step, StepState.INTERRUPTED)
                step.reason = fact.reason
                step.tries -= 1
                step.interrupts += 1
                self._settle(fact.step)
            case AideEnded() if step.state is StepState.AIDED and step.aide is fact.aide:
                step.aide_ended = fact
                self.roster.mark(Mark.TOLD, fact.step)
                if step.last is not None and not fact.approved:
                    step.last = replace(step.last, reason=fact.reason or step.last.reason)
                self._spend(fact)
            case UsageTold() if step.state is StepState.RUNNING:
                step.spending = max(step.spending, fact.tokens)
            case OrderHeld() if step.state is StepState.RUNNING and step.is_open:
                self._hold(fact)
            case _:
                pass

    def _hold(self, fact: OrderHeld) -> None:
        self.steps[fact.step].reason = fact.reason
        before, after = (Mark.UNFOLLOWED, Mark.HELD) if fact.reason else (Mark.HELD, Mark.UNFOLLOWED)
        self.roster.unmark(before, fact.step)
        self.roster.mark(after, fact.step)

    def _spend(self, fact: AttemptEnded | AideEnded) -> None:
        self.tokens[fact.step] = self.tokens.get(fact.step, 0) + fact.tokens
        self.micro_usd[fact.step] = self.micro_usd.get(fact.step, 0) + fact.micro_usd
        self.steps[fact.step].spending = 0

    def _settle(self, name: str) -> None:
        """What an interrupted attempt has spent is known as far as it told."""
        step = self.steps[name]
        self.tokens[name] = self.tokens.get(name, 0) + step.spending
        step.spending = 0

    def _fire(self, name: str) -> None:
        timer = self.timers.get(name)
        if timer is not None and timer.at_ms > self.at_ms:
            return  # it was set anew since
        self.timers.pop(name, None)
        match timer:
            case None:
                pass
            case SetTimer(timer=Timer.RUN):
                self.overdue = True
            case SetTimer(timer=Timer.BARRIER, step=None):
                self.overdue_gates.add(name.removeprefix("barrier:"))
            case SetTimer(timer=Timer.TIMEOUT, step=str() as step):
                self.steps[step].overdue = True
                self.roster.mark(Mark.OVERDUE, step)
            case SetTimer(step=str() as step) if self.steps[step].state.waits:
                self.steps[step].due = True
                self.roster.mark(Mark.DUE, step)
            case _:
                pass

    def _obey(self, fact: SkippedByHand | RetriedByHand | FailedByHand | VoteSettled | BudgetRaised) -> None:
        """Carry out what a person wants, where it still fits; it may come twice, or too late."""
        match fact:
            case SkippedByHand():
                if self._may_be_skipped(fact.step):
                    self._enter(fact.step, StepState.COMPLETED, f"by {fact.by}")
                    self.steps[fact.step].by_hand, self.steps[fact.step].output = True, fact.output
                    self._wake()
            case RetriedByHand():
                if self.steps[fact.step].state is StepState.NEEDS_HUMAN:
                    self._again(fact.step)
                    self._wake()
            case FailedByHand():
                if self.steps[fact.step].state is StepState.NEEDS_HUMAN:
                    self._enter(fact.step, StepState.FAILED, f"given up by {fact.by}")
                    self._wake()
            case VoteSettled():
                if self.voted and self.choice is None:
                    self.choice = fact.choice
                    self._wake()
            case BudgetRaised():
                self.more_tokens += fact.tokens
                self.more_micro_usd += fact.micro_usd
                for name, step in self.steps.items():
                    if step.state is StepState.NEEDS_HUMAN and step.reason.startswith("budget"):
                        self._enter(name, StepState.PENDING)
                self._wake()
            case _ as other:
                assert_never(other)

    def _may_be_skipped(self, name: str) -> bool:
        state = self.steps[name].state
        ended_well = self.state in {RunState.COMPLETED, RunState.COMPLETED_EARLY}
        return not ended_well and not state.under_way and state is not StepState.COMPLETED

    def _wake(self) -> None:
        if self.state is RunState.NEEDS_HUMAN:
            self.state, self.reason = RunState.RUNNING, ""

    def _resume(self, again: Iterable[str]) -> None:
        """Only an ended run is resumed. Completed steps are kept, unless they were undone or are others now."""
        if self.state in {RunState.RUNNING, RunState.COMPLETED, RunState.COMPLETED_EARLY}:
            return
        self.state, self.reason, self.cancelled, self.overdue = RunState.RUNNING, "", False, False
        self.set_once.clear()
        self.overdue_gates.clear()
        self.broken_gates.clear()
        for name, step in self.steps.items():
            undone = step.undone or self.workflow.steps[name].compensates is not None
            if step.state is not StepState.COMPLETED or undone or name in set(again):
                self._again(name)
        self.open_gates = {each for each in self.open_gates if not self._is_closed_again(each)}
        if any(self.steps[each].state is not StepState.COMPLETED for each in self.workflow.voters):
            self.voted, self.choice = False, None

    def _is_closed_again(self, gate: str) -> bool:
        found = self.workflow.gates[gate]
        return sum(self.steps[each].state is StepState.COMPLETED for each in found.wait_for) < found.needed

    def _again(self, name: str) -> None:
        """Back to the start, with attempts counted on."""
        before = self.steps[name]
        self._mark(name, StepState.PENDING)
        self.steps[name] = StepRun(attempt=before.attempt)
        if name in self.completed:
            self.completed.remove(name)
        self._forget_timers(name)

    def _mark(self, name: str, state: StepState) -> None:
        self.roster.move(name, self.steps[name].state, state)
        self.steps[name].state = state

    def _enter(self, name: str, state: StepState, reason: str = "") -> None:
        step = self.steps[name]
        self._mark(name, state)
        step.reason = reason
        step.ended = step.aide = step.aide_ended = step.stopping = None
        step.due = step.overdue = step.timed = False
        self._forget_timers(name)
        if state is StepState.COMPLETED:
            self.completed.append(name)
            undone = self.workflow.steps[name].compensates
            if undone is not None:
                self.steps[undone].undone = True

    def _forget_timers(self, name: str) -> None:
        for each in self._timers_of.pop(name, ()):
            self.timers.pop(each, None)

    def _note_decided(self, what: object) -> None:
        match what:
            case StartAttempt(step=name, attempt=attempt):
                self._enter(name, StepState.RUNNING)
                self.steps[name].attempt, self.steps[name].since_ms = attempt, self.at_ms
                self.steps[name].tries += 1
            case StopAttempt(step=name, reason=reason):
                self.steps[name].stopping, self.steps[name].overdue = reason, False
                self.roster.unmark(Mark.OVERDUE, name)
                self.roster.unmark(Mark.UNSTOPPED, name)
                self.roster.mark(Mark.UNFOLLOWED, name)
            case StartAide(step=name, aide=aide):
                step = self.steps[name]
                self._mark(name, StepState.AIDED)
                if step.overdue:
                    self.roster.mark(Mark.OVERDUE, name)
                step.aide, step.aide_ended, step.since_ms = aide, None, self.at_ms
                step.repairs += aide is Aide.REPAIR
                self._forget_timers(name)
            case SetTimer():
                self._set(what)
            case BeginRound(step=name, steps=names, round=number):
                self._begin_round(name, names, number)
            case CompleteStep(step=name, early=early):
                self._complete(name)
                self.early = self.early or early
            case FailStep(step=name, reason=reason):
                self._enter(name, StepState.FAILED, reason)
            case SkipStep(step=name, reason=reason):
                self._enter(name, StepState.SKIPPED, reason)
            case AskPerson(step=name, reason=reason):
                self._enter(name, StepState.NEEDS_HUMAN, reason)
            case OpenBarrier(barrier=name):
                self.open_gates.add(name)
                self.roster.look_at_held_by(name)
            case BreakBarrier(barrier=name, reason=reason):
                self.broken_gates[name] = reason
                self.roster.look_at_held_by(name)
            case CountVotes(choice=choice):
                self.voted, self.choice = True, choice
            case EndRun(state=state, reason=reason):
                self.state, self.reason = state, reason
                if state is not RunState.NEEDS_HUMAN:
                    self.timers.clear()
                    self._timers_of.clear()

    def _complete(self, name: str) -> None:
        ended = self.steps[name].ended
        if ended is not None:
            self.steps[name].choice, self.steps[name].output = ended.choice, ended.output
        self._enter(name, StepState.COMPLETED)

    def _set(self, timer: SetTimer) -> None:
        self.timers[timer.name] = timer
        if timer.step is None:
            self.set_once.add(timer.name)
            return
        self._timers_of.setdefault(timer.step, []).append(timer.name)
        step = self.steps[timer.step]
        if timer.timer is Timer.TIMEOUT:
            step.timed = True
            self.roster.unmark(Mark.UNTIMED, timer.step)
        if timer.timer in {Timer.RETRY, Timer.QUOTA}:
            quota = timer.timer is Timer.QUOTA
            step.tries -= quota
            self._mark(timer.step, StepState.WAITING_QUOTA if quota else StepState.WAITING_RETRY)
            step.reason = step.ended.reason if step.ended else step.reason
            step.ended = step.aide = step.aide_ended = step.stopping = None

    def _begin_round(self, looping: str, names: tuple[str, ...], number: int) -> None:
        because = self.steps[looping].last
        for name in names:
            self._again(name)
            self.steps[name].last = because
        self.steps[looping].round = number
        touched = {gate.name for gate in self.workflow.gates.values() if set(gate.wait_for) & set(names)}
        self.open_gates -= touched
        self.overdue_gates -= touched
        for name in touched:
            self.broken_gates.pop(name, None)
            self.timers.pop(f"barrier:{name}", None)
            self.set_once.discard(f"barrier:{name}")
        if set(names) & set(self.workflow.voters):
            self.voted, self.choice = False, None


def fold(workflow: Workflow, history: Iterable[Entry]) -> Run:
    """The run that `history` tells of."""
    run = Run(workflow=workflow)
    for each in history:
        run.apply(each)
    return run
