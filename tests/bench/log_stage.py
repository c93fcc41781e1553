"""A log store and an embedded Valkey in this process, as `relaycast up` has them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from broker.adapters.clickhouse.client import ClickHouse, embedded_clickhouse
from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.adapters.embedded import embedded_redis
from broker.adapters.redis import keys
from broker.app import Adapters, build_adapters, build_shipping
from broker.domain.ids import WorkspaceId
from broker.runtime.collector import settle_heap
from broker.services.agents.sessions import Sessions
from broker.services.logs.search import LogSearch
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.log_store import open_log_store


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStage:
    """What log measures need."""

    folder: Path
    redis_url: str
    adapters: Adapters
    clickhouse: ClickHouse
    store: ClickHouseLogStore

    @property
    def engine(self) -> Path:
        """Where the engine has its files: a client of our own finds the same engine by it."""
        return self.folder / "clickhouse" / "engine"

    async def desk(self) -> Desk:
        """A session in a workspace of its own, whose log is kept until it is shipped."""
        workspace = WorkspaceId(f"bench-{secrets.token_hex(4)}")
        await self.adapters.redis.sadd(keys.WORKSPACES, workspace)
        await self.adapters.backlog.begin(workspace)
        return await open_desk(self.adapters, workspace)

    def search(self) -> LogSearch:
        """As gateways build it."""
        return LogSearch(self.store, Sessions(self.adapters.registry, self.adapters.log))

    @contextlib.asynccontextmanager
    async def shipping(self) -> AsyncIterator[None]:
        """The worker runs."""
        running = asyncio.create_task(build_shipping(self.adapters, self.store, alone=True).run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@contextlib.asynccontextmanager
async def log_stage(folder: Path) -> AsyncIterator[LogStage]:
    async with embedded_redis(folder / "redis") as url, embedded_clickhouse(folder / "clickhouse") as clickhouse:
        store = await open_log_store(clickhouse)
        adapters = build_adapters(url, logs=store)
        settle_heap()
        try:
            yield LogStage(folder=folder, redis_url=url, adapters=adapters, clickhouse=clickhouse, store=store)
        finally:
            await adapters.redis.aclose()
