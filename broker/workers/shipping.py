"""Ships all workspaces' logs, soon after something was written and in full batches when much was."""

from __future__ import annotations

import asyncio
import secrets

from broker.domain.ids import WorkspaceId
from broker.services.ports import Backlog, Timers
from broker.services.shipping import Shipper
from broker.workers.endurance import forever

_GATHER_S = 0.3
"""Time for a batch to fill; ClickHouse wants few inserts. Together with the insert it is the lag of the log."""
_SWEEP_S = 30.0
_LEASE_S = 15.0


class ShippingWorker:
    """One worker's loop. Any number may run; a lease keeps them from doing the same work."""

    def __init__(self, workspaces: Timers, backlog: Backlog, shipper: Shipper, *, alone: bool) -> None:
        """`alone`: there can be no other, so nobody waits for the lease of a predecessor that was killed."""
        self._workspaces = workspaces
        self._backlog = backlog
        self._shipper = shipper
        self._holder = "alone" if alone else secrets.token_hex(8)
        self._due: set[WorkspaceId] = set()
        self._taken: set[WorkspaceId] = set()
        self._begun: set[WorkspaceId] = set()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self._hear, self._sweep, self._ship):
                tasks.create_task(forever(part, name="shipping"))

    async def _hear(self) -> None:
        async for workspace in self._backlog.wakeups():
            if workspace is None:
                await self._look_at_all()
            else:
                self._look_at(workspace)

    async def _sweep(self) -> None:
        while True:
            await self._look_at_all()
            await asyncio.sleep(_SWEEP_S)

    async def _look_at_all(self) -> None:
        for workspace in await self._workspaces.workspaces():
            if workspace not in self._begun:
                await self._backlog.begin(workspace)
                self._begun.add(workspace)
            self._look_at(workspace)

    def _look_at(self, workspace: WorkspaceId) -> None:
        self._due.add(workspace)
        self._wake.set()

    async def _ship(self) -> None:
        if self._taken:  # it failed, and is tried again
            self._wake.set()
        while True:
            await self._wake.wait()
            await asyncio.sleep(_GATHER_S)
            self._wake.clear()
            # Apart from those that become due meanwhile: they may have more than this round has seen.
            self._taken |= self._due
            self._due.clear()
            for workspace in list(self._taken):
                await self._ship_all(workspace)
                self._taken.discard(workspace)

    async def _ship_all(self, workspace: WorkspaceId) -> None:
        while await self._backlog.lease(workspace, self._holder, seconds=_LEASE_S):
            if await self._shipper.ship(workspace) == 0:
                return
