"""How the log store is, for `/readyz`: whoever asks, and however often, it is looked at once a second at most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from broker.domain.errors import Unavailable
from broker.services.ports import LogStore

_FRESH_S = 1.0
_PATIENCE_S = 2.0
"""A store that takes longer is away, and whoever asks must hear so before it gives up."""


class LogHealth:
    """The state of one process's log store in a few words."""

    def __init__(self, logs: LogStore | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._logs = logs
        self._clock = clock
        self._looking = asyncio.Lock()
        self._seen: tuple[float, str] | None = None

    async def state(self) -> str:
        """`ready`, `damaged: …`, `degraded: …`, `not kept`. Sessions go on in each of them: what waits is kept."""
        async with self._looking:
            if self._seen is None or self._clock() - self._seen[0] >= _FRESH_S:
                state = await self._look()
                self._seen = self._clock(), state
            return self._seen[1]

    async def _look(self) -> str:
        if self._logs is None:
            return "not kept"
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._logs.check()
        except Unavailable as error:
            return f"degraded: {error.message}"
        except TimeoutError:
            return f"degraded: the log store did not answer within {_PATIENCE_S:.0f} s"
        if self._logs.damage is not None:
            return f"damaged: {self._logs.damage}"
        return "ready" if not self._logs.degraded else f"ready, {self._logs.degraded}"
