"""Looks at all workspaces' sessions for what hooks wait for, as soon as it happens.

Nothing is polled: a session that begins to have such events wakes the worker over the bus, and a sweep now and then
finds what the bus lost. Workspaces without hooks cost nothing.
"""

from __future__ import annotations

import asyncio
import secrets

from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.services.hooks.dispatch import HookDispatcher
from broker.services.ports import HookRecords, Timers
from broker.workers.endurance import Patience, attend

_LEASE_S = 15.0


class HookWorker:
    """One worker's loop. Any number may run; a lease keeps them from doing the same work."""

    def __init__(self, workspaces: Timers, records: HookRecords, dispatcher: HookDispatcher, *, alone: bool) -> None:
        """`alone`: there can be no other, so nobody waits for the lease of a predecessor that was killed."""
        self._workspaces = workspaces
        self._records = records
        self._dispatcher = dispatcher
        self._holder = "alone" if alone else secrets.token_hex(8)
        self._due: dict[WorkspaceId, None] = {}
        self._patience: Patience[WorkspaceId] = Patience()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        await attend(
            "hooks",
            self._look,
            wakeups=self._records.wakeups,
            look_at=self._look_at,
            look_at_all=self._look_at_all,
        )

    async def _look_at_all(self) -> None:
        for workspace in await self._workspaces.workspaces():
            self._look_at(workspace)

    def _look_at(self, workspace: WorkspaceId) -> None:
        self._due[workspace] = None
        self._wake.set()

    async def _look(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            for workspace in [each for each in self._due if self._patience.is_over(each)]:
                await self._turn(workspace)
            if self._due and not self._wake.is_set():
                await self._pause()

    async def _turn(self, workspace: WorkspaceId) -> None:
        """One workspace's turn; those with more to look at come again behind the others."""
        del self._due[workspace]
        try:
            if await self._records.lease(workspace, self._holder, seconds=_LEASE_S) and await self._dispatcher.look(
                workspace
            ):
                self._look_at(workspace)
            self._patience.note(workspace, failed=False)
        except BaseException as error:
            self._patience.note(workspace, failed=True)
            self._due[workspace] = None
            if not isinstance(error, Unavailable):
                raise

    async def _pause(self) -> None:
        """Wait for a workspace that failed, or for another that is woken."""
        try:
            async with asyncio.timeout(1.0):
                await self._wake.wait()
        except TimeoutError:
            self._wake.set()
