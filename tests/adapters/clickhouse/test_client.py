"""The in-process engine belongs to one process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from broker.adapters.clickhouse import client as client_module
from broker.adapters.clickhouse.client import ClickHouse, Lane, clickhouse_server, embedded_clickhouse
from broker.domain.errors import Unavailable

HOLDER = """
import asyncio, sys
from pathlib import Path
from broker.adapters.clickhouse.client import embedded_clickhouse
from broker.adapters.embedded import DataFolderBusy

async def hold(folder):
    async with embedded_clickhouse(folder) as clickhouse:
        print(await clickhouse.query("SELECT 1"), flush=True)
        sys.stdin.read()

try:
    asyncio.run(hold(Path(sys.argv[1])))
except DataFolderBusy as busy:
    print(busy.message)
"""


def test_a_second_process_on_the_same_folder_is_told_who_has_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdin
        assert first.stdout
        assert first.stdout.readline() == "[(1,)]\n"
        second = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=50
        )
        first.stdin.close()
        assert first.wait(20) == 0
    assert f"{tmp_path} is in use by" in second.stdout
    assert str(first.pid) in second.stdout
    third = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=50)
    assert third.stdout == "[(1,)]\n"


async def test_a_server_that_is_away_is_unavailable() -> None:
    async with clickhouse_server("http://127.0.0.1:1") as clickhouse:
        with pytest.raises(Unavailable, match="does not answer"):
            await clickhouse.query("SELECT 1")


@pytest.fixture
async def clickhouse(tmp_path: Path) -> AsyncIterator[ClickHouse]:
    async with embedded_clickhouse(tmp_path) as opened:
        yield opened


async def test_searches_and_mutations_of_one_workspace_hold_up_no_page_and_no_search_of_another(
    clickhouse: ClickHouse,
) -> None:
    async with asyncio.timeout(60):
        for lane in (Lane.POINT, Lane.SEARCH):  # their threads connect
            await clickhouse.query("SELECT 1", lane=lane)
        searches = [
            asyncio.create_task(clickhouse.query("SELECT sleep(3)", lane=Lane.SEARCH, caller="slow")) for _ in range(12)
        ]
        changes = [asyncio.create_task(clickhouse.command("SELECT sleep(3)", caller="slow")) for _ in range(4)]
        assert await clickhouse.query("SELECT 1", caller="slow") == [(1,)]
        assert await clickhouse.query("SELECT 2", lane=Lane.SEARCH, caller="other") == [(2,)]
        assert not all(task.done() for task in searches)
        for task in (*searches, *changes):
            task.cancel()
        await asyncio.gather(*searches, *changes, return_exceptions=True)


async def test_more_questions_than_may_wait_are_refused(clickhouse: ClickHouse) -> None:
    asked = [
        asyncio.create_task(clickhouse.query("SELECT sleep(1)", lane=Lane.SEARCH, caller="slow")) for _ in range(60)
    ]
    async with asyncio.timeout(60):
        done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_EXCEPTION)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    refused = [error for task in done if (error := task.exception())]
    assert refused
    assert all(isinstance(error, Unavailable) and error.code == "BUSY" for error in refused)


async def test_a_client_on_which_anything_failed_is_not_used_again(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Client] = []

    def rows(client: Client, sql: str, _parameters: object) -> list[tuple[str]]:
        used.append(client)
        if sql == "fail":
            raise MemoryError("half-way")
        return [(sql,)]

    monkeypatch.setattr(client_module, "_rows", rows)
    with pytest.raises(MemoryError):
        await clickhouse.query("fail", lane=Lane.INSERT)  # a lane of one thread
    assert await clickhouse.query("next", lane=Lane.INSERT) == [("next",)]
    assert used[0] is not used[1]


async def test_the_engine_gives_memory_back_when_it_has_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: asyncio.Queue[str] = asyncio.Queue()
    command = ClickHouse.command

    async def noting(self: ClickHouse, sql: str) -> None:
        await command(self, sql)  # the engine knows the statement
        given_back.put_nowait(sql)

    monkeypatch.setattr(client_module, "_GIVE_BACK_S", 0.01)
    monkeypatch.setattr(ClickHouse, "command", noting)
    async with asyncio.timeout(30), embedded_clickhouse(tmp_path) as clickhouse:
        for _ in range(2):  # once after each time that it was used
            await clickhouse.query("SELECT 1")
            assert await given_back.get() == "SYSTEM JEMALLOC PURGE"
