"""Where the steps of a run stand, and which of them a decision has to look at."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import merge
from itertools import chain

from broker.domain.workflows.graphs.graph import Workflow
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


@dataclass(slots=True)
class Roster:
    """The steps by their state, always in the order of the file, so that a decision need not look at all of them."""

    workflow: Workflow
    unsettled: int = 0
    """How many are not final, compensations left out."""
    _numbers: dict[StepState, list[int]] = field(default_factory=dict)
    _frontier: list[int] = field(default_factory=list)
    """Pending steps of which something before has ended, or that have nothing before; maybe some more."""

    def begin(self) -> None:
        """All are pending."""
        self._numbers = {state: [] for state in StepState}
        self._numbers[StepState.PENDING] = list(range(len(self.workflow.steps)))
        self.unsettled = len(self.workflow.forward)
        self._frontier = [
            self.workflow.numbers[each.name] for each in self.workflow.forward if not self.workflow.before[each.name]
        ]

    def copy(self) -> Roster:
        """One that goes its own way."""
        numbers = {state: list(found) for state, found in self._numbers.items()}
        return Roster(
            workflow=self.workflow, unsettled=self.unsettled, _numbers=numbers, _frontier=list(self._frontier)
        )

    def move(self, name: str, old: StepState, new: StepState) -> None:
        """The step has gone from one state to another, or begun the same one anew."""
        number = self.workflow.numbers[name]
        _remove(self._numbers[old], number)
        insort(self._numbers[new], number)
        _remove(self._frontier, number)
        forward = self.workflow.steps[name].compensates is None
        self.unsettled += (old.final - new.final) * forward
        if new is StepState.PENDING:
            self._look_at(name)
        elif new.final:
            for each in self.workflow.dependents.get(name, ()):
                self._look_at(each)

    def look_at_held_by(self, barrier: str) -> None:
        """The barrier is open or broken."""
        for each in self.workflow.forward:
            if barrier in each.gates:
                self._look_at(each.name)

    def _look_at(self, name: str) -> None:
        number = self.workflow.numbers[name]
        pending = _has(self._numbers[StepState.PENDING], number)
        if pending and self.workflow.steps[name].compensates is None and not _has(self._frontier, number):
            insort(self._frontier, number)

    def names(self, *states: StepState) -> Iterator[str]:
        """Those in one of the states, in the order of the file."""
        return self._find_named([self._numbers[each] for each in states])

    def any(self, *states: StepState) -> bool:
        """Whether there are any in one of the states."""
        return any(self._numbers[each] for each in states)

    def frontier(self, *states: StepState) -> Iterator[str]:
        """Pending steps that may have become ready or impossible, with those in the states, in the file's order."""
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
