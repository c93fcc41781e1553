"""The events of one session: the items of `sessionEvents`, for execution one by one and for the fast path in common."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TypeVar

from typing_extensions import override

from broker.domain.errors import RelayError
from broker.domain.logs.event_filter import EventFilter
from broker.services.live.feeds import CaughtUp, Listener, Logged, Reader, Show
from broker.services.live.hub import Reset
from graphql_api.types.log import events
from graphql_api.types.log.told import FromLog

_QUEUE, _QUEUE_CHARACTERS = 256, 1024 * 1024
"""What may wait for one reader's execution, in events and in their length; one that lags further reads the log."""
_Shown = TypeVar("_Shown")
Item = Logged | Reset | CaughtUp


class SessionEvents:
    """An event stream as the executor wants one: iterated, it gives GraphQL objects."""

    def __init__(self, reader: Reader, wanted: EventFilter) -> None:
        self._reader = reader
        self.wanted = wanted

    async def __aiter__(self) -> AsyncGenerator[FromLog, None]:
        """Every item, each to be executed."""
        async with aclosing(self.items()) as items:
            async for item in items:
                yield as_object(item)

    async def items(self) -> AsyncGenerator[Item, None]:
        """Every item that is wanted."""
        queue = _Queue()
        show = Show(key=("execution", self.wanted), of=lambda event: event if self.admits(event) else None)
        async with aclosing(self._reader.follow(queue, show, queue.live)) as items:
            async for item in items:
                if self.admits(item):
                    yield item

    def follow(self, listener: Listener[_Shown], show: Show[_Shown]) -> AsyncGenerator[Item, None]:
        """The items that the listener cannot get from its audience; `admits` says which of them are wanted."""
        return self._reader.follow(listener, show)

    def admits(self, item: Item) -> bool:
        """Whether the reader wants it."""
        return not isinstance(item, Logged) or self.wanted.admits(item.json)


def as_object(item: Item) -> FromLog:
    """An item as its GraphQL type."""
    match item:
        case Logged():
            return events.event_type(item.json)(source=item.json)
        case Reset():
            return events.Reset(source={"first": str(item.first)})
        case CaughtUp():
            return events.CaughtUp(source={"head": str(item.head)})


class _Queue(Listener[Logged]):
    """A listener whose reader takes one event after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._arrived: deque[Logged] = deque()
        self._characters = 0
        self._wake = asyncio.Event()
        self._has_room = asyncio.Event()

    @override
    def take(self, shown: Logged) -> bool:
        if len(self._arrived) >= _QUEUE or self._characters >= _QUEUE_CHARACTERS:
            self._has_room.clear()
            return False
        self._arrived.append(shown)
        self._characters += len(shown.text)
        self._wake.set()
        return True

    @override
    async def room(self) -> None:
        await self._has_room.wait()

    @override
    def send_away(self, error: RelayError | None = None) -> None:
        super().send_away(error)
        self._wake.set()

    async def live(self) -> AsyncIterator[Logged]:
        """What was taken, until it is in no audience any more."""
        while self._arrived or not self.away.is_set():
            self._wake.clear()
            while self._arrived:
                event = self._arrived.popleft()
                self._characters -= len(event.text)
                if len(self._arrived) <= _QUEUE // 2 and self._characters <= _QUEUE_CHARACTERS // 2:
                    self._has_room.set()
                yield event
            if not self.away.is_set():
                await self._wake.wait()
