"""The engines a port's suite runs on: in-process, by the driver's HTTP side, and a real server when one is given."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import clickhouse_connect
import pytest

from broker.adapters.clickhouse.client import ClickHouse, clickhouse_server, embedded_clickhouse
from broker.adapters.clickhouse.schema import WordIndex
from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.domain.ids import WorkspaceId
from tests.fixtures.log_store import open_log_store

_SERVER = os.environ.get("CLICKHOUSE_TEST_URL", "")
_ENGINES = ["in-process", "http", "http-without-text-index", *(["server"] if _SERVER else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A store and what is below it."""

    clickhouse: ClickHouse
    store: ClickHouseLogStore


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an HTTP front over an engine in a process of its own."""
    folder = tmp_path_factory.mktemp("front")
    command = [sys.executable, "-m", "tests.contracts.clickhouse_front", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
        process.stdin.close()
        process.wait(20)


def new_database(url: str) -> str:
    """Make a database on a server; its URL."""
    name = f"test_{uuid.uuid4().hex[:8]}"
    client = clickhouse_connect.get_client(interface="http", dsn=url)
    client.command(f"CREATE DATABASE {name}")
    client.close()
    return f"{url}/{name}"


@pytest.fixture(scope="module", params=_ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Each engine in turn."""
    with asyncio.Runner() as runner, ExitStack() as stack:
        match request.param:
            case "in-process":
                opened = embedded_clickhouse(tmp_path_factory.mktemp("embedded"))
            case "server":
                opened = clickhouse_server(new_database(_SERVER))
            case _:
                opened = clickhouse_server(new_database(request.getfixturevalue("front")))
        clickhouse = runner.run(opened.__aenter__())
        stack.callback(lambda: runner.run(opened.__aexit__(None, None, None)))
        index = WordIndex.TOKEN_FILTER if request.param == "http-without-text-index" else None
        yield Engine(clickhouse=clickhouse, store=runner.run(open_log_store(clickhouse, index=index)))


@pytest.fixture
def workspace() -> WorkspaceId:
    """One that no other test uses."""
    return WorkspaceId(f"ws_{uuid.uuid4().hex}")
