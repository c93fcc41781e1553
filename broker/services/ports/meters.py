"""What was counted while it happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from broker.domain.ids import WorkspaceId
from broker.domain.plans.meters import Counted


class MeterCounters(Protocol):
    """A workspace's counters by UTC day, kept for 40 days."""

    async def counted(self, workspace: WorkspaceId, days: Sequence[date]) -> Mapping[tuple[date, Counted], int]:
        """Those that are not 0. An agent's time is there once it has ended."""

    async def running_ms(self, workspace: WorkspaceId) -> Sequence[tuple[int, int]]:
        """Of each agent that runs: since when, and the store's time now."""

    async def removed_sessions(self, workspace: WorkspaceId) -> int:
        """How many sessions were deleted lately, whose events cannot be counted again."""
