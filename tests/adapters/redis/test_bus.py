"""The bus on a server that goes away and comes back."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from broker.adapters.embedded import embedded_redis
from broker.adapters.redis.bus import RedisBus
from broker.adapters.redis.client import open_redis
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
