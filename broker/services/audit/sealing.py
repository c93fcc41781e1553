"""Chains the audit records of all workspaces, and writes down how far it is where the store cannot reach it.

Any number of workers may do so: a seal follows from what is before it, so two make the same ones, and the store keeps
those of the first.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from broker.domain.audit.chain import Checkpoint, seals_of
from broker.domain.ids import WorkspaceId
from broker.services.ports import AuditRecords, Checkpoints, CheckpointSigning

_PAGE = 500


class AuditSealer:
    """What a worker does for each workspace, over and over."""

    def __init__(
        self,
        records: AuditRecords,
        checkpoints: Checkpoints | None,
        signing: CheckpointSigning,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: Unix time, for people who read checkpoints."""
        self._records = records
        self._checkpoints = checkpoints
        self._signing = signing
        self._clock = clock
        self._written: dict[WorkspaceId, int] = {}
        """The last number of each workspace that this process has written down; another may have written more."""

    async def tend(self, workspace: WorkspaceId) -> None:
        """Seal what is not sealed, then write a checkpoint if there is something new to say. Raises `Unavailable`."""
        head = await self._records.head(workspace)
        while head.sealed < head.number:
            entries = await self._records.after(workspace, head.sealed, limit=_PAGE)
            if not entries or entries[0].number != head.sealed + 1:
                return  # records are missing: sealing what is behind them would hide it
            seals = seals_of(head.seal, (entry.record for entry in entries))
            await self._records.seal(workspace, first=entries[0].number, seals=seals)
            head = await self._records.head(workspace)
        if self._checkpoints is not None and head.sealed > self._written.get(workspace, 0):
            at_ms = int(self._clock() * 1000)
            checkpoint = Checkpoint(workspace=workspace, number=head.sealed, seal=head.seal, at_ms=at_ms)
            await self._checkpoints.append(self._signing.sign(checkpoint))
            self._written[workspace] = head.sealed
