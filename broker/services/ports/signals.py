"""What wakes processes up: word of what happens, and deadlines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from broker.domain.ids import AgentId, LinkId, SessionId, WorkspaceId

Stop = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a session, as its JSON text. Followers of one process share the object."""

    session: SessionId
    event: str


@dataclass(frozen=True, slots=True)
class Glimpsed:
    """What lists show of an agent has changed, though no event says so: what it said, or the tool it uses."""

    session: SessionId
    agent: AgentId


@dataclass(frozen=True, slots=True)
class CommandPut:
    """A command was put into a link's mailbox."""

    seq: int
    command: str
    """Its JSON text."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A connection of the link has begun; those with a lower fence are over."""

    fence: int


@dataclass(frozen=True, slots=True)
class Silent:
    """The link was found silent, and is to be connected anew."""


@dataclass(frozen=True, slots=True)
class OwnerRemoved:
    """The owner of the link's machine was removed."""


LinkNews = CommandPut | TakenOver | Silent | OwnerRemoved


class Signals(Protocol):
    """Calls back with what happens elsewhere, and with None whenever some may have been lost; then the stores have it.

    When a method returns, what happens from now on is told; what it returns stops that. Raises `Unavailable`.
    """

    async def session(self, workspace: WorkspaceId, session: SessionId, tell: Callable[[str | None], None]) -> Stop:
        """Follow a session's events, as their JSON text."""

    async def activity(self, workspace: WorkspaceId, tell: Callable[[Happened | None], None]) -> Stop:
        """Follow the events of all sessions, but frames and receipts."""

    async def glimpses(self, workspace: WorkspaceId, tell: Callable[[Glimpsed | None], None]) -> Stop:
        """Follow what is seen of all agents between their events."""

    async def failures(self, workspace: WorkspaceId, tell: Callable[[bool | None], None]) -> Stop:
        """Follow the list of what failed: True whenever something came or went."""

    async def budgets(self, workspace: WorkspaceId, tell: Callable[[bool | None], None]) -> Stop:
        """Follow budgets: True whenever one was set or removed, something was spent or set aside, or given back."""

    async def link(self, workspace: WorkspaceId, link: LinkId, tell: Callable[[LinkNews | None], None]) -> Stop:
        """Follow what is put into a link's mailbox, and what becomes of its connections."""


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
