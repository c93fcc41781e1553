"""ClickHouse off the event loop: a server by URL, or the engine in this process, through one driver.

The driver is synchronous. Two threads read and one writes, each with a client of its own, because a client serialises
its calls; measured, more readers only take from each other and from the writer.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from clickhouse_connect.driver.httpclient import HttpClient
from urllib3 import Timeout

from broker.adapters.embedded import FolderLock
from broker.domain.errors import Unavailable

Parameters = Mapping[str, object]
Settings = Mapping[str, object]
T = TypeVar("T")

_READERS = 2
_CONNECT_S = 5
"""A server that takes a connection and says nothing holds a thread, and so the end of the process, up to twice this."""
_QUERY_S = 30
_MUTATION_S = 600
"""A delete rewrites a mask in every part it touches."""
ENGINE_OPTIONS = {
    # By default the engine starts 150 threads and takes what memory there is.
    "background_pool_size": 2,
    # With a queue as short as two threads would get, a delete waits most of its time: 4 s instead of 0.2 s on 30 parts.
    "background_merges_mutations_concurrency_ratio": 16,
    "background_schedule_pool_size": 4,
    "max_server_memory_usage": 1_000_000_000,
    "max_thread_pool_size": 200,
}
_SESSION_SETTINGS: dict[str, object] = {
    "max_threads": 2,
    "max_execution_time": _QUERY_S,
    # 26.5 applies the filter to the wrong column when rows are ordered by more than one: "Cannot parse DateTime".
    "use_top_k_dynamic_filtering": 0,
    # What an index skips is found before reading: halves the work where most of many parts are skipped.
    "use_skip_indexes_on_data_read": 0,
    # A name in WHERE means the column, not what SELECT calls the same: the other way round once emptied a table.
    "prefer_column_name_to_alias": 1,
    # Imported history may span years, and each day of expiry is a partition.
    "max_partitions_per_insert_block": 2000,
    "insert_deduplicate": 1,
    # A repeated insert must still reach usage_lines when the first one died between the two tables.
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "lightweight_deletes_sync": 2,
    "mutations_sync": 2,
}
_GATEWAY_ERROR = "HTTP driver received HTTP status 5"
"""What stands before a server answers so for one that is away; the driver takes some of these for the server's own."""
_TOO_MUCH = {"TIMEOUT_EXCEEDED", "MEMORY_LIMIT_EXCEEDED", "TOO_SLOW", "TOO_MANY_ROWS", "TOO_MANY_BYTES"}


class ClickHouse:
    """A small pool of threads with a client each. Nothing here waits on the event loop's thread."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._own = threading.local()
        self._clients: list[Client] = []
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="log-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="log-write")

    async def query(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """The rows of a SELECT. Raises `Unavailable`."""
        return await self._in(self._readers, lambda client: _rows(client, sql, parameters))

    async def command(self, sql: str, parameters: Parameters | None = None) -> None:
        """A statement without rows, in order with the inserts. Raises `Unavailable`."""
        await self._in(self._writer, lambda client: _command(client, sql, parameters))

    async def insert(
        self,
        table: str,
        columns: Sequence[str],
        *,
        types: Sequence[str],
        values: Callable[[], Sequence[Sequence[object]]],
        token: str,
    ) -> None:
        """Insert whole columns; the same token again inserts nothing. Raises `Unavailable`.

        `values` is called in the writer's thread: thousands of rows as columns take longer than the loop can wait.
        """

        def insert(client: Client) -> None:
            client.insert(
                table,
                values(),
                column_names=columns,
                column_type_names=types,
                column_oriented=True,
                settings={"insert_deduplication_token": token},
            )

        await self._in(self._writer, insert)

    async def aclose(self) -> None:
        """Let running calls end, then close every client."""
        await asyncio.to_thread(self._close)

    async def _in(self, pool: ThreadPoolExecutor, call: Callable[[Client], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, self._call, call)

    def _call(self, call: Callable[[Client], T]) -> T:
        try:
            return call(self._client())
        except ClickHouseError as error:
            self._discard()
            if (refusal := _refusal(error)) is None:
                raise
            raise refusal from error

    def _client(self) -> Client:
        client: Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._connect()
            self._own.client = client
            self._clients.append(client)
        return client

    def _discard(self) -> None:
        """A query that fails half-way in the in-process engine leaves its rows to the next one on the same client."""
        client: Client | None = getattr(self._own, "client", None)
        if client is not None:
            self._own.client = None
            self._clients.remove(client)
            client.close()

    def _close(self) -> None:
        for pool in (self._readers, self._writer):
            pool.shutdown(cancel_futures=True)
        for client in self._clients:
            client.close()
        self._clients.clear()


@asynccontextmanager
async def embedded_clickhouse(folder: Path) -> AsyncIterator[ClickHouse]:
    """The engine in this process on `folder`, which only one process can use. Raises `DataFolderBusy`."""
    lock = FolderLock(folder)
    lock.acquire()
    clickhouse = ClickHouse(lambda: embedded_client(folder / "engine"))
    try:
        yield clickhouse
    finally:
        await clickhouse.aclose()
        lock.release()


def embedded_client(path: Path) -> Client:
    """A client of the engine in this process; all on one path share the engine."""
    return _known(interface="chdb", path=str(path), chdb_options=ENGINE_OPTIONS)


@asynccontextmanager
async def clickhouse_server(url: str) -> AsyncIterator[ClickHouse]:
    """A server at `http(s)://user:password@host:port/database`."""
    scheme = urlsplit(url).scheme

    def connect() -> Client:
        client = _known(
            interface=scheme,
            dsn=url,
            connect_timeout=_CONNECT_S,
            send_receive_timeout=_CONNECT_S,
            # A session would let a server run one query of it at a time.
            autogenerate_session_id=False,
        )
        # From here on it is known to be there.
        assert isinstance(client, HttpClient)
        client.timeout = Timeout(connect=_CONNECT_S, read=_MUTATION_S)
        return client

    clickhouse = ClickHouse(connect)
    try:
        yield clickhouse
    finally:
        await clickhouse.aclose()


def _known(**options: Any) -> Client:
    """A client with those of our settings that this version of the engine has."""
    client = clickhouse_connect.get_client(**options)
    for name, value in _SESSION_SETTINGS.items():
        if name in client.server_settings:
            client.set_client_setting(name, value)
    return client


def _rows(client: Client, sql: str, parameters: Parameters | None) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.query(sql, parameters=dict(parameters or {})).result_rows]


def _command(client: Client, sql: str, parameters: Parameters | None) -> None:
    client.command(sql, parameters=dict(parameters or {}), settings={"max_execution_time": _MUTATION_S})


def _refusal(error: ClickHouseError) -> Unavailable | None:
    if getattr(error, "name", None) in _TOO_MUCH:
        return Unavailable("that is too much to look through at once; give a shorter time or a rarer word")
    if isinstance(error, OperationalError) or str(error).startswith(_GATEWAY_ERROR):
        return Unavailable("the log store does not answer; nothing was changed", retry_after_s=1)
    return None
