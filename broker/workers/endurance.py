"""What keeps the parts of a worker going, whatever happens to them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId

_log = logging.getLogger(__name__)
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 15.0
"""So a store that was away for long is used again this soon after it came back."""

_SWEEP_S = 30.0

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


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


class EachWorkspace:
    """Looks after each workspace, again and again; one that fails holds up no other, and is left alone for a while."""

    def __init__(
        self,
        name: str,
        *,
        all_: Callable[[], Awaitable[Iterable[WorkspaceId]]],
        tend: Callable[[WorkspaceId], Awaitable[object]],
        every_s: float,
        longest_pause_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name`: what is done, for the log; `longest_pause_s`: of one that fails over and over."""
        self._name = name
        self._log = logging.getLogger(type(self).__module__)
        self._all = all_
        self._tend = tend
        self._every_s = every_s
        self._patience: Patience[WorkspaceId] = Patience(longest_s=longest_pause_s, clock=clock)

    async def run(self) -> None:
        """Work until cancelled."""
        await forever(lambda: sweep(self.tend_all, every_s=self._every_s), name=self._name)

    async def tend_all(self) -> None:
        """Look after each once, but those that are left alone."""
        for workspace in await self._all():
            if self._patience.is_over(workspace):
                self._patience.note(workspace, failed=not await self._tend_safely(workspace))

    async def _tend_safely(self, workspace: WorkspaceId) -> bool:
        try:
            await self._tend(workspace)
        except Unavailable as error:
            self._log.warning("%s of workspace %s: %s", self._name, workspace, error.message)
            return False
        except Exception:  # the top of a task: one task looks after all
            self._log.exception("%s of workspace %s: unforeseen error", self._name, workspace)
            return False
        return True


async def attend(
    name: str,
    *parts: Callable[[], Awaitable[None]],
    wakeups: Callable[[], AsyncIterator[T | None]],
    look_at: Callable[[T], None],
    look_at_all: Callable[[], Awaitable[None]],
) -> None:
    """Run a worker's parts until cancelled.

    It looks at what it is woken for; at all when some wakings may be lost (None), and now and then.
    """

    async def heed() -> None:
        async for item in wakeups():
            if item is None:
                await look_at_all()
            else:
                look_at(item)

    async with asyncio.TaskGroup() as tasks:
        for part in (heed, lambda: sweep(look_at_all, every_s=_SWEEP_S), *parts):
            tasks.create_task(forever(part, name=name))


async def sweep(look_at_all: Callable[[], Awaitable[None]], *, every_s: float) -> None:
    """Look at all now and then: it finds what no waking told of."""
    while True:
        await look_at_all()
        await asyncio.sleep(every_s)


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
