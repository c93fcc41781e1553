"""What is remembered of requests: how much each token may still ask, and what may come again."""

from __future__ import annotations

from typing import Protocol

from broker.domain.ids import TokenId, WorkspaceId


class Allowances(Protocol):
    """How much each token may still ask."""

    async def take(self, workspace: WorkspaceId, token: TokenId, points: int, *, per_s: int, burst: int) -> float:
        """Take that many points, or nothing: the seconds until they are there, 0 when they were taken."""


class RequestRecords(Protocol):
    """Requests that may come again, and what they came to. Each is forgotten after a while."""

    async def begin(self, workspace: WorkspaceId, request: str, entry: bytes, *, seconds: float) -> str | None:
        """Write a request down. None when it is new, else the entry that is there already."""

    async def finish(self, workspace: WorkspaceId, request: str, entry: bytes, *, seconds: float) -> None:
        """Replace the entry."""

    async def drop(self, workspace: WorkspaceId, request: str) -> None:
        """It came to nothing: the same may be tried again."""
