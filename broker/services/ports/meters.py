"""What was counted while it happened, and how much of it may be spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from broker.domain.ids import AgentId, SessionId, WorkspaceId
from broker.domain.logs.meters import Counted
from broker.domain.plans.budgets import Budget, BudgetPlace
from broker.domain.plans.pauses import Pause


class MeterCounters(Protocol):
    """A workspace's counters by UTC day, kept for 40 days."""

    async def read_counts(self, workspace: WorkspaceId, days: Sequence[date]) -> Mapping[tuple[date, Counted], int]:
        """Those that are not 0. An agent's time is there once it has ended."""

    async def running_ms(self, workspace: WorkspaceId) -> Sequence[tuple[int, int]]:
        """Of each agent that runs: since when, and the store's time now."""

    async def count_removed_sessions(self, workspace: WorkspaceId) -> int:
        """How many sessions were deleted lately, whose events cannot be counted again."""


class BudgetRecords(Protocol):
    """A workspace's budgets."""

    async def set(
        self,
        workspace: WorkspaceId,
        place: BudgetPlace,
        *,
        name: str,
        limit: int,
        more: bool,
        by: str,
        interrupt: bool | None = None,
        session: SessionId | None = None,
    ) -> Budget:
        """Set one, or raise it by so much `more`; what waited is handed over. `interrupt`: None leaves it as it is.
        `session`: that it is of, or its agent is in.

        Raises `NotFound` (BUDGET_NOT_FOUND), `Conflict` (TOO_MANY_BUDGETS).
        """

    async def remove(self, workspace: WorkspaceId, place: BudgetPlace) -> bool:
        """Remove one; whether there was one."""

    async def answer_raise(
        self, workspace: WorkspaceId, place: BudgetPlace, *, lead: AgentId, name: str, allow: bool
    ) -> Budget:
        """Say for the lead whether as much again may be spent of a budget of an agent below it, out of its own.

        Raises `NotPermitted`, `Conflict` (NOTHING_ASKED).
        """

    async def budgets(self, workspace: WorkspaceId) -> Sequence[Budget]:
        """All of them, as they stand now."""

    async def pauses(self, workspace: WorkspaceId) -> tuple[Sequence[Pause], int]:
        """What budgets and limits have made wait, the latest first; and the store's time."""

    async def pauses_of(
        self, workspace: WorkspaceId, session: SessionId, agent: AgentId | None = None
    ) -> tuple[Sequence[Pause], int]:
        """Those noticed in a session, those that an agent of it has brought about, and those that may be over any
        session; the latest first, each once. And the store's time.
        """

    async def paying_for(self, workspace: WorkspaceId, agent: AgentId) -> Sequence[Budget]:
        """Those that an agent is paid from, as they stand now."""
