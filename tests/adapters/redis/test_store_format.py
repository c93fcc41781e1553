from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.adapters.embedded import embedded_redis
from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.connecting.opening import open_redis
from broker.adapters.redis.store_format import FORMAT, StoreTooNew, bring_forward
from broker.domain.ids import WorkspaceId


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[TextRedis]:
    """A store of its own: the format is the whole store's."""
    async with embedded_redis(tmp_path) as url:
        client = open_redis(url)
        yield client
        await client.aclose()


async def never(_redis: TextRedis, workspace: WorkspaceId) -> None:
    raise AssertionError(workspace)


class Recorded:
    """A step that remembers what it was called for, and can die before the last."""

    def __init__(self, *, dies_at: str = "") -> None:
        self.seen: list[str] = []
        self.dies_at = dies_at

    async def __call__(self, redis: TextRedis, workspace: WorkspaceId) -> None:
        if workspace == self.dies_at:
            raise ConnectionError
        self.seen.append(workspace)
        await redis.hset(keys.root(workspace), "forward", "1")


async def test_an_empty_store_is_of_this_versions_format_at_once(redis: TextRedis) -> None:
    assert await bring_forward(redis, program="9.9", steps={1: never}) == 0
    assert await redis.hgetall(keys.FORMAT) == {"version": str(FORMAT), "oldest": "1", "by": "9.9"}


async def test_a_store_without_a_number_is_brought_forward_once(redis: TextRedis) -> None:
    await redis.sadd(keys.WORKSPACES, "a", "b")
    step = Recorded()
    assert await bring_forward(redis, program="9.9", steps={1: step}) == 1
    assert step.seen == ["a", "b"]
    assert await bring_forward(redis, program="9.9", steps={1: never}) == FORMAT


async def test_a_step_that_died_is_done_again(redis: TextRedis) -> None:
    await redis.sadd(keys.WORKSPACES, "a", "b")
    with pytest.raises(ConnectionError):
        await bring_forward(redis, program="9.9", steps={1: Recorded(dies_at="b")})
    assert await redis.hget(keys.FORMAT, "version") is None
    again = Recorded()
    await bring_forward(redis, program="9.9", steps={1: again})
    assert again.seen == ["a", "b"]
    assert await redis.hget(keys.FORMAT, "version") == str(FORMAT)


async def test_of_many_processes_that_start_at_once_one_brings_it_forward(redis: TextRedis) -> None:
    await redis.sadd(keys.WORKSPACES, "a")
    step = Recorded()
    had = await asyncio.gather(*(bring_forward(redis, program="9.9", steps={1: step}) for _ in range(5)))
    assert step.seen == ["a"]
    assert set(had) <= {1, FORMAT}


async def test_data_of_a_newer_version_is_refused_in_words_and_left_alone(redis: TextRedis) -> None:
    newer = {"version": str(FORMAT + 2), "oldest": str(FORMAT + 1), "by": "10.0"}
    for name, value in newer.items():
        await redis.hset(keys.FORMAT, name, value)
    with pytest.raises(
        StoreTooNew,
        match=rf"written by Relaycast 10\.0 in format {FORMAT + 2}; this version knows formats up to {FORMAT}",
    ):
        await bring_forward(redis, program="9.9", steps={1: never})
    assert await redis.hgetall(keys.FORMAT) == newer


async def test_newer_data_that_this_version_can_work_on_is_taken_as_it_is(redis: TextRedis) -> None:
    newer = {"version": str(FORMAT + 1), "oldest": "1", "by": "10.0"}
    for name, value in newer.items():
        await redis.hset(keys.FORMAT, name, value)
    assert await bring_forward(redis, program="9.9", steps={1: never}) == FORMAT + 1
    assert await redis.hgetall(keys.FORMAT) == newer
