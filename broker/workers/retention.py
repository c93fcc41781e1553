"""Looks after every workspace's retention, again and again. Any number of workers may: each step can be repeated."""

from __future__ import annotations

import asyncio

from broker.services.ports import Timers
from broker.services.retention import RetentionKeeper
from broker.workers.endurance import forever

_EVERY_S = 30.0


class RetentionWorker:
    """One worker's loop."""

    def __init__(self, workspaces: Timers, keeper: RetentionKeeper) -> None:
        self._workspaces = workspaces
        self._keeper = keeper

    async def run(self) -> None:
        """Work until cancelled."""
        await forever(self._tend, name="retention")

    async def _tend(self) -> None:
        while True:
            for workspace in await self._workspaces.workspaces():
                await self._keeper.tend(workspace)
            await asyncio.sleep(_EVERY_S)
