"""Feeds: one follower of a log for all who are caught up, whoever comes, lags or leaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from typing_extensions import override

from broker.domain.errors import NotFound
from broker.domain.events import Cursor
from broker.services import feeds as module
from broker.services.feeds import CaughtUp, Feeds, Listener, Logged, Show
from broker.services.hub import Hub
from tests.fixtures.desk import Desk
from tests.fixtures.log_appender import Append, log_appender, text_frame
from tests.services.test_hub import LossyBus, tell


class Sink(Listener[int]):
    """Takes offsets while it has room."""

    def __init__(self, offsets: list[int], *, room: int = 1_000_000) -> None:
        super().__init__()
        self.offsets = offsets
        self.left = room
        self.full = asyncio.Event()
        self.emptied = asyncio.Event()

    @override
    def take(self, shown: int) -> bool:
        if not self.left:
            self.emptied.clear()
            self.full.set()
            return False
        self.left -= 1
        self.offsets.append(shown)
        return True

    @override
    async def room(self) -> None:
        await self.emptied.wait()

    def empty(self, room: int) -> None:
        self.left = room
        self.emptied.set()


@pytest.fixture
def bus() -> LossyBus:
    return LossyBus()


@pytest.fixture
def feeds(desk: Desk, bus: LossyBus) -> Feeds:
    return Feeds(Hub(desk.adapters.log, bus, channel=lambda _, s: s), desk.adapters.log)


@pytest.fixture
def append(desk: Desk) -> Append:
    return log_appender(desk.adapters.redis, desk.workspace, desk.session.id)


def numbers(shown: list[int] | None = None) -> Show[int]:
    """Events as their offsets; each time one is made ready it is noted."""

    def of(event: Logged) -> int:
        if shown is not None:
            shown.append(event.cursor.offset)
        return event.cursor.offset

    return Show(key="numbers", of=of)


@contextlib.asynccontextmanager
async def reading(desk: Desk, feeds: Feeds, sink: Sink, show: Show[int], *, after: int) -> AsyncIterator[asyncio.Event]:
    """A reader until the block ends; the event is set once it has caught up."""
    caught_up = asyncio.Event()
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)

    async def read() -> None:
        reader = feeds.reader(desk.workspace, desk.session.id, head=head, after=Cursor(head.epoch, after))
        async with contextlib.aclosing(reader.follow(sink, show)) as items:
            async for item in items:
                if isinstance(item, CaughtUp):
                    caught_up.set()
                elif isinstance(item, Logged):
                    sink.offsets.append(item.cursor.offset)

    task = asyncio.create_task(read())
    try:
        yield caught_up
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def has(offsets: list[int], last: int) -> None:
    async with asyncio.timeout(5):
        while not offsets or offsets[-1] != last:
            await asyncio.sleep(0)


async def test_an_event_is_made_ready_once_for_all_who_want_the_same(
    desk: Desk, feeds: Feeds, bus: LossyBus, append: Append
) -> None:
    made: list[int] = []
    sinks = [Sink([]) for _ in range(5)]
    async with contextlib.AsyncExitStack() as stack:
        for sink in sinks:
            caught_up = await stack.enter_async_context(reading(desk, feeds, sink, numbers(made), after=2))
            await caught_up.wait()
        assert len(bus.listeners) == 1
        await append([text_frame("a"), text_frame("b")])
        await tell(desk, bus, 3, 4)
        for sink in sinks:
            await has(sink.offsets, 4)
    assert made == [3, 4]
    assert all(sink.offsets == [3, 4] for sink in sinks)
    assert bus.listeners == []


async def test_one_without_room_goes_on_by_itself_and_holds_nobody_up(
    desk: Desk, feeds: Feeds, bus: LossyBus, append: Append
) -> None:
    slow, quick = Sink([], room=1), Sink([])
    async with (
        reading(desk, feeds, slow, numbers(), after=2) as one,
        reading(desk, feeds, quick, numbers(), after=2) as two,
    ):
        await one.wait()
        await two.wait()
        await append([text_frame(str(n)) for n in range(4)])
        await tell(desk, bus, 3, 4, 5, 6)
        await has(quick.offsets, 6)
        await has(slow.offsets, 6)  # the rest is from the log
        slow.empty(10)
        await append([text_frame("live again")])
        await tell(desk, bus, 7)
        await has(slow.offsets, 7)
    assert slow.offsets == quick.offsets == [3, 4, 5, 6, 7]


async def test_a_burst_is_taken_in_step_by_one_that_finds_room_in_time(
    desk: Desk, feeds: Feeds, bus: LossyBus, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GRACE_S", 5)
    sink = Sink([], room=1)
    async with reading(desk, feeds, sink, numbers(), after=2) as caught_up:
        await caught_up.wait()
        await append([text_frame(str(n)) for n in range(3)])
        await tell(desk, bus, 3, 4, 5)
        async with asyncio.timeout(5):
            await sink.full.wait()
        assert sink.offsets == [3]
        sink.empty(10)
        await has(sink.offsets, 5)
        assert not sink.away.is_set()


async def test_a_reader_that_has_read_further_than_the_feed_gets_nothing_twice(
    desk: Desk, feeds: Feeds, bus: LossyBus, append: Append
) -> None:
    first, second = Sink([]), Sink([])
    async with reading(desk, feeds, first, numbers(), after=2) as one:
        await one.wait()
        await append([text_frame("a"), text_frame("b")])  # the bus is late
        async with reading(desk, feeds, second, numbers(), after=4) as two:
            await two.wait()
            await append([text_frame("c")])
            await tell(desk, bus, 3, 4, 5)
            await has(first.offsets, 5)
            await has(second.offsets, 5)
    assert first.offsets == [3, 4, 5]
    assert second.offsets == [5]


async def test_a_session_that_is_gone_is_told_to_all(desk: Desk, feeds: Feeds, bus: LossyBus) -> None:
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)
    sink = Sink([])
    reader = feeds.reader(desk.workspace, desk.session.id, head=head, after=head)
    async with contextlib.aclosing(reader.follow(sink, numbers())) as items:
        assert isinstance(await anext(items), CaughtUp)
        next_one = asyncio.ensure_future(anext(items))
        async with asyncio.timeout(5):
            await bus.listening.wait()
        await desk.adapters.retention.remove_session(desk.workspace, desk.session.id)
        bus.say(None)
        async with asyncio.timeout(5):
            with pytest.raises(NotFound):
                await next_one
