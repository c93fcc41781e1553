"""Where the steps of a run stand, and which of them a decision has to look at."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum, auto
from heapq import merge
from itertools import chain

from broker.domain.workflows.graphs.graph import Step, Workflow
from broker.domain.workflows.runs.journal import Aide, AideEnded, AttemptEnded


class StepState(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    RUNNING = "running"
    AIDED = "aided"
    """A reviewer or a repair agent works after its attempt."""
    WAITING_RETRY = "waiting_retry"
    WAITING_QUOTA = "waiting_quota"
    INTERRUPTED = "interrupted"
    NEEDS_HUMAN = "needs_human"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def final(self) -> bool:
        """Whether only a person or another round leads further."""
        return self in {StepState.COMPLETED, StepState.FAILED, StepState.SKIPPED}

    @property
    def under_way(self) -> bool:
        """Whether somebody works on it."""
        return self in {StepState.RUNNING, StepState.AIDED}

    @property
    def waits(self) -> bool:
        """Whether a timer leads further."""
        return self in {StepState.WAITING_RETRY, StepState.WAITING_QUOTA}


@dataclass(slots=True)
class StepRun:
    """One step of a run."""

    state: StepState = StepState.PENDING
    since_ms: int = 0
    """When its newest attempt, or the agent beside it, was begun."""
    attempt: int = 0
    """The number of the newest; they are never used again."""
    tries: int = 0
    """Attempts that count against `retries`."""
    round: int = 1
    repairs: int = 0
    interrupts: int = 0
    reason: str = ""
    ended: AttemptEnded | None = None
    """How the newest attempt ended, as long as nothing is decided on it."""
    last: AttemptEnded | None = None
    """How the attempt before ended, or what sends it into another round: for who tries next."""
    aide: Aide | None = None
    aide_ended: AideEnded | None = None
    overdue: bool = False
    """Its timeout is over, and it is not told to stop yet."""
    stopping: str | None = None
    """Why it was told to stop."""
    timed: bool = False
    """The timer of its timeout was set."""
    due: bool = False
    """Its wait is over."""
    choice: str | None = None
    output: str = ""
    by_hand: bool = False
    undone: bool = False
    spending: int = 0
    """Tokens of the running attempt, as last told."""

    @property
    def is_open(self) -> bool:
        """Whether somebody works on it whose end was not told."""
        if self.state is StepState.RUNNING:
            return self.ended is None
        return self.state is StepState.AIDED and self.aide_ended is None


class Mark(Enum):
    """Why a decision looks at a step among many in its state. A mark is lost with the state that it was set in."""

    TOLD = auto()
    """Its attempt has ended, or the agent beside it, and nothing is decided on that."""
    OVERDUE = auto()
    """Its timeout is over, and it is not told to stop."""
    UNSTOPPED = auto()
    """Somebody works on it who is not told to stop."""
    UNTIMED = auto()
    """It runs, and the timer of its timeout is not set."""
    DUE = auto()
    """Its wait is over."""
    DOUBTFUL = auto()
    """It is pending, and may have become impossible or superfluous."""
    HELD = auto()
    """Its machine has no room for its command: it is ordered later."""
    UNFOLLOWED = auto()
    """Somebody works on it, and whoever drives the run has to look what has become of that: nobody tells."""


@dataclass(slots=True)
class Roster:
    """The steps by their state and by what is to be done about them, always in the order of the file.

    So a decision looks at those alone that it may be about: what it costs does not grow with how many others go on.
    """

    workflow: Workflow
    unsettled: int = 0
    """How many are not final, compensations left out."""
    working: int = 0
    """How many take one of the places of `maxConcurrency`."""
    talking: int = 0
    """How many agents that talk are at work."""
    _numbers: dict[StepState, list[int]] = field(default_factory=dict)
    _marked: dict[Mark, list[int]] = field(default_factory=dict)
    _frontier: list[int] = field(default_factory=list)
    """Pending steps that nothing unfinished stands before but barriers; maybe some more."""
    _awaited: list[int] = field(default_factory=list)
    """By the step's number: of how many steps that have to be completed first the end is not known."""

    def begin(self) -> None:
        """All are pending."""
        self._numbers = {state: [] for state in StepState}
        self._numbers[StepState.PENDING] = list(range(len(self.workflow.steps)))
        self._marked = {mark: [] for mark in Mark}
        self.unsettled, self.working, self.talking = len(self.workflow.forward), 0, 0
        self._awaited = [len(set(each.after)) for each in self.workflow.steps.values()]
        self._frontier = [
            self.workflow.numbers[each.name] for each in self.workflow.forward if not self.workflow.before[each.name]
        ]

    def copy(self) -> Roster:
        """One that goes its own way."""
        return replace(
            self,
            _numbers={state: list(found) for state, found in self._numbers.items()},
            _marked={mark: list(found) for mark, found in self._marked.items()},
            _frontier=list(self._frontier),
            _awaited=list(self._awaited),
        )

    def move(self, name: str, old: StepState, new: StepState) -> None:
        """The step has gone from one state to another, or begun the same one anew."""
        number, spec = self.workflow.numbers[name], self.workflow.steps[name]
        _remove(self._numbers[old], number)
        insort(self._numbers[new], number)
        _remove(self._frontier, number)
        for found in self._marked.values():
            _remove(found, number)
        self.unsettled += (old.final - new.final) * (spec.compensates is None)
        self.working += (new.under_way - old.under_way) * spec.works
        self.talking += (new.under_way - old.under_way) * spec.talks
        if old.final != new.final:
            for each in self.workflow.followers.get(name, ()):
                self._awaited[self.workflow.numbers[each]] += -1 if new.final else 1
        if new is StepState.PENDING:
            self._look_at(name)
            self.mark(Mark.DOUBTFUL, name)
        elif new.final:
            self._look_behind(spec, new)
        elif new.under_way:
            self.mark(Mark.UNSTOPPED, name)
            self.mark(Mark.UNFOLLOWED, name)
            if new is StepState.RUNNING and spec.timeout_ms:
                self.mark(Mark.UNTIMED, name)

    def mark(self, mark: Mark, name: str) -> None:
        """There is that to be done about the step."""
        number = self.workflow.numbers[name]
        if not _has(self._marked[mark], number):
            insort(self._marked[mark], number)

    def unmark(self, mark: Mark, name: str) -> None:
        """There is no more."""
        _remove(self._marked[mark], self.workflow.numbers[name])

    def marked(self, mark: Mark) -> list[str]:
        """Those with the mark, in the order of the file."""
        return [self.workflow.names[number] for number in self._marked[mark]]

    def look_at_held_by(self, barrier: str) -> None:
        """The barrier is open or broken."""
        for each in self.workflow.forward:
            if barrier in each.gates:
                self._look_at(each.name)
                self._doubt(each.name)

    def _look_behind(self, spec: Step, state: StepState) -> None:
        """What the end of a step may lead to."""
        met = state is StepState.COMPLETED or spec.optional
        for each in self.workflow.dependents.get(spec.name, ()):
            self._look_at(each)
            if not met or self.workflow.steps[each].instead_of == spec.name:
                self._doubt(each)

    def _look_at(self, name: str) -> None:
        number = self.workflow.numbers[name]
        if self._awaited[number] or not self._is_pending(name) or _has(self._frontier, number):
            return
        if self.workflow.steps[name].compensates is None:
            insort(self._frontier, number)

    def _doubt(self, name: str) -> None:
        if self._is_pending(name):
            self.mark(Mark.DOUBTFUL, name)

    def _is_pending(self, name: str) -> bool:
        return _has(self._numbers[StepState.PENDING], self.workflow.numbers[name])

    def names(self, *states: StepState) -> Iterator[str]:
        """Those in one of the states, in the order of the file."""
        return self._find_named([self._numbers[each] for each in states])

    def any(self, *states: StepState) -> bool:
        """Whether there are any in one of the states."""
        return any(self._numbers[each] for each in states)

    def frontier(self, *states: StepState) -> Iterator[str]:
        """Pending steps that may have become ready, with those in the states, in the file's order."""
        return self._find_named([self._frontier, *(self._numbers[each] for each in states)])

    def _find_named(self, lists: Sequence[list[int]]) -> Iterator[str]:
        """Mostly one of them has anything: every decision asks, so what it takes to merge them counts."""
        filled = [each for each in lists if each]
        return map(self.workflow.names.__getitem__, merge(*filled) if len(filled) > 1 else chain(*filled))


def _has(numbers: list[int], number: int) -> bool:
    place = bisect_left(numbers, number)
    return place < len(numbers) and numbers[place] == number


def _remove(numbers: list[int], number: int) -> None:
    if _has(numbers, number):
        del numbers[bisect_left(numbers, number)]


UNDER_WAY = (StepState.RUNNING, StepState.AIDED)
"""Somebody works on it."""
WAITING = (StepState.WAITING_RETRY, StepState.WAITING_QUOTA)
"""A timer leads further."""
