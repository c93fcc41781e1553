"""What the connections to the store promise beyond redis-py's own."""

import asyncio
import contextlib
from contextlib import aclosing
from pathlib import Path
from typing import cast

import pytest
from redis.asyncio import Redis

from broker.adapters.embedded import embedded_redis
from broker.adapters.redis.client import listen_on
from broker.adapters.redis.connecting.opening import open_redis
from broker.domain.errors import Unavailable

_MOST_STEPS = 40
"""Of the event loop, more than a command takes."""


async def test_a_command_is_cancelled_at_whichever_step_the_word_comes(redis_url: str) -> None:
    redis = open_redis(redis_url)
    await redis.ping()
    for steps in range(_MOST_STEPS):
        command = asyncio.create_task(redis.ping())
        for _ in range(steps):
            await asyncio.sleep(0)
        if command.cancel():
            await asyncio.wait([command], timeout=10)
            assert command.cancelled(), f"after {steps} steps it went on"
        assert await redis.ping()
    await redis.aclose()


async def test_what_is_published_comes_with_word_of_what_may_have_been_lost(tmp_path: Path) -> None:
    async with embedded_redis(tmp_path) as url:
        redis = open_redis(url)
        async with asyncio.timeout(10), aclosing(listen_on(redis, "channel")) as items:
            assert await anext(items) is None
            await redis.publish("channel", "one")
            assert await anext(items) == "one"
            await cast(Redis, redis).client_kill_filter(_type="pubsub")
            assert await anext(items) is None
            await redis.publish("channel", "two")
            assert await anext(items) == "two"
        await redis.aclose()


async def test_who_follows_a_channel_is_told_that_the_store_is_away(tmp_path: Path) -> None:
    redis = open_redis(f"unix://{tmp_path / 'nobody'}")
    async with asyncio.timeout(20), aclosing(listen_on(redis, "channel")) as items:
        with pytest.raises(Unavailable):
            await anext(items)
    await redis.aclose()


async def test_a_server_that_stands_still_is_waited_for_once(tmp_path: Path) -> None:
    connections = 0

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with contextlib.suppress(ConnectionError):
            while await reader.read(1024):
                pass
        writer.close()

    path = tmp_path / "still"
    async with await asyncio.start_unix_server(listen, path):
        redis = open_redis(f"unix://{path}?socket_timeout=0.2")
        with pytest.raises(Unavailable):
            await redis.ping()
        assert connections <= 2, "one that went on is tried again, one that took all the time there is, is not"
        await redis.aclose()
