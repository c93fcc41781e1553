"""A trail in an archive, and what another workspace keeps of it: beside its own trail, never as a part of that."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from broker.domain.audit.chain import Checkpoint, Entry, Head
from broker.domain.errors import BadRequest
from broker.domain.ids import WorkspaceId

MAX_IMPORTED_TRAILS = 10
"""Of one workspace."""
MAX_RECORDS_AT_ONCE = 500
_LONGEST_RECORD = 8_000
"""Characters. What records say of before and after is far shorter."""
_MAX_KEYS, _LONGEST_KEY = 20, 100
_SEAL = re.compile(r"[0-9a-f]{64}")
_WORKSPACE = re.compile(r"[0-9A-Za-z_.-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedTrail:
    """A trail as far as it was sealed when the archive was made."""

    workspace: WorkspaceId
    """Whose trail it is: the chain begins with it."""
    head: Head
    checkpoint: Checkpoint
    """Of its end, signed by the broker that the archive comes from where that has a secret key."""
    keys: Sequence[str] = ()
    """That broker's public keys, as it said itself."""

    @property
    def id(self) -> str:
        """The same for the same trail, up to the same record."""
        return hashlib.sha256(f"{self.workspace}\n{self.head.number}\n{self.head.seal}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedTrail:
    """One that is kept in the workspace into which an archive was imported."""

    id: str
    trail: ArchivedTrail
    at_ms: int
    """When the import began."""
    last: int
    """The last record that is here by now; that of the head when all are."""


def check_trail(trail: ArchivedTrail, *, most: int) -> None:
    """Hold what an archive says of its trail to what may be kept. Whether it is whole is for whoever verifies it.

    Raises `BadRequest`. `most`: records.
    """
    head, checkpoint = trail.head, trail.checkpoint
    if not _WORKSPACE.fullmatch(trail.workspace) or checkpoint.workspace != trail.workspace:
        raise BadRequest("the trail of the archive is of no workspace")
    if not 1 <= head.first <= head.number + 1 or head.sealed != head.number or head.number - head.first >= most:
        raise BadRequest(f"the trail of the archive has numbers that are none, or more than {most} records")
    if not all(_SEAL.fullmatch(each) for each in (head.seal, head.base, checkpoint.seal)):
        raise BadRequest("the trail of the archive has a seal that is none")
    signed = [each for each in (*trail.keys, checkpoint.key, checkpoint.signature) if each is not None]
    if len(trail.keys) > _MAX_KEYS or any(len(each) > _LONGEST_KEY for each in signed):
        raise BadRequest("the trail of the archive has keys that are none")


def check_entries(trail: ArchivedTrail, entries: Sequence[Entry]) -> None:
    """Hold records to what may be kept. Raises `BadRequest`."""
    if len(entries) > MAX_RECORDS_AT_ONCE:
        raise BadRequest(f"{MAX_RECORDS_AT_ONCE} records at most")
    numbers = [each.number for each in entries]
    if numbers != sorted(set(numbers)) or any(not trail.head.first <= each <= trail.head.number for each in numbers):
        raise BadRequest("records of the archive are out of order, or not of its trail")
    for each in entries:
        if len(each.record) > _LONGEST_RECORD or not (each.seal is None or _SEAL.fullmatch(each.seal)):
            raise BadRequest(f"record {each.number} of the archive is too long, or its seal is none")
