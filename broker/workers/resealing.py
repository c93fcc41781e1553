"""Seals every workspace's secrets with the present key, again and again. Any number of workers may."""

from __future__ import annotations

from broker.services.ports import Timers
from broker.services.secrets.secrets import SecretReader
from broker.workers.endurance import EachWorkspace

_EVERY_S = 300.0
_LONGEST_PAUSE_S = 900.0


class ResealingWorker(EachWorkspace):
    """One worker's loop."""

    def __init__(self, workspaces: Timers, reader: SecretReader) -> None:
        super().__init__(
            "resealing of secrets",
            all_=workspaces.workspaces,
            tend=reader.reseal,
            every_s=_EVERY_S,
            longest_pause_s=_LONGEST_PAUSE_S,
        )
