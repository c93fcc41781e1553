"""Feeds: one follower of a log for all who are caught up, whoever comes, lags or leaves."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from typing_extensions import override

from broker.adapters.redis.signals import RedisSignals
from broker.domain.errors import NotFound
from broker.domain.logs.events import Cursor
from broker.services.live import feeds as module
from broker.services.live.feeds import CaughtUp, Feed, Feeds, Listener, Logged, Patience, Show
from broker.services.live.hub import Hub
from tests.fixtures.desk import Desk
from tests.fixtures.log_appender import Append, log_appender, text_frame
from tests.services.live.test_hub import LossyBus, tell


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
    return Feeds(Hub(desk.adapters.log, RedisSignals(bus)), desk.adapters.log)


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


async def test_one_without_room_goes_on_although_another_stalls_on_its_way(
    desk: Desk, feeds: Feeds, bus: LossyBus, append: Append
) -> None:
    stalling, narrow = Sink([]), Sink([], room=1)
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)
    reader = feeds.reader(desk.workspace, desk.session.id, head=head, after=Cursor(head.epoch, 0))
    async with contextlib.aclosing(reader.follow(stalling, numbers())) as items:
        assert isinstance(await anext(items), Logged)  # and it asks for no more
        async with reading(desk, feeds, narrow, numbers(), after=2) as caught_up:
            await caught_up.wait()
            await append([text_frame(str(n)) for n in range(4)])
            await tell(desk, bus, 3, 4, 5, 6)
            await has(narrow.offsets, 6)
    assert narrow.offsets == [3, 4, 5, 6]


async def test_a_feed_remembers_as_much_as_fits_however_large_its_events_are(
    desk: Desk, feeds: Feeds, bus: LossyBus, append: Append
) -> None:
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)
    small, large = text_frame("s"), text_frame("l" * 100_000)
    async with feeds.of(desk.workspace, desk.session.id, head=head) as feed:
        async with asyncio.timeout(5):
            await bus.listening.wait()
        await append([small, small, large, large])
        await tell(desk, bus, 3, 4)
        await follows(feed, 4)
        assert [event.cursor.offset for event in feed.read_missed(head) or []] == [3, 4]
        await tell(desk, bus, 5, 6)
        await follows(feed, 6)
        assert feed.read_missed(head) is None
        assert [event.cursor.offset for event in feed.read_missed(Cursor(head.epoch, 5)) or []] == [6]
        assert feed.read_missed(feed.position) == []


async def follows(feed: Feed, offset: int) -> None:
    async with asyncio.timeout(5):
        while feed.position.offset != offset:
            await asyncio.sleep(0)


def test_those_without_room_take_a_share_of_the_time_at_most_however_many_they_are() -> None:
    patience, now, waited = Patience(1.0, share=0.5), 100.0, 0.0
    while now < 200.0:  # whenever one has found room another has none
        wait = min(0.1, patience.measure_left(now))
        patience.spend(wait)
        waited += wait
        now += max(wait, 0.001)
    assert waited == pytest.approx(51, abs=1)
    assert patience.measure_left(now + 2) == 1.0


class Paced(Sink):
    """Takes one way or the other only what it has room for, as a peer's connection does."""

    async def accept(self, offset: int) -> None:
        while not self.take(offset):
            await self.room()


@contextlib.asynccontextmanager
async def following(desk: Desk, feeds: Feeds, sink: Paced, *, after: int) -> AsyncIterator[None]:
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)

    async def read() -> None:
        reader = feeds.reader(desk.workspace, desk.session.id, head=head, after=Cursor(head.epoch, after))
        async with contextlib.aclosing(reader.follow(sink, numbers())) as items:
            async for item in items:
                if isinstance(item, Logged):
                    await sink.accept(item.cursor.offset)

    task = asyncio.create_task(read())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@dataclass(slots=True, kw_only=True)
class Follower:
    sink: Paced
    after: int
    leave: contextlib.AsyncExitStack

    def check(self) -> None:
        """It has every event once and in order, as far as it came."""
        first = self.after + 1
        assert self.sink.offsets == list(range(first, first + len(self.sink.offsets)))


@pytest.mark.parametrize("seed", range(12))
async def test_each_gets_every_event_once_and_in_order_whoever_comes_lags_stalls_or_leaves(
    desk: Desk, feeds: Feeds, bus: LossyBus, append: Append, seed: int
) -> None:
    dice, last, gone = random.Random(seed), 2, []
    followers: list[Follower] = []
    for _ in range(80):
        match dice.choice(["come", "go", "read", "event", "event", "event", "wait"]):
            case "come":
                sink = Paced([], room=dice.choice([0, 1, 5, 1_000_000]))
                came = Follower(sink=sink, after=dice.randrange(last + 1), leave=contextlib.AsyncExitStack())
                await came.leave.enter_async_context(following(desk, feeds, sink, after=came.after))
                followers.append(came)
            case "go" if followers:
                gone.append(followers.pop(dice.randrange(len(followers))))
                await gone[-1].leave.aclose()
            case "read" if followers:
                dice.choice(followers).sink.empty(dice.choice([1, 3, 1000]))
            case "event":
                count = dice.randint(1, 6)
                await append([text_frame("")] * count)
                await tell(desk, bus, *(n for n in range(last + 1, last + count + 1) if dice.random() < 0.9))
                last += count
            case _:
                for _ in range(dice.randrange(40)):
                    await asyncio.sleep(0)
    stalled, reading = followers[::2], followers[1::2]
    bus.say(None)
    for each in reading:
        each.sink.empty(1_000_000)
    for each in reading:
        if each.after < last:
            await has(each.sink.offsets, last)
    for each in (*gone, *stalled, *reading):
        each.check()
        await each.leave.aclose()
