"""Drives all workspaces' runs of workflows as they are due.

Any number may run: a run is claimed by one of them, and whoever claims it later fences who claimed it before. Nothing
is polled: what steps wait for makes their run due, and a run that becomes the next one wakes the worker over the bus.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from broker.domain.errors import Fenced, RelayError, Unavailable
from broker.domain.ids import WorkspaceId
from broker.services.ports import ClaimedRun, Timers, WorkflowRecords
from broker.services.workflows.driver import Driver
from broker.services.workflows.errands import Errands
from broker.workers.agenda import Agenda
from broker.workers.endurance import attend

_log = logging.getLogger(__name__)
LEASE_S = 4.0
"""A run whose worker was killed is another's after that; whoever looks at one for longer renews it."""
_RENEW_S = LEASE_S / 4
_CLAIM = 50
"""Runs of one workspace, before others have their turn."""
_AT_ONCE = 8


class WorkflowWorker:
    """One worker's loop."""

    def __init__(self, workspaces: Timers, records: WorkflowRecords, driver: Driver, *, errands: Errands) -> None:
        self._errands = errands
        self._workspaces = workspaces
        self._records = records
        self._driver = driver
        self._agenda = Agenda()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Work until cancelled."""
        await attend(
            "workflows",
            self._act,
            self._errands.run,
            wakeups=self._records.wakeups,
            look_at=lambda due: self._agenda.put(*due),
            look_at_all=self._look_at_all,
        )

    async def _look_at_all(self) -> None:
        for workspace in await self._workspaces.workspaces():
            self._agenda.put(workspace)

    async def _act(self) -> None:
        await self._agenda.work(self._turn)

    async def _turn(self, workspace: WorkspaceId) -> float | None:
        """One workspace's turn; one with more to look at comes again behind the others."""
        claim = await self._records.claim(workspace, most=_CLAIM, lease_s=LEASE_S)
        held = set(claim.runs)
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(self._keep(workspace, held))
            async with asyncio.TaskGroup() as looks:
                for each in claim.runs:
                    looks.create_task(self._look(workspace, each, held=held, now_ms=claim.now_ms))
            keeping.cancel()
        return 0.0 if len(claim.runs) == _CLAIM else claim.next_in_s

    async def _keep(self, workspace: WorkspaceId, held: Collection[ClaimedRun]) -> None:
        """Renew what is not looked at yet, or takes long. Where that fails another may take it, which does no harm."""
        while True:
            await asyncio.sleep(_RENEW_S)
            try:
                await self._records.renew(workspace, list(held), lease_s=LEASE_S)
            except RelayError as error:
                _log.warning("workspace %s: leases of runs: %s", workspace, error.message)

    async def _look(self, workspace: WorkspaceId, claimed: ClaimedRun, *, held: set[ClaimedRun], now_ms: int) -> None:
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
            finally:
                held.discard(claimed)
