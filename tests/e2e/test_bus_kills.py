"""A gateway whose store dies again and again while clients come and go: it hears what is published all the same."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import httpx
import pytest
from redis.asyncio import Redis

from broker.adapters.embedded import embedded_redis
from broker.app import build_adapters
from broker.domain.errors import Unavailable
from broker.domain.ids import SessionId, WorkspaceId
from tests.e2e.test_cluster import gateway, workspace_key
from tests.fixtures.gateway import Gateway, closing
from tests.fixtures.log_appender import log_appender, text_frame

_FOLLOW = "subscription($session: ID!) { sessionEvents(session: $session) { __typename } }"
_CLIENTS, _KILLS = 60, 20
_LONGEST_S = 0.3


@contextlib.asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Gateway]:
    """A gateway in a process of its own, on a store of its own."""
    async with contextlib.AsyncExitStack() as stack:
        redis_url = await stack.enter_async_context(embedded_redis(folder / "redis"))
        key = (await stack.enter_async_context(workspace_key(redis_url, folder))).read_text()
        limits = httpx.Limits(max_connections=None)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30, limits=limits))
        adapters = build_adapters(redis_url)
        stack.push_async_callback(adapters.redis.aclose)
        running = await stack.enter_async_context(gateway(folder, redis_url))
        yield Gateway(url=running.url, key=key, workspace=WorkspaceId("w1"), adapters=adapters, client=http)


async def comes_and_goes(gateway: Gateway, session: str, dice: random.Random) -> None:
    """A client of event streams, until cancelled."""
    asked = {"query": _FOLLOW, "variables": {"session": session}}
    headers = {"Authorization": f"Bearer {gateway.key}", "Accept": "text/event-stream"}
    while True:
        with contextlib.suppress(httpx.HTTPError, TimeoutError):
            async with (
                asyncio.timeout(dice.random() * _LONGEST_S),
                gateway.client.stream("POST", f"{gateway.url}/graphql", json=asked, headers=headers) as answer,
            ):
                async for _ in answer.aiter_bytes():
                    pass
        await asyncio.sleep(dice.random() * _LONGEST_S)


async def server_pid(gateway: Gateway) -> int:
    return int((await cast(Redis, gateway.adapters.redis).info("server"))["process_id"])


async def kill_store(gateway: Gateway) -> None:
    """And wait until it is back."""
    pid = await server_pid(gateway)
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(Unavailable):
                if await server_pid(gateway) != pid:
                    return
            await asyncio.sleep(0.02)


async def is_ready(gateway: Gateway) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return (await gateway.call("GET", "/readyz")).status_code == 200
    return False


@pytest.mark.timeout(180)
async def test_a_gateway_still_hears_after_its_store_has_died_often_among_clients_that_come_and_go(
    tmp_path: Path,
) -> None:
    dice = random.Random(3)
    async with cluster(tmp_path) as gateway:
        session = (await gateway.ok("POST", "/v1/sessions", {"name": "main"}))["id"]
        clients = [asyncio.create_task(comes_and_goes(gateway, session, dice)) for _ in range(_CLIENTS)]
        for _ in range(_KILLS):
            await kill_store(gateway)
            await asyncio.sleep(dice.random() * _LONGEST_S)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        async with asyncio.timeout(30):
            while not await is_ready(gateway):
                await asyncio.sleep(0.05)
        await hears(gateway, session)


async def hears(gateway: Gateway, session: str) -> None:
    """Events and revocations, at once: far sooner than what looks for lost ones."""
    append = log_appender(gateway.adapters.redis, gateway.workspace, SessionId(session))
    token_id, token = await gateway.token("observer")
    async with asyncio.timeout(10), gateway.events(session, token=token) as reader:
        await reader.recv()
        for number in range(5):
            await append([text_frame(str(number))])
            assert str(number) in str(await reader.recv())
        await gateway.ok("DELETE", f"/v1/tokens/{token_id}")
        assert await closing(reader) == 4501
