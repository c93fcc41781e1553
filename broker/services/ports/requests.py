"""What is remembered of requests: how much each token may still ask, and what may come again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from broker.domain.ids import TokenId, WorkspaceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of taking points."""

    wait_s: float
    """Until they are there; 0: they were taken."""
    left: int
    whole_s: float
    """Until all are there again."""


class Allowances(Protocol):
    """How much each token may still ask."""

    async def take(self, workspace: WorkspaceId, token: TokenId, points: int, *, per_s: int, burst: int) -> Taken:
        """Take that many points, or nothing."""


class RequestRecords(Protocol):
    """Requests that may come again, and what they came to. Each is forgotten after a while."""

    async def begin(self, workspace: WorkspaceId, request: str, entry: bytes, *, seconds: float) -> str | None:
        """Write a request down. None when it is new, else the entry that is there already.

        No two entries are alike, so that a command that is carried out twice knows its own.
        """

    async def finish(
        self, workspace: WorkspaceId, request: str, entry: bytes, outcome: bytes, *, seconds: float
    ) -> None:
        """Put the outcome in the place of its entry, unless another's is there by now."""

    async def drop(self, workspace: WorkspaceId, request: str, entry: bytes) -> None:
        """It came to nothing: the same may be tried again, if the entry is still this one."""
