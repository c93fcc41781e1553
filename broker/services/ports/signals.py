"""What wakes processes up: messages on channels, and deadlines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from broker.domain.ids import WorkspaceId


class Bus(Protocol):
    """Pub/sub: wakes listeners up. It may lose messages; a listener is told when it may have."""

    async def listen(self, channel: str, on_message: Callable[[str | None], None]) -> Callable[[], Awaitable[None]]:
        """Call back with each message, and with None whenever some may have been lost. Returns how to stop."""


class Timers(Protocol):
    """Deadlines of all workspaces."""

    async def workspaces(self) -> list[WorkspaceId]:
        """Every workspace."""

    async def claim(self, workspace: WorkspaceId) -> tuple[list[str], float | None]:
        """Due timers, leased to the caller, and the seconds until the next one."""

    async def due(self, workspace: WorkspaceId, timer: str) -> None:
        """Carry out what the passing of a deadline means."""

    def wakeups(self) -> AsyncIterator[tuple[WorkspaceId, float] | None]:
        """(workspace, seconds until due) whenever a timer becomes a workspace's earliest; None: some may be lost."""
