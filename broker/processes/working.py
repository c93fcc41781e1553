"""A worker's tasks, while a process runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from broker.adapters.tracing import open_tracing
from broker.app import (
    Adapters,
    build_adapters,
    build_audit,
    build_billing,
    build_deliveries,
    build_ending,
    build_hooks,
    build_resealing,
    build_retention,
    build_shipping,
    build_survey,
    build_timekeeper,
    build_workflows,
)
from broker.services.logs.tracing import Tracing
from broker.services.ports import LogStore
from broker.settings import Settings


def with_checkpoints(settings: Settings) -> Settings:
    """A broker with a data folder of its own has checkpoints there, unless it was told where."""
    return replace(settings, audit_checkpoints=settings.audit_checkpoints or settings.checkpoint_file)


@contextlib.asynccontextmanager
async def working(settings: Settings, redis_url: str, logs: LogStore | None) -> AsyncIterator[None]:
    """All tasks of a worker for the block, on connections of their own."""
    async with open_tracing(settings.traces) as tracing:
        adapters, tasks = _begin(settings, redis_url, logs, tracing=tracing)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await adapters.redis.aclose()


def _begin(
    settings: Settings, redis_url: str, logs: LogStore | None, *, tracing: Tracing | None
) -> tuple[Adapters, list[asyncio.Task[None]]]:
    adapters = build_adapters(
        redis_url,
        folder=None if settings.redis_url else settings.data_dir,
        plans=settings.plans,
        trace_ratio=settings.traces,
    )
    tasks = [
        asyncio.create_task(build_timekeeper(settings, adapters).run(), name="timekeeper"),
        asyncio.create_task(build_hooks(settings, adapters, alone=settings.redis_url is None).run(), name="hooks"),
        asyncio.create_task(build_workflows(settings, adapters).run(), name="workflows"),
        asyncio.create_task(build_deliveries(settings, adapters).run(), name="deliveries"),
        asyncio.create_task(build_ending(adapters, logs).run(), name="ending"),
        asyncio.create_task(build_resealing(settings, adapters).run(), name="resealing"),
        asyncio.create_task(build_survey(adapters, logs).run(), name="survey"),
        asyncio.create_task(build_audit(settings, adapters).run(), name="audit"),
    ]
    if settings.stripe is not None:
        tasks.append(asyncio.create_task(build_billing(settings, adapters).run(), name="billing"))
    if logs is not None:
        shipping = build_shipping(adapters, logs, alone=settings.clickhouse_url is None, tracing=tracing)
        tasks.append(asyncio.create_task(shipping.run(), name="shipping"))
        tasks.append(asyncio.create_task(build_retention(adapters, logs).run(), name="retention"))
    return adapters, tasks
