"""Hands a link's commands to its connection, in order and without holes.

A signal carries the command itself, so that the usual case needs no read; whenever its number is not the next one, or
some signal may have been lost, the mailbox is read. The mailbox is the queue: nothing piles up here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import assert_never

from broker.services.ports import CommandPut, LinkNews, OwnerRemoved, Silent, TakenOver
from broker.telemetry import MAILBOX_READS

_CHECK_S = 5.0
"""How long the loss of a signal can stay unnoticed; delivery is promised within seconds."""
_ARRIVED = 256


class Superseded(Exception):
    """A newer connection of the same link has taken over."""


class Kicked(Exception):
    """A worker found this link silent and wants it connected anew."""


class Orphaned(Exception):
    """The owner of this machine was removed."""


class MailboxPump:
    """Follows one link's mailbox. `notify` is told of news; `run` sends until it is cancelled or raises."""

    def __init__(
        self,
        *,
        read: Callable[[int], Awaitable[list[tuple[int, str]]]],
        send: Callable[[int, str], Awaitable[None]],
    ) -> None:
        self._read = read
        self._send = send
        self._arrived: deque[tuple[int, str]] = deque()
        self._stale = True
        self._ended: type[Exception] | None = None
        self._newest_fence = 0
        self._wake = asyncio.Event()

    def notify(self, news: LinkNews | None) -> None:
        """Take news of the link; None means that some may have been lost."""
        match news:
            case Silent():
                self._ended = self._ended or Kicked
            case OwnerRemoved():
                self._ended = self._ended or Orphaned
            case TakenOver(fence):
                self._newest_fence = max(self._newest_fence, fence)
            case CommandPut(seq, command) if len(self._arrived) < _ARRIVED:
                self._arrived.append((seq, command))
            case CommandPut() | None:
                self._lose_track()
                self._arrived.clear()
            case _ as other:
                assert_never(other)
        self._wake.set()

    async def run(self, *, after: int, fence: int) -> None:
        """Send everything after a number. Raises `Superseded`, `Kicked`, `Orphaned`."""
        position = after
        while True:
            if self._ended is not None:
                raise self._ended
            if self._newest_fence > fence:
                raise Superseded
            position = await self._catch_up(position) if self._stale else await self._send_arrived(position)
            if not self._stale and not self._arrived:
                await self._sleep()
                self._wake.clear()

    async def _catch_up(self, position: int) -> int:
        self._stale = False
        while commands := await self._read(position):
            for seq, command in commands:
                await self._send(seq, command)
                position = seq
        return position

    async def _send_arrived(self, position: int) -> int:
        while self._arrived:
            seq, command = self._arrived.popleft()
            if seq <= position:
                continue
            if seq != position + 1:
                self._lose_track()
                return position
            await self._send(seq, command)
            position = seq
        return position

    def _lose_track(self) -> None:
        self._stale = True
        MAILBOX_READS.inc()

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(_CHECK_S):
                await self._wake.wait()
        except TimeoutError:
            self._stale = True
