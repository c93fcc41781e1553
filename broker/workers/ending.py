"""Removes the data of deleted workspaces, again and again. Any number of workers may: each step can be repeated."""

from __future__ import annotations

from broker.services.operations.ending import WorkspaceEnding
from broker.services.ports import WorkspaceRecords
from broker.workers.endurance import EachWorkspace

_EVERY_S = 60.0
_LONGEST_PAUSE_S = 900.0
"""Of a workspace that cannot be removed, over and over."""


class EndingWorker(EachWorkspace):
    """One worker's loop."""

    def __init__(self, records: WorkspaceRecords, ending: WorkspaceEnding) -> None:
        super().__init__(
            "ending", all_=records.all, tend=ending.tend, every_s=_EVERY_S, longest_pause_s=_LONGEST_PAUSE_S
        )
