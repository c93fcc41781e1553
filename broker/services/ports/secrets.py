"""Secrets that must be read back: where they lie, and what seals them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from broker.domain.ids import WorkspaceId


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted value, and the id of the key that opens it."""

    key: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRecord:
    """A secret as it lies in the store."""

    name: str
    by: str
    """Who set its value."""
    at_ms: int
    sealed: Sealed
    previous: Sealed | None = None
    """The value that was replaced, while both hold."""
    previous_until_ms: int = 0
    row: str = field(default="", repr=False)
    """The record as the store has it, to replace just this one."""


class SecretRecords(Protocol):
    """The sealed secrets of each workspace."""

    async def all(self, workspace: WorkspaceId) -> list[SecretRecord]:
        """By name."""

    async def get(self, workspace: WorkspaceId, name: str) -> SecretRecord | None:
        """One of them; its previous value only while that holds."""

    async def put(
        self, workspace: WorkspaceId, name: str, sealed: Sealed, *, by: str, overlap_s: int, most: int
    ) -> None:
        """Set it. `overlap_s`: how long a value that is replaced holds too. Raises `BadRequest` (TOO_MANY_SECRETS)."""

    async def reseal(
        self, workspace: WorkspaceId, record: SecretRecord, sealed: Sealed, previous: Sealed | None
    ) -> None:
        """Put what another key has sealed in the place of `record`, unless that was replaced meanwhile."""

    async def delete(self, workspace: WorkspaceId, name: str) -> bool:
        """Remove it; whether there was one."""


class Sealing(Protocol):
    """Encrypts values under the installation's keys."""

    @property
    def current(self) -> str | None:
        """The id of the key that seals; None: this process was given none."""

    def seal(self, workspace: WorkspaceId, name: str, value: str) -> Sealed:
        """Encrypt a value for one name in one workspace. Raises `NotConfigured` (SECRET_KEY_NOT_CONFIGURED)."""

    def unseal(self, workspace: WorkspaceId, name: str, sealed: Sealed) -> str:
        """The value. Raises `NotConfigured` (SECRET_KEY_MISSING) without its key, and for what was sealed otherwise."""

    def knows(self, sealed: Sealed) -> bool:
        """Whether the key of it was given."""
