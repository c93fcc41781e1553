"""How a process knows that the store's clock was set: it compares it with a clock of its own that nobody sets."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from broker.domain.ids import WorkspaceId
from broker.domain.timings import TIMINGS

_SLEEP_COUNTS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def uptime_ms() -> int:
    """Of a clock that nobody sets, and that goes on while a machine sleeps, where the system has such a one."""
    return time.clock_gettime_ns(_SLEEP_COUNTS) // 1_000_000


@dataclass(frozen=True, slots=True)
class _Visit:
    """When we were here last, by the store's clock and by ours, and by how much the store's had been set until then."""

    now_ms: int
    uptime_ms: int
    steps_ms: int


class Visits:
    """When this process has been at which workspace: what `notice_step` of `lib/clock` is told."""

    def __init__(self, uptime_ms: Callable[[], int] = uptime_ms) -> None:
        self._uptime_ms = uptime_ms
        self._last: dict[WorkspaceId, _Visit] = {}

    def told(self, workspace: WorkspaceId) -> dict[str, str | int]:
        """The arguments `before`, `lasted` and `steps` of a script."""
        last = self._last.get(workspace)
        if last is None:
            return {"before": "", "lasted": 0, "steps": 0}
        return {"before": last.now_ms, "lasted": self._uptime_ms() - last.uptime_ms, "steps": last.steps_ms}

    def note(self, workspace: WorkspaceId, *, now_ms: int, steps_ms: int) -> None:
        """What that script has answered."""
        self._last[workspace] = _Visit(now_ms, self._uptime_ms(), steps_ms)

    def was_set_ahead(self, workspace: WorkspaceId, now_ms: int) -> bool:
        """Whether the store shows `now_ms` far ahead of what it did, as time has passed here."""
        last = self._last.get(workspace)
        if last is None:
            return False
        return now_ms - last.now_ms - (self._uptime_ms() - last.uptime_ms) >= TIMINGS.clock_ahead_ms
