"""Gateways that are killed while many send, each until it is answered: every message is counted once."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import httpx
import pytest

from broker.adapters.embedded import embedded_redis
from broker.app import build_adapters
from broker.domain.ids import WorkspaceId
from tests.e2e.test_cluster import gateway, workspace_key
from tests.fixtures.gateway import Gateway

_SENDERS, _EACH, _KILLS = 20, 15, 3


async def send(gateways: list[Gateway], sender: int) -> None:
    """Send some messages, each again and again with its key, at one gateway and the other, until it is accepted."""
    for number in range(_EACH):
        for attempt in range(1000):
            at = gateways[(sender + attempt) % len(gateways)]
            with contextlib.suppress(httpx.HTTPError):
                answer = await at.call(
                    "POST",
                    "/v1/sessions/main/messages",
                    {"to": "Worker", "text": f"{sender} {number}"},
                    **{"Idempotency-Key": f"{sender}-{number}"},
                )
                if answer.status_code in {200, 201, 202}:
                    break
        else:
            pytest.fail("it was never accepted")


@pytest.mark.timeout(180)
async def test_every_message_is_counted_once_though_gateways_are_killed(tmp_path: Path) -> None:
    async with (
        embedded_redis(tmp_path / "redis") as redis_url,
        workspace_key(redis_url, tmp_path) as key,
        httpx.AsyncClient(timeout=30) as http,
        contextlib.AsyncExitStack() as stack,
    ):
        adapters = build_adapters(redis_url)
        stack.push_async_callback(adapters.redis.aclose)
        gateways = []
        for _ in range(2):
            running = await stack.enter_async_context(gateway(tmp_path, redis_url))
            told = Gateway(
                url=running.url, key=key.read_text(), workspace=WorkspaceId("w1"), adapters=adapters, client=http
            )
            gateways.append(told)
        steady = gateways[0]
        async with steady.machine():
            await steady.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
            senders = [asyncio.create_task(send(gateways, number)) for number in range(_SENDERS)]
            for _ in range(_KILLS):
                before = await accepted(steady)
                async with asyncio.timeout(60):
                    while await accepted(steady) == before and not all(each.done() for each in senders):
                        await asyncio.sleep(0.01)
                await running.kill()
                running = await stack.enter_async_context(gateway(tmp_path, redis_url))
                gateways[1].url = running.url
            await asyncio.gather(*senders)
        found = await steady.ok("GET", "/v1/meters/reconciliation")
        assert found["differences"] == []
        assert await accepted(steady) == _SENDERS * _EACH


async def accepted(gateway: Gateway) -> int:
    return sum(each["messages"] for each in (await gateway.ok("GET", "/v1/meters"))["days"])
