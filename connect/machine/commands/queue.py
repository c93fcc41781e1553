"""Which run is next: a few at once, those of one line one after the other. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_O = TypeVar("_O")
MOST_AT_ONCE = 4
"""Programs of this machine's user, beside the agents that everything is for."""
MOST_WAITING = 100
"""More than that nobody waits for."""


class RunQueue(Generic[_O]):
    """First come, first served, as far as the runs of one line keep their order."""

    def __init__(
        self, *, line: Callable[[_O], Hashable], at_once: int = MOST_AT_ONCE, waiting: int = MOST_WAITING
    ) -> None:
        """`line`: orders with the same are carried out one after the other."""
        self._line = line
        self._at_once = at_once
        self._most = waiting
        self._waiting: deque[_O] = deque()
        self._running: set[Hashable] = set()
        self.dropped = 0
        """How many found no place in it, ever."""

    def offer(self, order: _O) -> bool:
        """Take a run; False when there is no place for it."""
        if len(self._waiting) >= self._most and not self._is_free(order):
            self.dropped += 1
            return False
        self._waiting.append(order)
        return True

    def next(self) -> _O | None:
        """The run to begin now; it counts as running until `done`."""
        if len(self._running) >= self._at_once:
            return None
        for place, order in enumerate(self._waiting):
            if self._line(order) not in self._running:
                del self._waiting[place]
                self._running.add(self._line(order))
                return order
        return None

    def finish(self, order: _O) -> None:
        """A run is over."""
        self._running.discard(self._line(order))

    def drop(self, order: _O) -> bool:
        """Take out one that waits; whether it did."""
        if order not in self._waiting:
            return False
        self._waiting.remove(order)
        return True

    def empty(self) -> list[_O]:
        """Take out all that wait."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def _is_free(self, order: _O) -> bool:
        """Whether it would begin at once."""
        taken = {*self._running, *map(self._line, self._waiting)}
        return len(self._running) < self._at_once and self._line(order) not in taken
