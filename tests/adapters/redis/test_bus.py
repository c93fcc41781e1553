"""The bus: whatever ends its connection or a listener, it goes on, and says what may have been lost."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from typing_extensions import override

from broker.adapters.embedded import embedded_redis
from broker.adapters.redis.bus import RedisBus
from broker.adapters.redis.connecting.opening import open_redis
from broker.domain.errors import Unavailable


class Heard:
    """What a listener was told."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[str | None] = asyncio.Queue()

    async def next(self) -> str | None:
        async with asyncio.timeout(10):
            return await self.messages.get()


async def test_each_listener_hears_its_channel_until_it_stops(redis_url: str, workspace: str) -> None:
    redis = open_redis(redis_url)
    bus = RedisBus(redis)
    running = asyncio.create_task(bus.run())
    first, second, other = Heard(), Heard(), Heard()
    stop = await bus.listen(workspace, first.messages.put_nowait)
    await bus.listen(workspace, second.messages.put_nowait)
    await bus.listen(f"{workspace}-other", other.messages.put_nowait)
    await redis.publish(workspace, "one")
    assert [await first.next(), await second.next()] == ["one", "one"]
    await stop()
    await redis.publish(workspace, "two")
    assert await second.next() == "two"
    assert first.messages.empty()
    assert other.messages.empty()
    await finish(running)
    await redis.aclose()


