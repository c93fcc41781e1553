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
from broker.workers.agenda import Agenda
from broker.workers.endurance import forever, heed, sweep

_log = logging.getLogger(__name__)
_SWEEP_S = 30.0
LEASE_S = 15.0
"""Longer than any look takes; a run whose worker was killed is another's after that."""
_CLAIM = 50
"""Runs of one workspace, before others have their turn."""
_AT_ONCE = 8


class WorkflowWorker:
    """One worker's loop."""

    def __init__(self, workspaces: Timers, records: WorkflowRecords, driver: Driver) -> None:
        self._workspaces = workspaces
        self._records = records
        self._driver = driver
        self._agenda = Agenda()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self._hear, self._sweep, self._act):
                tasks.create_task(forever(part, name="workflows"))

    async def _hear(self) -> None:
        await heed(self._records.wakeups(), lambda due: self._agenda.put(*due), self._look_at_all)

    async def _sweep(self) -> None:
        await sweep(self._look_at_all, every_s=_SWEEP_S)

    async def _look_at_all(self) -> None:
        for workspace in await self._workspaces.workspaces():
            self._agenda.put(workspace)

    async def _act(self) -> None:
        await self._agenda.work(self._turn)

    async def _turn(self, workspace: WorkspaceId) -> float | None:
        """One workspace's turn; one with more to look at comes again behind the others."""
        claim = await self._records.claim(workspace, most=_CLAIM, lease_s=LEASE_S)
        async with asyncio.TaskGroup() as tasks:
            for each in claim.runs:
                tasks.create_task(self._look(workspace, each, now_ms=claim.now_ms))
        return 0.0 if len(claim.runs) == _CLAIM else claim.next_in_s

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
