"""Removes the data of deleted workspaces, again and again. Any number of workers may: each step can be repeated."""

from __future__ import annotations

import asyncio
import logging

from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.services.operations.ending import WorkspaceEnding
from broker.services.ports import WorkspaceRecords
from broker.workers.endurance import Patience, forever

_log = logging.getLogger(__name__)
_EVERY_S = 60.0
_LONGEST_PAUSE_S = 900.0
"""Of a workspace that cannot be removed, over and over."""


class EndingWorker:
    """One worker's loop."""

    def __init__(self, records: WorkspaceRecords, ending: WorkspaceEnding) -> None:
        self._records = records
        self._ending = ending
        self._patience: Patience[WorkspaceId] = Patience(longest_s=_LONGEST_PAUSE_S)

    async def run(self) -> None:
        """Work until cancelled."""
        await forever(self._tend, name="ending")

    async def _tend(self) -> None:
        while True:
            await self.tend_all()
            await asyncio.sleep(_EVERY_S)

    async def tend_all(self) -> None:
        """Look at each workspace once; one that fails holds up no other."""
        for workspace in await self._records.all():
            if self._patience.is_over(workspace):
                self._patience.note(workspace, failed=not await self._tended(workspace))

    async def _tended(self, workspace: WorkspaceId) -> bool:
        try:
            await self._ending.tend(workspace)
        except Unavailable as error:
            _log.warning("ending of workspace %s: %s", workspace, error.message)
            return False
        except Exception:  # the top of a task: one task looks after all
            _log.exception("ending of workspace %s: unforeseen error", workspace)
            return False
        return True
