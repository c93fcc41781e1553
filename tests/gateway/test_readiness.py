"""/readyz: whether what comes here can be served in full."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

import httpx
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from broker.adapters.redis.bus import RedisBus
from broker.app import build_adapters, build_app
from broker.settings import Settings
from tests.adapters.redis.test_bus import Deaf


async def readiness(redis_url: str, pubsub: type[PubSub]) -> tuple[int, str]:
    """The answer of a gateway whose bus has connections of that kind."""
    adapters = build_adapters(redis_url)
    pool = cast(Redis, adapters.redis).connection_pool
    bus = RedisBus(adapters.redis, open_pubsub=lambda: pubsub(pool), check_s=1000, hear_s=0.2)
    running = asyncio.create_task(bus.run())
    app = build_app(Settings(), adapters=replace(adapters, bus=bus))
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            answer = await client.get("/readyz")
            return answer.status_code, answer.text
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await adapters.redis.aclose()


async def test_a_gateway_that_does_not_hear_what_is_published_is_not_ready(redis_url: str) -> None:
    status, text = await readiness(redis_url, Deaf)
    assert status == 503
    assert "not heard" in text


async def test_a_gateway_that_hears_is_ready(redis_url: str) -> None:
    assert (await readiness(redis_url, PubSub))[0] == 200
