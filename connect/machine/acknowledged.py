"""The latest reports that the broker has acknowledged: in a fail-over it may forget them again."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

_LIMIT_BYTES = 1024 * 1024
"""Of states, and as much again of frames. A replica lags by parts of a second, in which agents say less than this."""
_IS_FRAME = b'"report":{"type":"frame"'
_HEAD = 64
"""Bytes that the number and the type of a report take at most."""


@dataclass(slots=True)
class _Latest:
    limit_bytes: int
    kept: deque[tuple[int, bytes]] = field(default_factory=deque)
    size: int = 0
    let_go: int = 0
    """The last number that is kept no more."""

    def add(self, seq: int, report: bytes) -> None:
        self.kept.append((seq, report))
        self.size += len(report)
        while self.size > self.limit_bytes:
            self.let_go, oldest = self.kept.popleft()
            self.size -= len(oldest)


class Acknowledged:
    """Held in memory: what a process before this one was told is over with the agents that it was about.

    States are kept apart, so that however much the agents say, what they do is known.
    """

    def __init__(self, *, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self.clear()

    def clear(self) -> None:
        """Begin again: they are to be sent once more, or their numbers are no longer theirs."""
        self._states = _Latest(self._limit_bytes)
        self._frames = _Latest(self._limit_bytes)

    def add(self, first: int, reports: Sequence[bytes]) -> None:
        """Keep reports, the first of which has that number."""
        for seq, report in enumerate(reports, start=first):
            (self._frames if _IS_FRAME in report[:_HEAD] else self._states).add(seq, report)

    def after(self, seq: int) -> list[bytes]:
        """Those behind a number that are still here, in order."""
        found = [each for latest in (self._states, self._frames) for each in latest.kept if each[0] > seq]
        return [report for _, report in sorted(found)]

    def lacks_states(self, seq: int) -> bool:
        """Whether a state behind a number was kept once, and is no more."""
        return self._states.let_go > seq
