"""ClickHouse off the event loop: a server by URL, or the engine in this process, through one driver.

The driver is synchronous, so calls run in threads, each with a client of its own, because a client serialises its
calls. What is quick never waits for what is slow: every kind of call has a lane with threads of its own, and in a lane
the workspaces take turns.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver import options
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError
from clickhouse_connect.driver.httpclient import HttpClient
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import ProtocolError

from broker.adapters.clickhouse.fair_pool import FairPool
from broker.adapters.embedded import FolderLock
from broker.domain.errors import Unavailable

Parameters = Mapping[str, object]
Settings = Mapping[str, object]
T = TypeVar("T")

_log = logging.getLogger(__name__)
_GIVE_BACK_S = 10.0
_CONNECT_S = 5
"""A server that takes a connection and says nothing holds a thread, and so the end of the process, up to twice this."""
_QUERY_S = 30
_MUTATION_S = 600
"""A delete rewrites a mask in every part it touches."""
ENGINE_FOLDER = "engine"
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
    # Reading statistics of columns costs more than they save: five to ten times, until their cache is filled.
    "use_statistics": 0,
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
_DAMAGED = {
    "CHECKSUM_DOESNT_MATCH",
    "CANNOT_DECOMPRESS",
    "CORRUPTED_DATA",
    "CANNOT_READ_ALL_DATA",
    "NO_FILE_IN_DATA_PART",
    "BAD_SIZE_OF_FILE_IN_DATA_PART",
    "UNEXPECTED_FILE_IN_DATA_PART",
    "UNKNOWN_CODEC",
    "TOO_LARGE_SIZE_COMPRESSED",
    "FILE_DOESNT_EXIST",
}
_PART = re.compile(r"while reading from part \S*?([0-9A-Za-z]+(?:_\d+){3,4})/? in table \S*?(log_lines|usage_lines)\b")
"""The engine tells it in words only."""
_TOO_MUCH = {"TIMEOUT_EXCEEDED", "MEMORY_LIMIT_EXCEEDED", "TOO_SLOW", "TOO_MANY_ROWS", "TOO_MANY_BYTES"}


# The driver takes pandas for absent, as our rows are never frames: it would load it at the first insert, which costs
# every broker 0.4 s of the processor at its start, and 44 MB.
options.pd = options.pd_time_test = None


class DamagedPart(Unavailable):
    """A read met a part of a table that is damaged on disk."""

    def __init__(self, *, table: str, name: str, reason: str) -> None:
        super().__init__(f"part {name} of the log is damaged and cannot be put aside")
        self.table = table
        self.name = name
        self.reason = reason


class Lane(Enum):
    """Kinds of calls that do not wait for each other: (threads, of them for one workspace).

    Measured, two readers are 15 % faster than one, and more only take from each other.
    """

    POINT = ("point", 2, 1)
    """A page, a position: milliseconds, and somebody waits for it."""
    SEARCH = ("search", 3, 2)
    """Whatever may look through a workspace's whole history: up to `_QUERY_S`."""
    INSERT = ("insert", 1, 1)
    CHANGE = ("change", 2, 1)
    """Mutations: up to `_MUTATION_S`."""


_WAITING_EACH = 32
"""Calls of one workspace that may wait in a lane; a page of a log is one call, a search some."""
_WAITING = 256
_MOST_ASIDE = 20
"""Damaged parts that one call gets around; a disk that damages more than that is no place for a log."""


class ClickHouse:
    """A few threads with a client each. Nothing here waits on the event loop's thread."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._own = threading.local()
        self._clients: list[Client] = []
        self._lanes = {lane: _pool(lane) for lane in Lane}
        self.calls = 0
        """Made so far."""
        self.put_aside = 0
        """Damaged parts that were met and put aside so far."""

    async def query(
        self, sql: str, parameters: Parameters | None = None, *, lane: Lane = Lane.POINT, caller: str = ""
    ) -> list[tuple[Any, ...]]:
        """The rows of a SELECT. `caller` is the workspace that takes a turn. Raises `Unavailable`."""
        return await self._around_damage(lambda: self._in(lane, caller, lambda client: _rows(client, sql, parameters)))

    async def command(self, sql: str, parameters: Parameters | None = None, *, caller: str = "") -> None:
        """A statement without rows, beside the inserts. Raises `Unavailable`."""
        await self._around_damage(
            lambda: self._in(Lane.CHANGE, caller, lambda client: _command(client, sql, parameters))
        )

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

        await self._in(Lane.INSERT, "", insert)

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return all(pool.idle for pool in self._lanes.values())

    async def aclose(self) -> None:
        """Let running calls end, then close every client."""
        await asyncio.to_thread(self._close)

    async def _around_damage(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again without the parts that turn out to be damaged."""
        for _ in range(_MOST_ASIDE):
            try:
                return await ask()
            except DamagedPart as part:
                await self._put_aside(part)
        return await ask()

    async def _put_aside(self, part: DamagedPart) -> None:
        """Take a part out of its table, so that the rest can be read; it is kept in the folder `detached`."""
        sql = f"ALTER TABLE {part.table} DETACH PART '{part.name}'"
        try:
            await self._in(Lane.CHANGE, "", lambda client: _command(client, sql, None))
        except DatabaseError as error:
            if error.name != "NO_SUCH_DATA_PART":  # another reader was first
                raise part from error
        else:
            self.put_aside += 1
            _log.error("log store: part %s of %s is damaged (%s); it is put aside", part.name, part.table, part.reason)

    async def _in(self, lane: Lane, caller: str, call: Callable[[Client], T]) -> T:
        self.calls += 1
        return await asyncio.wrap_future(self._lanes[lane].submit(caller, partial(self._call, call)))

    def _call(self, call: Callable[[Client], T]) -> T:
        try:
            return call(self._client())
        except BaseException as error:
            self._discard()
            if isinstance(error, ClickHouseError) and (refusal := _refusal(error)) is not None:
                raise refusal from error
            raise

    def _client(self) -> Client:
        client: Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._connect()
            self._own.client = client
            self._clients.append(client)
        return client

    def _discard(self) -> None:
        """A call that fails half-way, however, leaves its rows to the next one on the same client: another tenant's."""
        client: Client | None = getattr(self._own, "client", None)
        if client is not None:
            self._own.client = None
            self._clients.remove(client)
            client.close()

    def _close(self) -> None:
        for pool in self._lanes.values():
            pool.close()
        for client in self._clients:
            client.close()
        self._clients.clear()


