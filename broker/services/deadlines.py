"""Carries out what the passing of time decides, for all workspaces; any number of workers may run this."""

from __future__ import annotations

from broker.domain.ids import ApprovalId, WorkspaceId
from broker.services.approvals import ApprovalDesk
from broker.services.ports import Timers


class Deadlines:
    """Claims due timers and acts on them."""

    def __init__(self, timers: Timers, desk: ApprovalDesk) -> None:
        self._timers = timers
        self._desk = desk

    async def run_due(self, workspace: WorkspaceId) -> float | None:
        """Act on everything due in a workspace; the seconds until its next timer, None when there is none."""
        while True:
            due, next_s = await self._timers.claim(workspace)
            for timer in due:
                await self._act(workspace, timer)
            if not due:
                return next_s

    async def _act(self, workspace: WorkspaceId, timer: str) -> None:
        kind, _, reference = timer.partition("|")
        if kind == "approval":
            await self._desk.expire(workspace, ApprovalId(reference))
        await self._timers.due(workspace, timer)
