"""Looks after every workspace's retention, again and again. Any number of workers may: each step can be repeated."""

from __future__ import annotations

import asyncio
import logging

from broker.domain.errors import Unavailable
from broker.services.ports import Timers
from broker.services.retention import RetentionKeeper

_log = logging.getLogger(__name__)
_EVERY_S = 30.0


class RetentionWorker:
    """One worker's loop."""

    def __init__(self, workspaces: Timers, keeper: RetentionKeeper, *, every_s: float = _EVERY_S) -> None:
        self._workspaces = workspaces
        self._keeper = keeper
        self._every_s = every_s

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                for workspace in await self._workspaces.workspaces():
                    await self._keeper.tend(workspace)
            except Unavailable as error:
                _log.warning("retention: %s", error.message)
            except Exception:
                _log.exception("retention: unforeseen error; going on")
            await asyncio.sleep(self._every_s)
