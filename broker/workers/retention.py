"""Looks after every workspace's retention, again and again. Any number of workers may: each step can be repeated."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.services.logs.retention import RetentionKeeper
from broker.services.ports import Timers
from broker.workers.endurance import Patience, forever

_log = logging.getLogger(__name__)
_EVERY_S = 30.0
_LONGEST_PAUSE_S = 900.0
"""Of a workspace whose retention fails by itself, over and over."""


class RetentionWorker:
    """One worker's loop."""

    def __init__(
        self, workspaces: Timers, keeper: RetentionKeeper, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._workspaces = workspaces
        self._keeper = keeper
        self._patience: Patience[WorkspaceId] = Patience(longest_s=_LONGEST_PAUSE_S, clock=clock)

    async def run(self) -> None:
        """Work until cancelled."""
        await forever(self._tend, name="retention")

    async def _tend(self) -> None:
        while True:
            await self.tend_all()
            await asyncio.sleep(_EVERY_S)

    async def tend_all(self) -> None:
        """Look after each workspace once; one that fails holds up no other."""
        for workspace in await self._workspaces.workspaces():
            if self._patience.is_over(workspace):
                self._patience.note(workspace, failed=not await self._tended(workspace))

    async def _tended(self, workspace: WorkspaceId) -> bool:
        try:
            await self._keeper.tend(workspace)
        except Unavailable as error:
            _log.warning("retention of workspace %s: %s", workspace, error.message)
            return False
        except Exception:  # the top of a task: one task looks after all
            _log.exception("retention of workspace %s: unforeseen error", workspace)
            return False
        return True
