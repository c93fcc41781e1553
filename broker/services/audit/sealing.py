"""Chains the audit records of all workspaces, and writes down how far it is where the store cannot reach it: in a file,
at a webhook, or both.

Any number of workers may do so: a seal follows from what is before it, so two make the same ones, and the store keeps
those of the first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from broker.domain.audit.chain import Checkpoint, seals_of
from broker.domain.errors import RelayError
from broker.domain.ids import WorkspaceId
from broker.services.ports import AuditRecords, Checkpoints, CheckpointSigning

_log = logging.getLogger(__name__)
_PAGE = 500
_FIRST_REST_S, _LONGEST_REST_S = 5.0, 300.0
"""How long a place that fails is left alone: it may take long to fail, and one place is that of all workspaces."""


class _Place:
    """Where checkpoints go. While it fails nothing is lost: a later checkpoint says all that an earlier one does."""

    def __init__(self, checkpoints: Checkpoints, *, monotonic: Callable[[], float]) -> None:
        self._checkpoints = checkpoints
        self._monotonic = monotonic
        self._written: dict[WorkspaceId, int] = {}
        """The last number of each workspace that this process has written down; another may have written more."""
        self._rest_s = 0.0
        self._rests_until = 0.0

    def lacks(self, workspace: WorkspaceId, number: int) -> bool:
        """Whether there is something to write here, now."""
        return number > self._written.get(workspace, 0) and self._monotonic() >= self._rests_until

    async def write(self, checkpoint: Checkpoint) -> None:
        """Write it, or say that it failed: sealing, and every other place, go on."""
        try:
            await self._checkpoints.append(checkpoint)
        except (RelayError, OSError) as error:
            self._rest_s = min(max(2 * self._rest_s, _FIRST_REST_S), _LONGEST_REST_S)
            self._rests_until = self._monotonic() + self._rest_s
            _log.warning("a checkpoint of an audit trail was not written; tried again in %g s: %s", self._rest_s, error)
            return
        self._rest_s = 0.0
        self._written[checkpoint.workspace] = checkpoint.number


class AuditSealer:
    """What a worker does for each workspace, over and over."""

    def __init__(
        self,
        records: AuditRecords,
        checkpoints: Sequence[Checkpoints],
        signing: CheckpointSigning,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`checkpoints`: each gets all; `clock`: Unix time, for people who read them; `monotonic`: for pauses."""
        self._records = records
        self._places = [_Place(each, monotonic=monotonic) for each in checkpoints]
        self._signing = signing
        self._clock = clock

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
        places = [each for each in self._places if each.lacks(workspace, head.sealed)]
        if places:
            at_ms = int(self._clock() * 1000)
            checkpoint = self._signing.sign(
                Checkpoint(workspace=workspace, number=head.sealed, seal=head.seal, at_ms=at_ms)
            )
            for place in places:
                await place.write(checkpoint)
