"""Removing the data of workspaces that were deleted. Each step can be cut off anywhere and be done again."""

from __future__ import annotations

import asyncio
import logging

from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.domain.people.workspaces import Workspace, WorkspaceState
from broker.services.ports import Backlog, LogStore, WorkspaceRecords

_log = logging.getLogger(__name__)
SETTLE_MS = 120_000
"""What a worker had begun to do in a workspace is over by then: no round of any takes as long."""
_HOLDER = "ending"
"""Of the right to ship it, for all that remove it: what one began before it was killed the next goes on with."""
_LEASE_S = 120.0
_LEASE_WAIT_S = 25.0


class WorkspaceEnding:
    """What a worker does for each workspace that was deleted."""

    def __init__(
        self, records: WorkspaceRecords, backlog: Backlog, logs: LogStore | None, *, settle_ms: int = SETTLE_MS
    ) -> None:
        self._records = records
        self._backlog = backlog
        self._logs = logs
        self._settle_ms = settle_ms

    async def tend(self, workspace: WorkspaceId) -> bool:
        """Do what is due for one; whether it is gone now. Raises `Unavailable`."""
        found = await self._records.get(workspace)
        now_ms = await self._records.now_ms()
        if found is None or not _is_over(found, now_ms):
            return False
        await self._records.begin_ending(workspace)
        if found.state is not WorkspaceState.ENDING or now_ms - found.since_ms < self._settle_ms:
            return False
        if not await self._delete_log(workspace):
            return False
        await self._records.sweep(workspace)
        await self._records.forget(workspace)
        _log.warning("workspace %s, deleted, is gone with all its data", workspace)
        return True

    async def _delete_log(self, workspace: WorkspaceId) -> bool:
        """Whether nothing of it is in the log store any more."""
        if self._logs is None:
            if await self._backlog.ships(workspace):
                _log.warning("workspace %s ends when a worker runs that has the log store", workspace)
                return False
            return True
        await self._hold_shipping(workspace)
        await self._logs.delete_workspace(workspace)
        await self._logs.purge()
        return not await self._logs.extents(workspace)

    async def _hold_shipping(self, workspace: WorkspaceId) -> None:
        """What is shipped meanwhile would arrive behind the deletion."""
        try:
            async with asyncio.timeout(_LEASE_WAIT_S):
                while not await self._backlog.lease(workspace, _HOLDER, seconds=_LEASE_S):  # noqa: ASYNC110 - another process has it
                    await asyncio.sleep(0.5)
        except TimeoutError:
            raise Unavailable("the log is being written without a pause; it is tried again") from None


def _is_over(workspace: Workspace, now_ms: int) -> bool:
    if workspace.state is WorkspaceState.ENDING:
        return True
    ends = workspace.ends_at_ms
    return workspace.state is WorkspaceState.DELETED and ends is not None and ends <= now_ms
