"""Hooks that are started over and over by the files that they write themselves, found by how they left them."""

from __future__ import annotations

import contextlib
from collections import OrderedDict, deque
from collections.abc import Sequence
from pathlib import Path

_MOST_STARTS = 5
_WITHIN_S = 60.0
PAUSE_S = 600.0
_MOST_HOOKS = 1000

_State = tuple[int, int, int]
"""What changes with each write: time, size, inode."""


class LoopGuard:
    """A start counts when all files that it is given are as an earlier run of the same hook has left them.

    More than five such starts in a minute pause the hook for ten.
    """

    def __init__(self) -> None:
        self._left: OrderedDict[str, dict[Path, _State]] = OrderedDict()
        self._starts: dict[str, deque[float]] = {}
        self._until: dict[str, float] = {}

    def is_paused(self, hook: str, files: Sequence[Path], *, now: float) -> bool:
        """Whether a start is one too many. `now` is the loop's time."""
        if now < self._until.get(hook, now):
            return True
        left = self._left.get(hook, {})
        if not files or any(left.get(file) != _state(file) for file in files):
            return False
        starts = self._starts.setdefault(hook, deque())
        starts.append(now)
        while starts[0] <= now - _WITHIN_S:
            starts.popleft()
        if len(starts) <= _MOST_STARTS:
            return False
        starts.clear()
        self._until[hook] = now + PAUSE_S
        return True

    def begins(self, files: Sequence[Path]) -> dict[Path, _State | None]:
        """How the files are before a run, for `ran`."""
        return {file: _state(file) for file in files}

    def ran(self, hook: str, before: dict[Path, _State | None]) -> None:
        """A run is over; what it has written of the files that it was given is its own doing."""
        after = {file: _state(file) for file in before}
        written = {file: state for file, state in after.items() if state is not None and state != before[file]}
        # What it leaves alone it has left as it was: formatters write nothing the second time.
        kept = {file: state for file, state in self._left.get(hook, {}).items() if after.get(file, state) == state}
        self._left[hook] = {**kept, **written}
        self._left.move_to_end(hook)
        if len(self._left) > _MOST_HOOKS:
            gone, _ = self._left.popitem(last=False)
            self._starts.pop(gone, None)
            self._until.pop(gone, None)
        while len(self._left[hook]) > _MOST_HOOKS:
            self._left[hook].pop(next(iter(self._left[hook])))


def _state(file: Path) -> _State | None:
    with contextlib.suppress(OSError, ValueError):
        found = file.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino
    return None
