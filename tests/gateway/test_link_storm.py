"""Thousands of machines of one tenant that link, say hello and vanish: keys and memory bounded, nobody else waits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from broker.domain.machines.placement import MAX_MACHINES
from broker.protocol.proxy import write
from tests.fixtures.desk import a_hello
from tests.fuzz.live_broker import LiveBroker, live_broker, rss_kb
from tests.fuzz.test_sockets import short, upgrade

_ROUNDS = (range(1400), range(300), range(1400, 1700))
"""Fresh ones, some of them once more, and fresh ones for which there is no room."""
_AT_ONCE = 50
_MOST_GROWTH_KB = 55 * 1024
"""Of the gateway: it grew by 83 MB when it read every machine for each that came, and by 30 since."""
_MOST_OTHER_KEYS = 50
"""Of the workspace, besides one for each of its machines."""


async def _link_and_vanish(broker: LiveBroker, token: str, number: int) -> bytes:
    """What the gateway had said by then. Some vanish before it has answered their hello."""
    hello = a_hello(machine_id=f"m-{number}", name=f"machine-{number}", boot_id=f"b-{number}", session="main")
    async with broker.connection() as (reader, writer):
        writer.write(upgrade("/proxy", token))
        with contextlib.suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            async with asyncio.timeout(20):
                head = await reader.readuntil(b"\r\n\r\n")
                assert not head.startswith(b"HTTP/1.1 5"), head
                if number % 5 == 0:
                    return b""
                writer.write(b"\x81" + short(write(hello).encode()))
                return b"" if number % 5 == 1 else await reader.read(65536)
    return b""


async def _storm(broker: LiveBroker, token: str, numbers: Iterable[int]) -> int:
    """How many were welcomed."""
    left = iter(numbers)
    welcomed = 0

    async def one_after_the_other() -> None:
        nonlocal welcomed
        for number in left:
            said = await _link_and_vanish(broker, token, number)
            welcomed += b'"welcome"' in said

    async with asyncio.TaskGroup() as tasks:
        for _ in range(_AT_ONCE):
            tasks.create_task(one_after_the_other())
    return welcomed


async def _be_well(broker: LiveBroker, over: asyncio.Event) -> int:
    """Another tenant's messages reach its machine all the while; how many did."""
    arrived = 0
    while not over.is_set():
        await broker.must_be_well()
        arrived += 1
        await asyncio.sleep(0.1)
    return arrived


async def _keys_of(redis: Redis, workspace: str) -> int:
    return sum([1 async for _ in redis.scan_iter(match=f"*{workspace}}}*", count=1000)])


@pytest.mark.timeout(240)
async def test_machines_that_link_say_hello_and_vanish_cost_bounded_keys_and_memory_and_nobody_elses_time(
    tmp_path: Path, redis_url: str
) -> None:
    name = f"storm-{uuid4().hex}"
    async with live_broker(tmp_path, redis_url, name, apart=True) as broker, open_plain(redis_url) as redis:
        over = asyncio.Event()
        beside = asyncio.create_task(_be_well(broker, over))
        welcomed = [await _storm(broker, broker.gateway.key, numbers) for numbers in _ROUNDS]
        over.set()
        assert await beside > 5
        assert min(welcomed[:2]) > 100
        assert welcomed[2] == 0
        assert await _keys_of(redis, name) <= MAX_MACHINES + _MOST_OTHER_KEYS
        grown_kb = rss_kb(broker.running.process.pid) - broker.rss_before_kb
        assert grown_kb < _MOST_GROWTH_KB
        await _all_noticed_gone(broker)


async def _all_noticed_gone(broker: LiveBroker) -> None:
    """Of those who vanished none counts as here."""
    async with asyncio.timeout(60):
        while True:
            machines = (await broker.gateway.ok("GET", "/v1/proxies"))["proxies"]
            if [each["name"] for each in machines if each["online"]] == ["laptop"]:
                return
            await asyncio.sleep(0.5)


@contextlib.asynccontextmanager
async def open_plain(url: str) -> AsyncIterator[Redis]:
    """A client that sees keys as they are."""
    redis = Redis.from_url(url)
    try:
        yield redis
    finally:
        await redis.aclose()
