"""Acts on deadlines of all workspaces, and takes over what dead gateways held.

Any number may run: a timer is claimed by one of them. A timer that is set wakes the worker over the bus; a full sweep
now and then finds what the bus lost. So nothing is polled while nothing is due.
"""

from __future__ import annotations

import asyncio
import heapq
import logging

from broker.domain.ids import WorkspaceId
from broker.services.deadlines import Deadlines
from broker.services.ports import Links, Timers
from broker.workers.endurance import forever

_log = logging.getLogger(__name__)
_SWEEP_S = 30.0
_REAP_S = 5.0
GATEWAY_DEAD_MS = 15_000
"""Three missed heartbeats."""


class Timekeeper:
    """One worker's loop."""

    def __init__(self, timers: Timers, deadlines: Deadlines, links: Links) -> None:
        self._timers = timers
        self._deadlines = deadlines
        self._links = links
        self._due: list[tuple[float, WorkspaceId]] = []
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self._hear, self._sweep, self._reap, self._act):
                tasks.create_task(forever(part, name="worker"))

    async def _hear(self) -> None:
        async for item in self._timers.wakeups():
            if item is None:
                await self._look_at_all()
            else:
                self._look_at(*item)

    async def _sweep(self) -> None:
        while True:
            await self._look_at_all()
            await asyncio.sleep(_SWEEP_S)

    async def _look_at_all(self) -> None:
        for workspace in await self._timers.workspaces():
            self._look_at(workspace, 0.0)

    async def _reap(self) -> None:
        while True:
            if reaped := await self._links.reap(older_than_ms=GATEWAY_DEAD_MS):
                _log.warning("took over %d links of gateways that are gone", reaped)
            await asyncio.sleep(_REAP_S)

    def _look_at(self, workspace: WorkspaceId, in_s: float) -> None:
        heapq.heappush(self._due, (asyncio.get_running_loop().time() + in_s, workspace))
        self._changed.set()

    async def _act(self) -> None:
        while True:
            await self._until_due()
            workspaces = self._pop_due()
            for workspace in workspaces:
                next_s = await self._deadlines.run_due(workspace)
                if next_s is not None:
                    self._look_at(workspace, next_s)

    async def _until_due(self) -> None:
        while True:
            self._changed.clear()
            now = asyncio.get_running_loop().time()
            wait_s = self._due[0][0] - now if self._due else _SWEEP_S
            if wait_s <= 0:
                return
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _pop_due(self) -> set[WorkspaceId]:
        now = asyncio.get_running_loop().time()
        found = set()
        while self._due and self._due[0][0] <= now:
            found.add(heapq.heappop(self._due)[1])
        return found