async def finish(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_lost_connection_is_told_and_listened_on_again(tmp_path: Path) -> None:
    """Also a listener that came while the server was away hears later, and fails now instead of hanging."""
    async with contextlib.AsyncExitStack() as outer:
        server = contextlib.AsyncExitStack()
        url = await server.enter_async_context(embedded_redis(tmp_path))
        redis = open_redis(url)
        outer.push_async_callback(redis.aclose)
        bus = RedisBus(redis)
        outer.push_async_callback(finish, asyncio.create_task(bus.run()))
        heard, late = Heard(), Heard()
        await bus.listen("channel", heard.messages.put_nowait)
        await server.aclose()
        with pytest.raises(Unavailable):
            async with asyncio.timeout(10):
                await bus.listen("late", late.messages.put_nowait)
        async with embedded_redis(tmp_path):
            assert await heard.next() is None
            await redis.publish("channel", "again")
            assert await heard.next() == "again"
            async with asyncio.timeout(10):
                await bus.listen("late", late.messages.put_nowait)
            await redis.publish("late", "hello")
            assert await late.next() == "hello"


async def test_a_listener_that_gives_up_leaves_nothing_behind(redis_url: str, workspace: str) -> None:
    redis = open_redis(redis_url)
    bus = RedisBus(redis)  # not running: no confirmation ever comes
    heard = Heard()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await bus.listen(workspace, heard.messages.put_nowait)
    running = asyncio.create_task(bus.run())
    again = Heard()
    async with asyncio.timeout(10):
        await bus.listen(workspace, again.messages.put_nowait)
    await redis.publish(workspace, "one")
    while (message := await again.next()) is None:  # the first one's confirmation came late
        pass
    assert message == "one"
    assert heard.messages.empty()
    await finish(running)
    await redis.aclose()


@contextlib.asynccontextmanager
async def bus_on(url: str, *broken: type[PubSub], **waits: float) -> AsyncIterator[tuple[RedisBus, Redis]]:
    """A running bus whose first connections are of those kinds; beside it a client of the test's own."""
    redis = open_redis(url)
    client = cast(Redis, redis)
    lives = list(broken)

    def open_pubsub() -> PubSub:
        return (lives.pop(0) if lives else PubSub)(client.connection_pool)

    bus = RedisBus(redis, open_pubsub=open_pubsub, **waits)
    running = asyncio.create_task(bus.run())
    try:
        yield bus, client
    finally:
        await finish(running)
        await redis.aclose()


class Raising(PubSub):
    """Fails while it reads, as two tasks on one connection do, and uvloop's closed transports."""

    @override
    async def get_message(self, ignore_subscribe_messages: bool = False, timeout: float | None = 0.0) -> Any:
        raise RuntimeError("read() called while another coroutine is already waiting for incoming data")


class Unsubscribed(PubSub):
    """Cannot subscribe."""

    @override
    async def subscribe(self, *args: Any, **kwargs: Callable[..., Any]) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")


class Deaf(PubSub):
    """A connection on which nothing comes but confirmations, and no error."""

    @override
    async def get_message(self, ignore_subscribe_messages: bool = False, timeout: float | None = 0.0) -> Any:
        message = await super().get_message(ignore_subscribe_messages, timeout)
        return message if message and message["type"] == "subscribe" else None


@pytest.mark.parametrize("broken", [Raising, Unsubscribed])
async def test_whatever_ends_a_connection_another_is_made(redis_url: str, workspace: str, broken: type[PubSub]) -> None:
    async with bus_on(redis_url, broken, broken) as (bus, redis):
        heard = Heard()
        await listened(bus, workspace, heard)
        await redis.publish(workspace, "still here")
        assert await heard.next() == "still here"


async def listened(bus: RedisBus, channel: str, heard: Heard) -> None:
    """However often it has to try."""
    async with asyncio.timeout(10):
        while True:
            try:
                await bus.listen(channel, heard.messages.put_nowait)
            except Unavailable:
                await asyncio.sleep(0.01)
            else:
                return


async def test_a_connection_that_has_become_deaf_is_given_up(redis_url: str, workspace: str) -> None:
    async with bus_on(redis_url, Deaf, check_s=0.05, hear_s=0.2) as (bus, redis):
        heard = Heard()
        await bus.listen(workspace, heard.messages.put_nowait)
        assert await heard.next() is None
        await redis.publish(workspace, "again")
        assert await heard.next() == "again"


async def test_it_knows_whether_it_hears_itself(redis_url: str) -> None:
    async with bus_on(redis_url) as (bus, _):
        await until_it_hears(bus)
    async with bus_on(redis_url, Deaf, check_s=1000, hear_s=0.2) as (bus, _):
        with pytest.raises(Unavailable):
            await bus.check()


async def until_it_hears(bus: RedisBus) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await bus.check()
            except Unavailable:
                await asyncio.sleep(0.01)
            else:
                return


async def test_a_listener_that_fails_ends_neither_the_others_nor_the_bus(redis_url: str, workspace: str) -> None:
    def fails(message: str | None) -> None:
        raise RuntimeError(f"TaskGroup is shutting down: {message}")

    async with bus_on(redis_url) as (bus, redis):
        heard = Heard()
        await bus.listen(workspace, fails)
        await bus.listen(workspace, heard.messages.put_nowait)
        await redis.publish(workspace, "one")
        await redis.publish(workspace, "two")
        assert [await heard.next(), await heard.next()] == ["one", "two"]


async def test_a_subscription_that_is_not_confirmed_in_time_is_refused(redis_url: str, workspace: str) -> None:
    class Silent(PubSub):
        @override
        async def get_message(self, ignore_subscribe_messages: bool = False, timeout: float | None = 0.0) -> Any:
            await asyncio.Event().wait()

    async with bus_on(redis_url, Silent, confirm_s=0.1) as (bus, _):
        with pytest.raises(Unavailable):
            await bus.listen(workspace, Heard().messages.put_nowait)


async def test_a_channel_that_is_left_and_wanted_again_is_heard(redis_url: str, workspace: str) -> None:
    async with bus_on(redis_url) as (bus, redis):
        for number in range(50):
            heard = Heard()
            async with asyncio.timeout(5):
                stop = await bus.listen(workspace, heard.messages.put_nowait)
            await redis.publish(workspace, str(number))
            while (message := await heard.next()) is None:  # the subscription before was confirmed late
                pass
            assert message == str(number)
            await stop()
            await stop()


async def test_listeners_that_come_and_go_while_connections_break_all_hear_in_the_end(tmp_path: Path) -> None:
    dice = random.Random(7)
    async with embedded_redis(tmp_path) as url, bus_on(url) as (bus, redis):

        async def comes_and_goes(number: int) -> None:
            for _ in range(6):
                with contextlib.suppress(Unavailable):
                    stop = await bus.listen(f"channel {number % 7}", Heard().messages.put_nowait)
                    await asyncio.sleep(dice.random() * 0.05)
                    await stop()

        async def breaks() -> None:
            for _ in range(12):
                await redis.client_kill_filter(_type="pubsub")
                await asyncio.sleep(dice.random() * 0.1)

        heard = Heard()
        await bus.listen("channel", heard.messages.put_nowait)
        await asyncio.gather(breaks(), *(comes_and_goes(number) for number in range(60)))
        await until_it_hears(bus)
        await redis.publish("channel", "the last")
        while await heard.next() != "the last":
            pass


@pytest.mark.parametrize("turns", range(12))
async def test_a_bus_that_is_told_to_end_while_its_connection_breaks_ends(redis_url: str, turns: int) -> None:
    breaks, reads = asyncio.Event(), asyncio.Event()

    class Breaking(PubSub):
        """Breaks when it is told to."""

        @override
        async def get_message(self, ignore_subscribe_messages: bool = False, timeout: float | None = 0.0) -> Any:
            reads.set()
            await breaks.wait()
            raise ConnectionError("Connection closed by server.")

    redis = open_redis(redis_url)
    bus = RedisBus(redis, open_pubsub=lambda: Breaking(cast(Redis, redis).connection_pool))
    running = asyncio.create_task(bus.run())
    async with asyncio.timeout(5):
        await reads.wait()
    breaks.set()
    for _ in range(turns):  # of the loop, on its way from the connection to whoever opens the next one
        await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=2)
    ended = bool(done)
    await finish(running)
    await redis.aclose()
    assert ended
