"""Migrations: each once, by one process at a time, and never changed afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from broker.adapters.clickhouse.client import ClickHouse, clickhouse_server
from broker.adapters.clickhouse.schema import Migration, SchemaMismatch, WordIndex, list_migrations, migrate
from tests.contracts.conftest import new_database
from tests.fixtures.log_store import open_log_store

NOTES = Migration(name="0001_notes", sql="CREATE TABLE IF NOT EXISTS notes (n UInt8) ENGINE = MergeTree ORDER BY n")
NOTED = Migration(name="0002_noted", sql="INSERT INTO notes VALUES (1)")


@pytest.fixture
async def clickhouse(front: str) -> AsyncIterator[ClickHouse]:
    async with clickhouse_server(new_database(front)) as opened:
        yield opened


async def test_a_migration_is_applied_once(clickhouse: ClickHouse) -> None:
    for _ in range(2):
        await migrate(clickhouse, migrations=[NOTES, NOTED])
    assert await clickhouse.query("SELECT count() FROM notes") == [(1,)]


async def test_processes_that_start_together_apply_each_once(front: str) -> None:
    url = new_database(front)
    async with AsyncExitStack() as stack:
        together = [await stack.enter_async_context(clickhouse_server(url)) for _ in range(4)]
        await asyncio.gather(*(migrate(one, migrations=[NOTES, NOTED]) for one in together))
        assert await together[0].query("SELECT count() FROM notes") == [(1,)]
        assert await together[0].query("SELECT count() FROM log_migrations") == [(2,)]


async def test_a_lock_whose_holder_died_is_broken(clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    await clickhouse.command("CREATE TABLE log_migration_lock (held UInt8) ENGINE = MergeTree ORDER BY held")
    monkeypatch.setattr("broker.adapters.clickhouse.schema._LOCK_STALE_S", 0)
    async with asyncio.timeout(30):
        await migrate(clickhouse, migrations=[NOTES])
    assert await clickhouse.query("EXISTS TABLE log_migration_lock") == [(0,)]


async def test_a_changed_migration_is_refused(clickhouse: ClickHouse) -> None:
    await migrate(clickhouse, migrations=[NOTES])
    with pytest.raises(SchemaMismatch, match="0001_notes"):
        await migrate(clickhouse, migrations=[replace(NOTES, sql=NOTES.sql + " ")])


async def test_a_newer_versions_tables_are_refused(clickhouse: ClickHouse) -> None:
    await migrate(clickhouse, migrations=[NOTES, NOTED])
    with pytest.raises(SchemaMismatch, match="newer version"):
        await migrate(clickhouse, migrations=[NOTES])


async def test_without_a_text_index_it_is_said_and_stays_so(
    clickhouse: ClickHouse, caplog: pytest.LogCaptureFixture
) -> None:
    store = await open_log_store(clickhouse, index=WordIndex.TOKEN_FILTER)
    assert "text index" in store.degraded
    assert "no text index" in caplog.text
    assert (await open_log_store(clickhouse)).degraded == store.degraded


def test_shipped_migrations_are_numbered_in_order() -> None:
    names = [migration.name for migration in list_migrations()]
    assert names == sorted(names)
    assert names[0] == "0001_log_lines"
