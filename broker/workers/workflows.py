"""Drives all workspaces' runs of workflows as they are due.

Any number may run: a run is claimed by one of them, and whoever claims it later fences who claimed it before. Nothing
is polled: what steps wait for makes their run due, and a run that becomes the next one wakes the worker over the bus.
A run whose step ends on a machine is handed to the worker that brought it so far, which has it in mind.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import defaultdict

from broker.domain.errors import Fenced, RelayError, Unavailable
from broker.domain.ids import WorkspaceId
from broker.domain.timings import TIMINGS
from broker.services.ports import ClaimedRun, Timers, WorkflowRecords
from broker.services.workflows.driver import Driver
from broker.services.workflows.steps.errands import Errands
from broker.task_scope import TaskScope, task_scope
from broker.workers.agenda import Agenda
from broker.workers.endurance import attend, forever

_log = logging.getLogger(__name__)
LEASE_S = TIMINGS.workflow_lease_ms / 1000
_RENEW_S = LEASE_S / 4
_CLAIM = 50
"""Runs of one workspace, before others have their turn."""
_AT_ONCE = 8
_IN_MIND = 4 * _AT_ONCE
"""A worker that holds more asks for none of them to be handed to it again: another may be idle."""


class WorkflowWorker:
    """One worker's loop."""

    def __init__(self, workspaces: Timers, records: WorkflowRecords, driver: Driver, *, errands: Errands) -> None:
        self._errands = errands
        self._workspaces = workspaces
        self._records = records
        self._driver = driver
        self._agenda = Agenda()
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._name = secrets.token_hex(8)
        self._held: defaultdict[WorkspaceId, set[ClaimedRun]] = defaultdict(set)
        """What was claimed, or handed over, and is not let go of."""

    async def run(self) -> None:
        """Work until cancelled."""
        await attend(
            "workflows",
            self._act,
            self._take_handed,
            self._keep,
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
        self._held[workspace].update(claim.runs)
        try:
            async with task_scope() as looks:
                for each in claim.runs:
                    looks.create_task(self._look(workspace, each, now_ms=claim.now_ms))
        finally:
            self._held[workspace].difference_update(claim.runs)
        return 0.0 if len(claim.runs) == _CLAIM else claim.next_in_s

    async def _take_handed(self) -> None:
        """A subscription that is lost ends no look."""
        async with task_scope() as looks:
            await forever(lambda: self._look_at_handed(looks), name="workflows that are handed over")

    async def _look_at_handed(self, looks: TaskScope) -> None:
        async for each in self._records.handed(self._name):
            if each is None:
                continue  # what was handed over meanwhile is claimed when its lease has ended
            self._held[each.workspace].add(each.claimed)
            looks.create_task(self._look(each.workspace, each.claimed, now_ms=each.now_ms))

    async def _keep(self) -> None:
        """Renew what is not looked at yet, or takes long. Where that fails another may take it, which does no harm."""
        while True:
            await asyncio.sleep(_RENEW_S)
            for workspace, held in list(self._held.items()):
                if not held:
                    del self._held[workspace]
                    continue
                try:
                    await self._records.renew(workspace, list(held), lease_s=LEASE_S)
                except RelayError as error:
                    _log.warning("workspace %s: leases of runs: %s", workspace, error.message)

    async def _look(self, workspace: WorkspaceId, claimed: ClaimedRun, *, now_ms: int) -> None:
        """One that fails holds up no other: it is claimed again when its lease has ended."""
        async with self._room:
            try:
                holder = self._name if sum(map(len, self._held.values())) <= _IN_MIND else ""
                await self._driver.look(workspace, claimed, now_ms=now_ms, holder=holder)
            except Fenced:
                pass
            except Unavailable as error:
                _log.warning("workspace %s: run %s: %s", workspace, claimed.id, error.message)
                self._agenda.put(workspace, LEASE_S)
            except Exception:  # the top of what is done for one run
                _log.exception("workspace %s: run %s: unforeseen error", workspace, claimed.id)
                self._agenda.put(workspace, LEASE_S)
            finally:
                self._held[workspace].discard(claimed)
