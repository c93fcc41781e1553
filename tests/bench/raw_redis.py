"""The raw limit: what Redis itself gives to two Python processes, without the relay between them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import redis

from tests.bench.stage import Broker, running

_STREAM, _CHANNEL = "bench:log", "bench:wake"
_BATCH = 100
_APPEND = """
local offset = redis.call('HINCRBY', KEYS[1], 'offset', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 100000, offset .. '-0', 'e', ARGV[1])
redis.call('PUBLISH', KEYS[3], offset)
return offset
"""


class RawHop:
    """One append with its wake-up, until another process holds the entry."""

    def __init__(self, client: redis.Redis, answers: asyncio.StreamReader) -> None:
        self._client = client
        self._answers = answers

    async def milliseconds(self, body: bytes) -> float:
        pipe = self._client.pipeline(transaction=False)
        began = time.time_ns()
        pipe.xadd(_STREAM, {"e": body}, maxlen=1000)
        pipe.publish(_CHANNEL, b"1")
        pipe.execute()
        async with asyncio.timeout(5):
            read_at_ns = int(await self._answers.readline())
        return (read_at_ns - began) / 1e6


@contextlib.asynccontextmanager
async def raw_hop(broker: Broker) -> AsyncIterator[RawHop]:
    command = [sys.executable, "-m", "tests.bench.raw_redis"]
    async with running(command, folder=broker.folder, environment={"BENCH_REDIS_URL": broker.redis_url}) as subscriber:
        assert subscriber.process.stdout is not None
        with contextlib.closing(redis.Redis.from_url(broker.redis_url)) as client:
            yield RawHop(client, subscriber.process.stdout)


def appends_per_second(broker: Broker, *, count: int, body: bytes) -> tuple[float, float]:
    """Appends with a publish each, pipelined by the hundred: as two commands, and as one script."""
    with contextlib.closing(redis.Redis.from_url(broker.redis_url)) as client:
        sha = client.script_load(_APPEND)

        def commands(pipe: Any) -> None:
            pipe.xadd(_STREAM, {"e": body}, maxlen=100_000)
            pipe.publish(_CHANNEL, b"1")

        def script(pipe: Any) -> None:
            pipe.evalsha(sha, 3, "bench:meta", "bench:scripted", _CHANNEL, body)

        rates = _rate(client, commands, count), _rate(client, script, count)
        client.delete("bench:meta", "bench:scripted", _STREAM)
        return rates


def _rate(client: redis.Redis, append: Any, count: int) -> float:
    began = time.perf_counter()
    for _ in range(count // _BATCH):
        pipe = client.pipeline(transaction=False)
        for _ in range(_BATCH):
            append(pipe)
        pipe.execute()
    return count / (time.perf_counter() - began)


def subscribe() -> None:
    """The other process of a hop: woken by the channel, reads the entry, says when it had it."""
    client = redis.Redis.from_url(os.environ["BENCH_REDIS_URL"])
    pubsub = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    pubsub.subscribe(_CHANNEL)
    client.ping()
    last = b"0"
    print("ready", flush=True)
    for _ in pubsub.listen():
        entries: Any = client.xrange(_STREAM, min=b"(" + last)
        read_at_ns = time.time_ns()
        last = entries[-1][0]
        print(read_at_ns, flush=True)


if __name__ == "__main__":
    subscribe()