@asynccontextmanager
async def embedded_clickhouse(folder: Path) -> AsyncIterator[ClickHouse]:
    """The engine in this process on `folder`, which only one process can use. Raises `DataFolderBusy`."""
    lock = FolderLock(folder)
    lock.acquire()
    clickhouse = ClickHouse(lambda: embedded_client(folder / ENGINE_FOLDER))
    giving_back = asyncio.create_task(_give_back(clickhouse), name="log engine")
    try:
        yield clickhouse
    finally:
        giving_back.cancel()
        await clickhouse.aclose()
        lock.release()


async def _give_back(clickhouse: ClickHouse) -> None:
    """Let the engine return memory when it has nothing to do: its allocator keeps what a large batch or search took."""
    calls = 0
    while True:
        await asyncio.sleep(_GIVE_BACK_S)
        if clickhouse.calls == calls or not clickhouse.idle:
            continue
        try:
            await clickhouse.command("SYSTEM JEMALLOC PURGE")
        except Exception as error:  # the top of a task; a closed or damaged engine has nothing to return
            _log.debug("log engine: memory is not given back: %s", error)
        calls = clickhouse.calls


def embedded_client(path: Path) -> Client:
    """A client of the engine in this process; all on one path share the engine."""
    return _create(interface="chdb", path=str(path), chdb_options=ENGINE_OPTIONS)


@asynccontextmanager
async def clickhouse_server(url: str) -> AsyncIterator[ClickHouse]:
    """A server at `http(s)://user:password@host:port/database`."""
    scheme = urlsplit(url).scheme

    def connect() -> Client:
        client = _create(
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
        # A pool of ours could be given at the start, but not beside the TLS options of the URL.
        backend: Any = client._backend
        backend.http = _WholeHeads(backend.http)
        return client

    clickhouse = ClickHouse(connect)
    try:
        yield clickhouse
    finally:
        await clickhouse.aclose()


class _WholeHeads:
    """A pool of connections that takes no answer whose head was cut: `http.client` reads what came of it as all of it,
    and the rows would be none. A server says how long its answers are, or sends them in chunks.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def request(self, method: str, url: str, **given: Any) -> BaseHTTPResponse:
        """Raises `ProtocolError`."""
        answer: BaseHTTPResponse = self._pool.request(method, url, **given)
        if method != "HEAD" and not {"content-length", "transfer-encoding"} & {name.lower() for name in answer.headers}:
            answer.close()
            raise ProtocolError("the connection ended within the head of an answer")
        return answer


def _create(**given: Any) -> Client:
    """A client with those of our settings that this version of the engine has."""
    client = clickhouse_connect.get_client(**given)
    for name, value in _SESSION_SETTINGS.items():
        if name in client.server_settings:
            client.set_client_setting(name, value)
    return client


def _pool(lane: Lane) -> FairPool:
    name, threads, each = lane.value
    return FairPool(f"log-{name}", threads=threads, each=each, waiting_each=_WAITING_EACH, waiting=_WAITING)


def _rows(client: Client, sql: str, parameters: Parameters | None) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.query(sql, parameters=dict(parameters or {})).result_rows]


def _command(client: Client, sql: str, parameters: Parameters | None) -> None:
    client.command(sql, parameters=dict(parameters or {}), settings={"max_execution_time": _MUTATION_S})


def _refusal(error: ClickHouseError) -> Unavailable | None:
    if getattr(error, "name", None) in _TOO_MUCH:
        return Unavailable("that is too much to look through at once; give a shorter time or a rarer word")
    if getattr(error, "name", None) in _DAMAGED and (part := _PART.search(str(error))):
        return DamagedPart(table=part[2], name=part[1], reason=str(getattr(error, "name", "")))
    if isinstance(error, OperationalError) or str(error).startswith(_GATEWAY_ERROR):
        return Unavailable("the log store does not answer; nothing was changed", retry_after_s=1)
    return None
