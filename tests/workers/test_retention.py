"""The worker that looks after retention."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from broker.adapters.clickhouse.client import embedded_clickhouse
from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.adapters.redis import keys
from broker.app import Adapters, build_adapters
from broker.domain.ids import WorkspaceId
from broker.domain.plans.plans import Plan
from broker.services.logs.retention import RetentionKeeper
from broker.workers import retention
from broker.workers.endurance import Patience
from broker.workers.retention import RetentionWorker
from tests.fixtures.redis_servers import data_server

WORKSPACES = [WorkspaceId(name) for name in ("a", "failing", "z")]
FREE_DAYS = 7


@dataclass(slots=True)
class World:
    """Three workspaces whose logs nobody has dated yet, and the worker that will."""

    adapters: Adapters
    logs: ClickHouseLogStore
    now_s: float = 0.0
    worker: RetentionWorker = field(init=False)

    async def open(self) -> World:
        for workspace in WORKSPACES:
            await self.adapters.workspaces.create(workspace, name=workspace, plan=Plan.FREE)
        keeper = RetentionKeeper(self.adapters.retention, self.logs, self.adapters.registry)
        self.worker = RetentionWorker(self.adapters.timers, keeper, clock=lambda: self.now_s)
        return self

    async def dated(self) -> dict[str, int | None]:
        """The days by which each workspace's log is dated; None for one that was not."""
        found = {workspace: await self.adapters.retention.read_dated(workspace) for workspace in WORKSPACES}
        return {workspace: dated.days if dated else None for workspace, dated in found.items()}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A worker looks after all workspaces, so they are on a store of their own. The log store is not open yet."""
    async with data_server(tmp_path / "store") as store, embedded_clickhouse(tmp_path / "logs") as clickhouse:
        adapters = build_adapters(store.url)
        yield await World(adapters=adapters, logs=ClickHouseLogStore(clickhouse)).open()
        await adapters.redis.aclose()


async def test_a_workspace_that_fails_holds_up_no_other_and_is_left_alone_for_a_while(world: World) -> None:
    await world.logs.open()
    await world.adapters.redis.hset(keys.root(WorkspaceId("failing")), "plan", "no plan of this version")
    await world.worker.tend_all()
    assert await world.dated() == {"a": FREE_DAYS, "failing": None, "z": FREE_DAYS}
    await world.adapters.redis.hset(keys.root(WorkspaceId("failing")), "plan", Plan.FREE)
    await world.adapters.retention.set_own_days(WorkspaceId("a"), 3)
    await world.worker.tend_all()
    assert await world.dated() == {"a": 3, "failing": None, "z": FREE_DAYS}
    world.now_s = 1.0
    await world.worker.tend_all()
    assert await world.dated() == {"a": 3, "failing": FREE_DAYS, "z": FREE_DAYS}


async def test_a_log_store_that_is_away_is_told_for_each_workspace_and_asked_again_after_a_while(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.worker.tend_all()
    warned = sorted(record.getMessage() for record in caplog.records if record.name == retention.__name__)
    assert warned == [f"retention of workspace {each}: {world.logs.degraded}" for each in WORKSPACES]
    await world.logs.open()
    await world.worker.tend_all()
    assert set((await world.dated()).values()) == {None}
    world.now_s = 1.0
    await world.worker.tend_all()
    assert set((await world.dated()).values()) == {FREE_DAYS}


def test_pauses_grow_up_to_a_bound_and_end_with_a_success() -> None:
    now = 0.0
    patience: Patience[str] = Patience(longest_s=4.0, clock=lambda: now)
    pauses = []
    for _ in range(4):
        patience.note("a", failed=True)
        began = now
        while not patience.is_over("a"):
            now += 0.5
        pauses.append(now - began)
    assert pauses == [1.0, 2.0, 4.0, 4.0]
    assert patience.is_over("b")
    patience.note("a", failed=True)
    patience.note("a", failed=False)
    assert patience.is_over("a")
