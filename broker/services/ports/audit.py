"""The audit trail's records, and where checkpoints of it are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from broker.domain.audit.acts import Act
from broker.domain.audit.archived import ArchivedTrail, ImportedTrail
from broker.domain.audit.chain import Checkpoint, Entry, Head
from broker.domain.ids import WorkspaceId


class AuditRecords(Protocol):
    """One trail for each workspace. Scripts add to it what they do, in the same step."""

    async def head(self, workspace: WorkspaceId) -> Head:
        """How far it goes."""

    async def after(self, workspace: WorkspaceId, number: int, *, limit: int) -> list[Entry]:
        """Up to `limit` behind a number, the oldest first."""

    async def before(self, workspace: WorkspaceId, number: int | None, *, limit: int) -> list[Entry]:
        """Up to `limit` ahead of a number, or the last ones; the newest first."""

    async def note(
        self, workspace: WorkspaceId, act: Act, *, on: str, before: str | None = None, after: str | None = None
    ) -> None:
        """Record what is done outside of scripts, by the caller who acts now."""

    async def record_refusal(self, workspace: WorkspaceId, *, operation: str, why: str) -> None:
        """Record that the caller who acts now may not do that, once in a while."""

    async def seal(self, workspace: WorkspaceId, *, first: int, seals: Sequence[str]) -> bool:
        """Keep seals from a number on; False when others were kept meanwhile. What is too old is let go of."""


class ImportedTrails(Protocol):
    """Trails that came with archives, beside a workspace's own; each by its id."""

    async def begin(self, workspace: WorkspaceId, trail: ArchivedTrail) -> ImportedTrail:
        """Keep one; what is here when it was begun before. Raises `Conflict` (TOO_MANY_TRAILS)."""

    async def add(self, workspace: WorkspaceId, id_: str, entries: Sequence[Entry]) -> None:
        """Keep records in order; those that are here are left as they are. Raises `NotFound` (TRAIL_NOT_FOUND)."""

    async def trails(self, workspace: WorkspaceId) -> list[ImportedTrail]:
        """All of them, the oldest first."""

    async def after(self, workspace: WorkspaceId, id_: str, number: int, *, limit: int) -> list[Entry]:
        """Up to `limit` records of one behind a number, the oldest first."""


class CheckpointSigning(Protocol):
    """Signs checkpoints, so that whoever has the public key knows those of this broker."""

    @property
    def keys(self) -> Sequence[str]:
        """The public keys, the present one first; none where this process has no secret key."""

    def sign(self, checkpoint: Checkpoint) -> Checkpoint:
        """The same with a signature; as it is where there is no key."""


class Checkpoints(Protocol):
    """A place away from the store."""

    async def append(self, checkpoint: Checkpoint) -> None:
        """Keep one."""
