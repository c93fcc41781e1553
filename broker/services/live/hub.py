"""Live sessions of one process: one log position per session, many subscribers with bounded queues.

Signals only wake us up. A message whose offset is not the next one, or word that some may be lost, makes the hub read
the log; a periodic check does the same when nothing arrives. So signals may be lost, and a subscriber loses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator

from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.logs.event_filter import ALL_EVENTS, EventFilter
from broker.domain.logs.events import Cursor
from broker.services.ports import EventLog, Signals
from broker.telemetry import READERS_BEHIND

_PAGE = 500
_QUEUE, _QUEUE_CHARACTERS = 1024, 4 * 1024 * 1024
"""What a subscriber may lag behind, in events and in their length, before it reads from the log instead."""
_CHECK_S = 20.0
"""How long the loss of the very last message on the bus can stay unnoticed."""
_POSITION = re.compile(r'\{"epoch":"([^"]+)","offset":(\d+),')


class Reset:
    """History between the reader's cursor and `first` is gone."""

    def __init__(self, first: Cursor) -> None:
        self.first = first


class Hub:
    """Follows session logs for any number of readers."""

    def __init__(self, log: EventLog, signals: Signals) -> None:
        self._log = log
        self._signals = signals

    async def follow(
        self, workspace: WorkspaceId, session: SessionId, *, after: Cursor | None, only: EventFilter = ALL_EVENTS
    ) -> AsyncGenerator[str | Reset, None]:
        """Every wanted event after a position, live and without end; None means from the first that is kept.

        Each event comes exactly once and in order. Raises `NotFound`.
        """
        reader = _Reader()
        stop = await self._signals.session(workspace, session, reader.push)
        position = after
        try:
            while True:
                async for item, cursor in self._catch_up(workspace, session, position, only):
                    position = cursor
                    if item is not None:
                        yield item
                assert position is not None
                async for event, cursor in reader.live(position):
                    position = cursor
                    if only == ALL_EVENTS or only.admits_text(event):
                        yield event
        finally:
            await stop()

    async def _catch_up(
        self, workspace: WorkspaceId, session: SessionId, after: Cursor | None, only: EventFilter
    ) -> AsyncIterator[tuple[str | Reset | None, Cursor]]:
        """What is in the log, each with its position; None with the position of events that nobody wants."""
        while True:
            page = await self._log.read(workspace, session, after=after, limit=_PAGE, only=only)
            if page.reset:
                yield Reset(page.first), Cursor(page.first.epoch, page.first.offset - 1)
            for event in page.events:
                yield event, position_of(event)
            yield None, page.next
            after = page.next
            if page.next.offset >= page.head.offset:
                return


class _Reader:
    """What arrived on the bus and was not yet taken."""

    def __init__(self) -> None:
        self._arrived: deque[str] = deque()
        self._characters = 0
        self._lost = False
        self._wake = asyncio.Event()

    def push(self, event: str | None) -> None:
        if event is None or len(self._arrived) >= _QUEUE or self._characters >= _QUEUE_CHARACTERS:
            if event is not None and not self._lost:
                READERS_BEHIND.inc()
            self._lost = True
            self._arrived.clear()
            self._characters = 0
        elif not self._lost:
            self._arrived.append(event)
            self._characters += len(event)
        self._wake.set()

    async def live(self, position: Cursor) -> AsyncIterator[tuple[str, Cursor]]:
        """Events that follow `position` without a hole; ends when the log must be read again."""
        while not self._lost:
            self._wake.clear()  # before: what comes while the reader is busy with an event must wake it afterwards
            while self._arrived:
                event = self._arrived.popleft()
                self._characters -= len(event)
                cursor = position_of(event)
                if cursor.epoch == position.epoch and cursor.offset <= position.offset:
                    continue
                if cursor != Cursor(position.epoch, position.offset + 1):
                    return
                position = cursor
                yield event, cursor
            if not await self._woken():
                break
        self._lost = False

    async def _woken(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CHECK_S):
                await self._wake.wait()
                return True
        return False


def position_of(event: str) -> Cursor:
    """The position that an event's JSON text begins with."""
    found = _POSITION.match(event)
    if found is None:
        raise ValueError("not an event of a session log")
    return Cursor(found[1], int(found[2]))
