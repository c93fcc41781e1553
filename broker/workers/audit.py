"""Seals every workspace's audit trail, again and again. Any number of workers may: see `services.audit.sealing`."""

from __future__ import annotations

import time
from collections.abc import Callable

from broker.services.audit.sealing import AuditSealer
from broker.services.ports import Timers
from broker.workers.endurance import EachWorkspace

_EVERY_S = 30.0
"""A checkpoint is written for what is new at least once a minute."""
_LONGEST_PAUSE_S = 300.0


class AuditWorker(EachWorkspace):
    """One worker's loop."""

    def __init__(self, workspaces: Timers, sealer: AuditSealer, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(
            "sealing the audit trail",
            all_=workspaces.workspaces,
            tend=sealer.tend,
            every_s=_EVERY_S,
            longest_pause_s=_LONGEST_PAUSE_S,
            clock=clock,
        )
