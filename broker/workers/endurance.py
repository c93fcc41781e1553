"""What keeps the parts of a worker going, whatever happens to them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from broker.domain.errors import Unavailable

_log = logging.getLogger(__name__)
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 15.0
"""So a store that was away for long is used again this soon after it came back."""

K = TypeVar("K", bound=Hashable)


class Patience(Generic[K]):
    """Which of many are left alone for a while because they failed; the pauses grow while one fails again."""

    def __init__(self, *, longest_s: float = _LONGEST_PAUSE_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest_s = longest_s
        self._clock = clock
        self._pauses: dict[K, tuple[float, float]] = {}
        """The last pause, and when it is over."""

    def is_over(self, who: K) -> bool:
        """Whether it may be tried."""
        return who not in self._pauses or self._clock() >= self._pauses[who][1]

    def note(self, who: K, *, failed: bool) -> None:
        """It was tried."""
        if not failed:
            self._pauses.pop(who, None)
            return
        last_s = self._pauses[who][0] if who in self._pauses else _FIRST_PAUSE_S / 2
        pause_s = min(2 * last_s, self._longest_s)
        self._pauses[who] = pause_s, self._clock() + pause_s


async def forever(part: Callable[[], Awaitable[None]], *, name: str, first_pause_s: float = _FIRST_PAUSE_S) -> None:
    """Run a part again whenever it fails, until cancelled; the pauses grow while it fails at once."""
    now = asyncio.get_running_loop().time
    pause_s = first_pause_s
    while True:
        began = now()
        try:
            await part()
        except Unavailable as error:
            _log.warning("%s: %s", name, error.message)
        except Exception:  # the top of a task
            _log.exception("%s: unforeseen error; going on", name)
        if now() - began > _LONGEST_PAUSE_S:
            pause_s = first_pause_s
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
