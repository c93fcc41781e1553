"""Drives all workspaces' runs of workflows as they are due.

Any number may run: a run is claimed by one of them, and whoever claims it later fences who claimed it before. Nothing
is polled: what steps wait for makes their run due, and a run that becomes the next one wakes the worker over the bus.
"""

from __future__ import annotations

import asyncio
import logging

from broker.domain.errors import Fenced, Unavailable
from broker.domain.ids import WorkspaceId
from broker.services.ports import ClaimedRun, Timers, WorkflowRecords
from broker.services.workflows.driver import Driver
from broker.workers.endurance import forever, heed, sweep

_log = logging.getLogger(__name__)
_SWEEP_S = 30.0
LEASE_S = 15.0
"""Longer than any look takes; a run whose worker was killed is another's after that."""
_CLAIM = 50
"""Runs of one workspace, before others have their turn."""
_AT_ONCE = 8
_RETRY_S = 1.0


class WorkflowWorker:
    """One worker's loop."""

    def __init__(self, workspaces: Timers, records: WorkflowRecords, driver: Driver) -> None:
        self._workspaces = workspaces
        self._records = records
        self._driver = driver
        self._due: dict[WorkspaceId, float] = {}
        self._changed = asyncio.Event()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self._hear, self._sweep, self._act):
                tasks.create_task(forever(part, name="workflows"))

    async def _hear(self) -> None:
        await heed(self._records.wakeups(), lambda due: self._look_at(*due), self._look_at_all)

    async def _sweep(self) -> None:
        await sweep(self._look_at_all, every_s=_SWEEP_S)

    async def _look_at_all(self) -> None:
        for workspace in await self._workspaces.workspaces():
            self._look_at(workspace, 0.0)

    def _look_at(self, workspace: WorkspaceId, in_s: float) -> None:
        at = asyncio.get_running_loop().time() + in_s
        self._due[workspace] = min(at, self._due.get(workspace, at))
        self._changed.set()

    async def _act(self) -> None:
        while True:
            await self._until_due()
            now = asyncio.get_running_loop().time()
            for workspace in [each for each, at in self._due.items() if at <= now]:
                del self._due[workspace]
                await self._turn(workspace)

    async def _turn(self, workspace: WorkspaceId) -> None:
        """One workspace's turn; one with more to look at comes again behind the others."""
        try:
            claim = await self._records.claim(workspace, most=_CLAIM, lease_s=LEASE_S)
        except Unavailable:
            self._look_at(workspace, _RETRY_S)
            raise
        async with asyncio.TaskGroup() as tasks:
            for each in claim.runs:
                tasks.create_task(self._look(workspace, each, now_ms=claim.now_ms))
        if len(claim.runs) == _CLAIM:
            self._look_at(workspace, 0.0)
        elif claim.next_in_s is not None:
            self._look_at(workspace, claim.next_in_s)

    async def _look(self, workspace: WorkspaceId, claimed: ClaimedRun, *, now_ms: int) -> None:
        """One that fails holds up no other: it is claimed again when its lease has ended."""
        async with self._room:
            try:
                await self._driver.look(workspace, claimed, now_ms=now_ms)
            except Fenced:
                pass
            except Unavailable as error:
                _log.warning("workspace %s: run %s: %s", workspace, claimed.id, error.message)
            except Exception:  # the top of what is done for one run
                _log.exception("workspace %s: run %s: unforeseen error", workspace, claimed.id)

    async def _until_due(self) -> None:
        while True:
            self._changed.clear()
            now = asyncio.get_running_loop().time()
            wait_s = min(self._due.values(), default=now + _SWEEP_S) - now
            if wait_s <= 0:
                return
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                continue
