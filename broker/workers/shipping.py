"""Ships all workspaces' logs, soon after something was written and in full batches when much was."""

from __future__ import annotations

import asyncio
import secrets

from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.services.logs.shipping import Shipped, Shipper
from broker.services.ports import Backlog, Timers
from broker.workers.endurance import Patience, attend

_GATHER_S = 1.5
"""Time for a batch to fill, since an insert costs the same with one event as with five hundred, and each makes a part
that every search pays for. With the insert itself it is the lag of the searchable log, which is to stay below 2 s; what
is new is read from the session's own log meanwhile."""
_LEASE_S = 15.0


class ShippingWorker:
    """One worker's loop. Any number may run; a lease keeps them from doing the same work."""

    def __init__(
        self, workspaces: Timers, backlog: Backlog, shipper: Shipper, *, alone: bool, gather_s: float = _GATHER_S
    ) -> None:
        """`alone`: there can be no other, so nobody waits for the lease of a predecessor that was killed."""
        self._workspaces = workspaces
        self._backlog = backlog
        self._shipper = shipper
        self._holder = "alone" if alone else secrets.token_hex(8)
        self._gather_s = gather_s
        self._due: set[WorkspaceId] = set()
        self._begun: set[WorkspaceId] = set()
        self._patience: Patience[WorkspaceId] = Patience()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        await attend(
            "shipping",
            self._ship,
            wakeups=self._backlog.wakeups,
            look_at=self._look_at,
            look_at_all=self._look_at_all,
        )

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
        if self._due:  # it failed, and is tried again
            self._wake.set()
        while True:
            await self._wake.wait()
            await asyncio.sleep(self._gather_s)
            self._wake.clear()
            while await self._round():
                pass

    async def _round(self) -> bool:
        """One call for all that is due; whether so much waits that the next one should follow at once."""
        due = {workspace for workspace in self._due if self._patience.is_over(workspace)}
        self._due -= due  # those that become due meanwhile may have more than this round has seen
        try:
            held = [each for each in sorted(due) if await self._is_ours(each)]
            shipped = await self._shipper.ship(held) if held else Shipped()
        except BaseException:
            self._due |= due
            raise
        for workspace in held:
            self._patience.note(workspace, failed=workspace in shipped.failed)
        self._due |= shipped.waiting | shipped.failed
        if self._due:
            self._wake.set()
        return shipped.full

    async def _is_ours(self, workspace: WorkspaceId) -> bool:
        """Take or renew the right to ship a workspace. One whose store is away holds up no other."""
        try:
            return await self._backlog.lease(workspace, self._holder, seconds=_LEASE_S)
        except Unavailable:
            self._patience.note(workspace, failed=True)
            self._due.add(workspace)
            return False
