"""Delivers what hooks send to other services, when it is due.

Nothing is polled: what becomes due sooner than was known wakes the worker over the bus, and a sweep now and then finds
what the bus lost. Any number of workers may run: each delivery is claimed. Workspaces share a worker evenly: one whose
receivers are slow has a few attempts under way at a time, however many wait.
"""

from __future__ import annotations

import asyncio
import logging
import time

from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.services.hooks.deliveries import HookDeliveries
from broker.services.ports import Delivery, DeliveryRecords, Timers
from broker.task_scope import TaskScope, task_scope
from broker.workers.endurance import Patience, attend

_log = logging.getLogger(__name__)
_AT_ONCE = 64
_AT_ONCE_IN_ONE = 4
"""Attempts under way, in all and of one workspace."""


class DeliveryWorker:
    """One worker's loop."""

    def __init__(self, workspaces: Timers, records: DeliveryRecords, deliveries: HookDeliveries) -> None:
        self._workspaces = workspaces
        self._records = records
        self._deliveries = deliveries
        self._due: dict[WorkspaceId, float] = {}
        """When to look at a workspace, by a monotonic clock; those that were looked at come behind the others."""
        self._running: dict[WorkspaceId, int] = {}
        self._patience: Patience[WorkspaceId] = Patience()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        await attend(
            "deliveries",
            self._work,
            wakeups=self._records.wakeups,
            look_at=self._look_at,
            look_at_all=self._look_at_all,
        )

    async def _look_at_all(self) -> None:
        for workspace in await self._workspaces.workspaces():
            self._look_at(workspace)

    def _look_at(self, workspace: WorkspaceId, in_s: float | None = 0.0) -> None:
        if in_s is None:
            return
        at = time.monotonic() + in_s
        self._due[workspace] = min(at, self._due.get(workspace, at))
        self._wake.set()

    async def _work(self) -> None:
        async with task_scope() as attempts:
            while True:
                self._wake.clear()
                for workspace in self._ready():
                    await self._claim(workspace, attempts)
                await self._pause()

    def _ready(self) -> list[WorkspaceId]:
        now = time.monotonic()
        return [
            each for each, at in self._due.items() if at <= now and self._free(each) and self._patience.is_over(each)
        ]

    def _free(self, workspace: WorkspaceId) -> int:
        """Attempts more that may begin there."""
        in_all = _AT_ONCE - sum(self._running.values())
        return max(0, min(in_all, _AT_ONCE_IN_ONE - self._running.get(workspace, 0)))

    async def _claim(self, workspace: WorkspaceId, attempts: TaskScope) -> None:
        if not self._free(workspace):
            return  # another one has taken the last place
        del self._due[workspace]
        try:
            claimed, next_s = await self._deliveries.claim(workspace, limit=self._free(workspace))
        except BaseException as error:
            self._note_failure(workspace)
            if not isinstance(error, Unavailable):
                raise
            return
        self._patience.note(workspace, failed=False)
        self._look_at(workspace, next_s)
        for delivery in claimed:
            self._running[workspace] = self._running.get(workspace, 0) + 1
            attempts.create_task(self._attempt(workspace, delivery))

    async def _attempt(self, workspace: WorkspaceId, delivery: Delivery) -> None:
        """One that fails here is claimed again, by whoever comes, when its lease is over."""
        try:
            self._look_at(workspace, await self._deliveries.carry_out(workspace, delivery))
        except Unavailable:
            self._note_failure(workspace)
        except Exception:  # the top of a task: the others of this worker go on
            _log.exception("workspace %s: run %s of hook %s: unforeseen error", workspace, delivery.run, delivery.hook)
            await self._give_up(workspace, delivery)
        finally:
            self._running[workspace] -= 1
            if not self._running[workspace]:
                del self._running[workspace]
            self._wake.set()

    async def _give_up(self, workspace: WorkspaceId, delivery: Delivery) -> None:
        """What cannot be carried out would come again with each lease."""
        try:
            self._look_at(workspace, await self._deliveries.give_up(workspace, delivery))
        except Unavailable:
            self._note_failure(workspace)

    def _note_failure(self, workspace: WorkspaceId) -> None:
        self._patience.note(workspace, failed=True)
        self._look_at(workspace, 1.0)

    async def _pause(self) -> None:
        """Until something is due, a place is free, or something is told."""
        now = time.monotonic()
        waits = [max(0.0, at - now) or 1.0 for each, at in self._due.items() if self._free(each)]
        try:
            async with asyncio.timeout(min(waits, default=None)):
                await self._wake.wait()
        except TimeoutError:
            pass
