"""Acts on deadlines of all workspaces, and detaches what dead gateways held.

Any number may run: a timer is claimed by one of them. A timer that is set wakes the worker over the bus; a full sweep
now and then finds what the bus lost. So nothing is polled while nothing is due.
"""

from __future__ import annotations

import asyncio
import logging

from broker.domain.errors import Unavailable
from broker.services.deadlines import Deadlines, LinkLeases
from broker.services.ports import Links, Timers
from broker.workers.agenda import Agenda
from broker.workers.endurance import attend

_log = logging.getLogger(__name__)
_LOOK_S = 5.0
LEASE_S = 15.0
"""Three renewals that were missed. With the looks before and behind, a death is known within 25 s."""


class Timekeeper:
    """One worker's loop."""

    def __init__(self, timers: Timers, deadlines: Deadlines, links: Links) -> None:
        self._timers = timers
        self._deadlines = deadlines
        self._leases = LinkLeases(links, life_s=LEASE_S, patience_s=2 * _LOOK_S)
        self._agenda = Agenda()

    async def run(self) -> None:
        """Work until cancelled."""
        await attend(
            "worker",
            self._look,
            self._act,
            wakeups=self._timers.wakeups,
            look_at=lambda due: self._agenda.put(*due),
            look_at_all=self._look_at_all,
        )

    async def _look_at_all(self) -> None:
        for workspace in await self._timers.workspaces():
            self._agenda.put(workspace)

    async def _look(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            try:
                for workspace in await self._timers.workspaces():
                    if lapsed := await self._leases.look(workspace, at=now()):
                        _log.warning("detached %d links whose gateways are gone", lapsed)
            except Unavailable as error:  # soon again: what died meanwhile must not wait for a pause that has grown
                _log.warning("leases of links not looked at: %s", error.message)
            await asyncio.sleep(_LOOK_S)

    async def _act(self) -> None:
        await self._agenda.work(self._deadlines.run_due)
