"""Looks after every workspace's retention, again and again. Any number of workers may: each step can be repeated."""

from __future__ import annotations

import time
from collections.abc import Callable

from broker.services.logs.retention import RetentionKeeper
from broker.services.ports import Timers
from broker.workers.endurance import EachWorkspace

_EVERY_S = 30.0
_LONGEST_PAUSE_S = 900.0
"""Of a workspace whose retention fails by itself, over and over."""


class RetentionWorker(EachWorkspace):
    """One worker's loop."""

    def __init__(
        self, workspaces: Timers, keeper: RetentionKeeper, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(
            "retention",
            all_=workspaces.workspaces,
            tend=keeper.tend,
            every_s=_EVERY_S,
            longest_pause_s=_LONGEST_PAUSE_S,
            clock=clock,
        )
