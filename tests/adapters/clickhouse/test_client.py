"""The in-process engine belongs to one process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from broker.adapters.clickhouse.client import clickhouse_server
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
