"""Workers whose wake-ups may be lost look at everything at once, not only at the next sweep."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Coroutine
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis
from typing_extensions import override

from broker.adapters.embedded import embedded_redis
from broker.adapters.redis import keys
from broker.app import Adapters, build_adapters, build_timekeeper
from broker.domain.ids import WorkspaceId
from broker.services.logs.shipping import Shipped, Shipper
from broker.settings import Settings
from broker.workers.shipping import ShippingWorker
from tests.fixtures.gateway import make_workspace

_WORKSPACE = WorkspaceId("w1")


@contextlib.asynccontextmanager
async def store(folder: Path) -> AsyncIterator[tuple[Adapters, Redis]]:
    """Of the test's own: its connections are cut."""
    async with embedded_redis(folder) as url:
        adapters = build_adapters(url)
        await make_workspace(adapters, _WORKSPACE)
        try:
            yield adapters, cast(Redis, adapters.redis)
        finally:
            await adapters.redis.aclose()


@contextlib.asynccontextmanager
async def working(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def listened(redis: Redis, channel: str) -> None:
    async with asyncio.timeout(10):
        while not (await redis.pubsub_numsub(channel))[0][1]:
            await asyncio.sleep(0.01)


async def test_timers_are_looked_at_when_the_connection_that_tells_of_them_was_lost(tmp_path: Path) -> None:
    async with store(tmp_path) as (adapters, redis), working(build_timekeeper(Settings(), adapters).run()):
        await listened(redis, keys.TIMER_CHANNEL)
        timers = keys.key(_WORKSPACE, "timers")
        for number in range(3):
            await redis.zadd(timers, {f"spawn|nobody|{number}": 1})  # and nothing is published
            await redis.client_kill_filter(_type="pubsub")
            async with asyncio.timeout(10):
                while await redis.exists(timers):
                    await asyncio.sleep(0.01)


async def test_logs_are_shipped_when_the_connection_that_tells_of_them_was_lost(tmp_path: Path) -> None:
    shipped: asyncio.Queue[WorkspaceId] = asyncio.Queue()

    class Noted(Shipper):
        @override
        async def ship(self, workspaces: Collection[WorkspaceId]) -> Shipped:
            for workspace in workspaces:
                shipped.put_nowait(workspace)
            return Shipped()

    async with store(tmp_path) as (adapters, redis):
        shipper = Noted(adapters.tail, adapters.backlog, NotImplemented, adapters.registry)
        worker = ShippingWorker(adapters.timers, adapters.backlog, shipper, alone=True)
        async with working(worker.run()):
            await listened(redis, keys.SHIP_CHANNEL)
            for _ in range(3):
                async with asyncio.timeout(10):
                    assert await shipped.get() == _WORKSPACE
                await redis.client_kill_filter(_type="pubsub")
