"""Which run of a hook is next: a few at once, those of one hook and one agent one after the other. Pure."""

from __future__ import annotations

from collections import deque

from broker.protocol.proxy import RunHook

MOST_AT_ONCE = 4
"""Programs of this machine's user, beside the agents that everything is for."""
MOST_WAITING = 100
"""More than that nobody waits for."""


class RunQueue:
    """First come, first served, as far as one hook's runs for one agent keep their order."""

    def __init__(self, *, at_once: int = MOST_AT_ONCE, waiting: int = MOST_WAITING) -> None:
        self._at_once = at_once
        self._most = waiting
        self._waiting: deque[RunHook] = deque()
        self._running: set[tuple[str, str]] = set()
        self.dropped = 0
        """How many found no place in it, ever."""

    def offer(self, order: RunHook) -> bool:
        """Take a run; False when there is no place for it."""
        if len(self._waiting) >= self._most and not self._is_free(order):
            self.dropped += 1
            return False
        self._waiting.append(order)
        return True

    def next(self) -> RunHook | None:
        """The run to begin now; it counts as running until `done`."""
        if len(self._running) >= self._at_once:
            return None
        for place, order in enumerate(self._waiting):
            if _line(order) not in self._running:
                del self._waiting[place]
                self._running.add(_line(order))
                return order
        return None

    def done(self, order: RunHook) -> None:
        """A run is over."""
        self._running.discard(_line(order))

    def empty(self) -> list[RunHook]:
        """Take out all that wait."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def _is_free(self, order: RunHook) -> bool:
        """Whether it would begin at once."""
        taken = {*self._running, *map(_line, self._waiting)}
        return len(self._running) < self._at_once and _line(order) not in taken


def _line(order: RunHook) -> tuple[str, str]:
    return order.hook, order.agent
