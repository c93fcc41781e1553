"""Live readers of a session while gateways die: they come again after their last cursor, and have everything once."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.adapters.embedded import embedded_redis
from broker.app import build_adapters
from broker.domain.ids import SessionId, WorkspaceId
from tests.e2e.test_cluster import gateway, workspace_key
from tests.fixtures.gateway import Gateway
from tests.fixtures.live_graphql import LiveGraphQL, live
from tests.fixtures.log_appender import log_appender, text_frame

_EVENTS = 2000
_FOLLOW = """
subscription($session: ID!, $after: Cursor) {
  sessionEvents(session: $session, after: $after) { __typename ... on Event { cursor offset } }
}
"""


class Reader:
    """Follows on one gateway and, when that is gone, goes on where it was on the next."""

    def __init__(self, session: dict[str, Any], gateways: list[Gateway]) -> None:
        self._session = session
        self._gateways = gateways
        self._after = f"{session['epoch']}:{session['offset']}"
        self.offsets: list[int] = []
        self.following = asyncio.Event()

    async def read(self) -> None:
        for each in self._gateways:
            with contextlib.suppress(EOFError):
                async with live(each) as client:
                    await self._follow(client)
                return

    async def _follow(self, client: LiveGraphQL) -> None:
        operation = await client.subscribe(_FOLLOW, session=self._session["id"], after=self._after)
        while len(self.offsets) < _EVENTS:
            item = (await client.data(operation))["sessionEvents"]
            if item["__typename"] == "CaughtUp":
                self.following.set()
                continue
            self._after = item["cursor"]
            self.offsets.append(item["offset"])


@pytest.mark.timeout(120)
async def test_readers_of_a_gateway_that_is_killed_go_on_without_gap_or_repetition(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        redis_url = await stack.enter_async_context(embedded_redis(tmp_path / "redis"))
        key = (await stack.enter_async_context(workspace_key(redis_url, tmp_path))).read_text()
        http = await stack.enter_async_context(httpx.AsyncClient())
        adapters = build_adapters(redis_url)
        stack.push_async_callback(adapters.redis.aclose)
        processes = [await stack.enter_async_context(gateway(tmp_path, redis_url)) for _ in range(2)]
        gateways = [
            Gateway(url=each.url, key=key, workspace=WorkspaceId("w1"), adapters=adapters, client=http)
            for each in processes
        ]
        session = await gateways[0].ok("POST", "/v1/sessions", {"name": "main"})
        append = log_appender(adapters.redis, WorkspaceId("w1"), SessionId(session["id"]))
        readers = [Reader(session, gateways) for _ in range(5)]
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            for reader in readers:
                tasks.create_task(reader.read())
                await reader.following.wait()
            for at in range(0, _EVENTS, 10):
                await append([text_frame(str(at + n)) for n in range(10)])
                if at == _EVENTS // 2:
                    await processes[0].kill()
        first = session["offset"] + 1
        for reader in readers:
            assert reader.offsets == list(range(first, first + _EVENTS))
