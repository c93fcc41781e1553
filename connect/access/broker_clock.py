"""The broker's time as this machine carries it on: two hosts' clocks are never compared."""

from __future__ import annotations

import time
from collections.abc import Callable

_SLEEP_COUNTS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def uptime_s() -> float:
    """A clock that nobody sets, and that goes on while a laptop sleeps, where the system has such a one."""
    return time.clock_gettime(_SLEEP_COUNTS)


def _uptime_ms() -> float:
    return uptime_s() * 1000


class BrokerClock:
    """Told at each welcome; between them this machine's own uptime is added."""

    def __init__(self, *, uptime_ms: Callable[[], float] = _uptime_ms) -> None:
        self._uptime_ms = uptime_ms
        self._ahead_ms: float | None = None

    def set(self, now_ms: int) -> None:
        """It is `now_ms` (Unix time) at the broker."""
        self._ahead_ms = now_ms - self._uptime_ms()

    def is_past(self, at_ms: int) -> bool:
        """Whether that instant is over at the broker; never, while the broker has not said what time it is."""
        return self._ahead_ms is not None and self._uptime_ms() + self._ahead_ms > at_ms

    def measure_left_s(self, until_ms: int) -> float | None:
        """How long until that instant; None while the broker has not said what time it is."""
        return None if self._ahead_ms is None else (until_ms - self._ahead_ms - self._uptime_ms()) / 1000
