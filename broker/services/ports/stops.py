"""Stops of sessions, machines and the workspace."""

from __future__ import annotations

from typing import Protocol

from broker.domain.agents.stops import Place, Stop, StopHow
from broker.domain.ids import MemberId, WorkspaceId


class StopRecords(Protocol):
    """What is stopped in each workspace. Each change is one atomic decision, and is as it is when it comes again."""

    async def stop(
        self,
        workspace: WorkspaceId,
        place: Place,
        *,
        name: str,
        how: StopHow,
        by: str,
        member: MemberId | None,
        note: str,
    ) -> Stop:
        """Let nothing begin there from now on; the stop that stands. Raises `NotFound`."""

    async def lift(
        self, workspace: WorkspaceId, place: Place, *, by: str, member: MemberId | None, note: str
    ) -> Stop | None:
        """Let it go on; the stop that is over, None when there was none."""

    async def stops(self, workspace: WorkspaceId) -> list[Stop]:
        """All that stand, the widest first."""
