"""Followers of a log: no gap, no repetition, whatever the bus loses."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import pytest

from broker.adapters.redis.signals import RedisSignals
from broker.domain.logs.event_filter import event_filter
from broker.domain.logs.events import Cursor
from broker.services.live.hub import Hub, Reset, position_of
from tests.fixtures.desk import Desk


class LossyBus:
    """A bus in the test's hand."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[str | None], None]] = []
        self.channels: list[str] = []
        self.listening = asyncio.Event()

    async def listen(self, channel: str, on_message: Callable[[str | None], None]) -> Callable[[], Awaitable[None]]:
        self.listeners.append(on_message)
        self.channels.append(channel)
        self.listening.set()

        async def stop() -> None:
            place = self.listeners.index(on_message)
            del self.listeners[place], self.channels[place]

        return stop

    def say(self, message: str | None, *, channel: str = "") -> None:
        """To all, or to those that listen to a channel whose name ends so."""
        heard = zip(list(self.listeners), list(self.channels), strict=True)
        for listener, name in heard:
            if name.endswith(channel):
                listener(message)


@pytest.fixture
def bus() -> LossyBus:
    return LossyBus()


@pytest.fixture
def hub(desk: Desk, bus: LossyBus) -> Hub:
    return Hub(desk.adapters.log, RedisSignals(bus))


async def take(items: AsyncIterator[str | Reset], count: int) -> list[int]:
    offsets = []
    async with asyncio.timeout(5):
        for _ in range(count):
            item = await anext(items)
            assert isinstance(item, str)
            offsets.append(position_of(item).offset)
    return offsets


async def tell(desk: Desk, bus: LossyBus, *offsets: int) -> None:
    page = await desk.adapters.log.read(desk.workspace, desk.session.id, after=None, limit=1000)
    for offset in offsets:
        bus.say(page.events[offset - 1])


async def add(desk: Desk, count: int) -> None:
    """So many events more."""
    before = len(await desk.events())
    for _ in range(count // 2):
        await desk.detach()
        await desk.attach()
    assert len(await desk.events()) == before + count


async def test_what_the_bus_loses_is_read_from_the_log(desk: Desk, hub: Hub, bus: LossyBus) -> None:
    async with aclosing(hub.follow(desk.workspace, desk.session.id, after=None)) as items:
        assert await take(items, 2) == [1, 2]
        await add(desk, 6)
        waiting = asyncio.ensure_future(take(items, 6))
        await tell(desk, bus, 8)
        assert await waiting == [3, 4, 5, 6, 7, 8]


async def test_repeated_and_late_messages_are_given_once(desk: Desk, hub: Hub, bus: LossyBus) -> None:
    async with aclosing(hub.follow(desk.workspace, desk.session.id, after=None)) as items:
        assert await take(items, 2) == [1, 2]
        await add(desk, 4)
        waiting = asyncio.ensure_future(take(items, 4))
        await tell(desk, bus, 3, 3, 1, 5, 4, 6, 6)
        assert await waiting == [3, 4, 5, 6]


async def test_word_of_a_loss_makes_it_read_again(desk: Desk, hub: Hub, bus: LossyBus) -> None:
    async with aclosing(hub.follow(desk.workspace, desk.session.id, after=None)) as items:
        assert await take(items, 2) == [1, 2]
        await add(desk, 2)
        bus.say(None)
        assert await take(items, 2) == [3, 4]


async def test_the_loss_of_the_last_message_is_found_by_the_check(
    desk: Desk, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.services.live.hub._CHECK_S", 0.01)
    async with aclosing(hub.follow(desk.workspace, desk.session.id, after=None)) as items:
        assert await take(items, 2) == [1, 2]
        await add(desk, 2)
        assert await take(items, 2) == [3, 4]


@pytest.mark.parametrize(("bound", "value"), [("_QUEUE", 5), ("_QUEUE_CHARACTERS", 1000)])
async def test_a_slow_reader_misses_nothing(
    desk: Desk, hub: Hub, bus: LossyBus, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr(f"broker.services.live.hub.{bound}", value)
    async with aclosing(hub.follow(desk.workspace, desk.session.id, after=None)) as items:
        assert await take(items, 2) == [1, 2]
        await add(desk, 20)
        await tell(desk, bus, *range(3, 23))
        assert await take(items, 20) == list(range(3, 23))


async def test_a_filter_passes_over_what_nobody_wants_and_loses_no_place(desk: Desk, hub: Hub, bus: LossyBus) -> None:
    only = event_filter(kinds=["proxy.disconnected"])
    async with aclosing(hub.follow(desk.workspace, desk.session.id, after=None, only=only)) as items:
        waiting = asyncio.ensure_future(take(items, 2))
        async with asyncio.timeout(5):
            await bus.listening.wait()
        await add(desk, 4)
        await tell(desk, bus, 3, 4, 5, 6)
        assert await waiting == [3, 5]
        await add(desk, 2)
        bus.say(None)
        assert await take(items, 1) == [7]


async def test_it_begins_after_the_cursor(desk: Desk, hub: Hub, bus: LossyBus) -> None:
    await add(desk, 2)
    async with aclosing(hub.follow(desk.workspace, desk.session.id, after=Cursor("log-epoch", 3))) as items:
        assert await take(items, 1) == [4]


@pytest.mark.parametrize("after", [Cursor("other", 1), Cursor("log-epoch", 99)])
async def test_lost_history_is_told_and_all_that_is_kept_follows(desk: Desk, hub: Hub, after: Cursor) -> None:
    async with aclosing(hub.follow(desk.workspace, desk.session.id, after=after)) as items:
        reset = await anext(items)
        assert isinstance(reset, Reset)
        assert reset.first == Cursor("log-epoch", 1)
        assert await take(items, 2) == [1, 2]


async def test_a_reader_that_leaves_stops_listening(desk: Desk, hub: Hub, bus: LossyBus) -> None:
    async with aclosing(hub.follow(desk.workspace, desk.session.id, after=None)) as items:
        await take(items, 1)
        assert len(bus.listeners) == 1
    assert bus.listeners == []
