"""Acts on deadlines that have passed, for all workspaces; any number of workers may run this."""

from __future__ import annotations

import logging

from broker.domain.errors import Unavailable
from broker.domain.ids import ApprovalId, LinkId, WorkspaceId
from broker.domain.machines.leases import LeaseWatch
from broker.services.approvals.desk import ApprovalDesk
from broker.services.ports import Links, Timers

_log = logging.getLogger(__name__)


class Deadlines:
    """Claims due timers and acts on them."""

    def __init__(self, timers: Timers, desk: ApprovalDesk) -> None:
        self._timers = timers
        self._desk = desk

    async def run_due(self, workspace: WorkspaceId) -> float | None:
        """Act on some of what is due in a workspace; the seconds until it should be asked again, None when there is
        nothing to wait for. However much is due in one, the others have their turn after each hundred.

        A timer that fails holds up no other: it is claimed again when its lease has ended. Raises `Unavailable`.
        """
        due, next_s = await self._timers.claim(workspace)
        for timer in due:
            await self._try(workspace, timer)
        return 0.0 if due else next_s

    async def _try(self, workspace: WorkspaceId, timer: str) -> None:
        try:
            await self._act(workspace, timer)
        except Unavailable:
            raise
        except Exception:  # the top of what one timer does
            _log.exception("workspace %s: timer %s failed", workspace, timer)

    async def _act(self, workspace: WorkspaceId, timer: str) -> None:
        kind, _, reference = timer.partition("|")
        if kind == "approval":
            await self._desk.expire(workspace, ApprovalId(reference))
        await self._timers.due(workspace, timer)


class LinkLeases:
    """Detaches links that no living gateway has."""

    def __init__(self, links: Links, *, life_s: float, patience_s: float) -> None:
        self._links = links
        self._life_s = life_s
        self._patience_s = patience_s
        self._watches: dict[WorkspaceId, LeaseWatch] = {}

    async def look(self, workspace: WorkspaceId, *, at: float) -> int:
        """Look at a workspace's links at a time of a monotonic clock; how many were detached. Raises `Unavailable`."""
        if workspace not in self._watches:
            await self._links.adopt(workspace)
            self._watches[workspace] = LeaseWatch(life_s=self._life_s, patience_s=self._patience_s)
        leases = await self._links.leases(workspace)
        lapsed = self._watches[workspace].look({str(link): lease for link, lease in leases.items()}, at=at)
        return sum([await self._links.lapse(workspace, LinkId(link), leases[LinkId(link)]) for link in lapsed])
