"""What `/readyz` says of the log store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from broker.adapters.clickhouse.client import ClickHouse, embedded_clickhouse
from broker.adapters.clickhouse.schema import WordIndex
from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.domain.ids import WorkspaceId
from broker.domain.logs.damage import LogDamage
from broker.services.logs.health import LogHealth
from tests.fixtures.log_rows import log_row
from tests.fixtures.log_store import open_log_store


@dataclass(slots=True)
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def clickhouse(tmp_path: Path) -> AsyncIterator[ClickHouse]:
    """An engine of the test's own: what is broken here is no other test's."""
    async with embedded_clickhouse(tmp_path) as made:
        yield made


async def test_many_who_ask_at_once_and_within_a_second_cost_one_question(clickhouse: ClickHouse) -> None:
    clock = Clock()
    logs = LogHealth(await open_log_store(clickhouse), clock=clock)
    before = clickhouse.calls
    async with asyncio.timeout(60):
        assert set(await asyncio.gather(*(logs.state() for _ in range(50)))) == {"ready"}
    assert clickhouse.calls == before + 1
    clock.now = 0.9
    await logs.state()
    assert clickhouse.calls == before + 1
    clock.now = 1.1
    await logs.state()
    assert clickhouse.calls == before + 2


async def test_a_part_that_was_put_aside_is_told(clickhouse: ClickHouse, workspace: WorkspaceId) -> None:
    store = await open_log_store(clickhouse)
    await store.insert(workspace, [log_row(workspace, 1)], token="1", days=7)
    [(name,)] = await clickhouse.query("SELECT name FROM system.parts WHERE table = 'log_lines' AND active")
    await clickhouse.command(f"ALTER TABLE log_lines DETACH PART '{name}'")
    assert (await LogHealth(store).state()).startswith("damaged: 1 part of the log (")


async def test_a_store_that_has_not_been_opened_is_degraded_with_the_reason(clickhouse: ClickHouse) -> None:
    store = ClickHouseLogStore(clickhouse)
    assert await LogHealth(store).state() == f"degraded: {store.degraded}"
    store.keep_closed("its tables are a newer version's")
    assert await LogHealth(store).state() == "degraded: its tables are a newer version's"


async def test_a_store_without_a_text_index_is_ready_and_said_to_be_slower(clickhouse: ClickHouse) -> None:
    store = await open_log_store(clickhouse, index=WordIndex.TOKEN_FILTER)
    assert await LogHealth(store).state() == f"ready, {store.degraded}"


async def test_none_is_not_kept() -> None:
    assert await LogHealth(None).state() == "not kept"


def test_damage_concerns_the_days_it_may_be_of() -> None:
    known = LogDamage(parts=1, bytes=1, since=date(2026, 1, 10), until=date(2026, 1, 12))
    assert known.concerns(None, None)
    assert known.concerns(date(2026, 1, 12), date(2026, 2, 1))
    assert known.concerns(None, date(2026, 1, 10))
    assert not known.concerns(date(2026, 1, 13), None)
    assert not known.concerns(None, date(2026, 1, 9))
    assert LogDamage(parts=1, bytes=1).concerns(date(2026, 5, 1), date(2026, 5, 1))
