"""What the scripts publish, by channel and as they write it; everybody else sees typed items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from broker.adapters.redis import keys
from broker.domain.ids import AgentId, LinkId, SessionId, WorkspaceId
from broker.services.ports.signals import (
    CommandPut,
    Glimpsed,
    Happened,
    LinkNews,
    OwnerRemoved,
    Silent,
    Stop,
    TakenOver,
)


class Listening(Protocol):
    """Pub/sub; see `RedisBus`."""

    async def listen(self, channel: str, on_message: Callable[[str | None], None]) -> Stop:
        """Call back with each message, and with None whenever some may have been lost. Returns how to stop."""


class RedisSignals:
    """Implements `Signals`."""

    def __init__(self, bus: Listening) -> None:
        self._bus = bus
        self._latest: tuple[str, Happened] | None = None

    async def session(self, workspace: WorkspaceId, session: SessionId, tell: Callable[[str | None], None]) -> Stop:
        """Follow a session's events, as their JSON text."""
        return await self._bus.listen(keys.key(workspace, "session_channel", session), tell)

    async def activity(self, workspace: WorkspaceId, tell: Callable[[Happened | None], None]) -> Stop:
        """Follow the events of all sessions, but frames and receipts."""
        return await self._bus.listen(
            keys.key(workspace, "activity_channel"), lambda text: tell(None if text is None else self._parse(text))
        )

    async def glimpses(self, workspace: WorkspaceId, tell: Callable[[Glimpsed | None], None]) -> Stop:
        """Follow what is seen of all agents between their events."""
        return await self._bus.listen(
            keys.key(workspace, "glimpses_channel"), lambda text: tell(None if text is None else _parse_glimpse(text))
        )

    async def failures(self, workspace: WorkspaceId, tell: Callable[[bool | None], None]) -> Stop:
        """Follow the list of what failed: True whenever something came or went."""
        return await self._bus.listen(
            keys.key(workspace, "failures_channel"), lambda text: tell(None if text is None else True)
        )

    async def budgets(self, workspace: WorkspaceId, tell: Callable[[bool | None], None]) -> Stop:
        """Follow budgets: True whenever one was set or removed, something was spent or set aside, or given back."""
        return await self._bus.listen(
            keys.key(workspace, "budgets_channel"), lambda text: tell(None if text is None else True)
        )

    async def link(self, workspace: WorkspaceId, link: LinkId, tell: Callable[[LinkNews | None], None]) -> Stop:
        """Follow what is put into a link's mailbox, and what becomes of its connections."""
        return await self._bus.listen(
            keys.key(workspace, "link_channel", link), lambda text: tell(None if text is None else read_link_news(text))
        )

    def _parse(self, text: str) -> Happened:
        """The bus hands the same text to one listener after the other; it is taken apart once."""
        if self._latest is None or self._latest[0] is not text:
            session, _, event = text.partition(" ")
            self._latest = text, Happened(SessionId(session), event)
        return self._latest[1]


def _parse_glimpse(text: str) -> Glimpsed:
    session, _, agent = text.partition(" ")
    return Glimpsed(SessionId(session), AgentId(agent))


def read_link_news(text: str) -> LinkNews:
    """What is published on a link's channel, see `keys`."""
    match text.partition(":"):
        case ("!kick", _, _):
            return Silent()
        case ("!orphaned", _, _):
            return OwnerRemoved()
        case ("!fence", _, fence):
            return TakenOver(int(fence))
        case (seq, _, command):
            return CommandPut(int(seq), command)
