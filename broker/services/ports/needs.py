"""What failed, for as long as nobody has looked at it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from broker.domain.ids import WorkspaceId
from broker.domain.needs.needs import Failure


class Failures(Protocol):
    """Failed agents and messages that did not arrive. The scripts that find a failure write it down."""

    async def failures(self, workspace: WorkspaceId, *, limit: int) -> list[Failure]:
        """The newest, without those of what is gone or was brought back."""

    async def dismiss(self, workspace: WorkspaceId, rows: Collection[str]) -> int:
        """Take some off; how many were there."""
