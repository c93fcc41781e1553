"""Opens a log store that may be away or damaged at the start: the process starts without it.

A server is waited for. A folder that cannot be opened is left as it is, until somebody sets it aside.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from clickhouse_connect.driver.exceptions import ClickHouseError

from broker.adapters.clickhouse.client import ENGINE_FOLDER, ClickHouse, embedded_clickhouse
from broker.adapters.clickhouse.schema import LogStoreDamaged
from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.adapters.embedded import FolderLock
from broker.domain.errors import Unavailable

_log = logging.getLogger(__name__)
_PATIENCE_S = 12.0
"""A server that answers slowly, or another process that migrates, holds the start up no longer than this."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_CLOSED = (
    "the log store is damaged and stays closed. Messages and agents go on, and events wait in Redis. To go on without"
    " the old history, stop the broker and run `relaycast logs set-aside`: it begins a new log store and keeps the"
    " damaged one under another name"
)
"""Without the folder and the engine's words, which are in the log: anybody may read this at /readyz."""
_LONGEST_REASON = 400
"""Of the engine's own words, characters."""


@asynccontextmanager
async def embedded_log_store(folder: Path) -> AsyncIterator[ClickHouseLogStore]:
    """The store on `folder`; one that refuses everything and says why when it is damaged.

    Raises `DataFolderBusy`, `SchemaMismatch`.
    """
    async with embedded_clickhouse(folder) as clickhouse:
        store = ClickHouseLogStore(clickhouse)
        try:
            _check_metadata(folder / ENGINE_FOLDER)
            await store.open()
        except (ClickHouseError, LogStoreDamaged) as error:
            store.keep_closed(_CLOSED)
            reason = " ".join(str(error).split())[:_LONGEST_REASON]
            _log.error("the log store in %s: %s; %s", folder, reason, _CLOSED)
        yield store


def set_aside(folder: Path) -> Path | None:
    """Give the store on `folder` another name, so that the next start begins a new one; the new name.

    None when there is no store. Raises `DataFolderBusy` while a broker uses it.
    """
    engine = folder / ENGINE_FOLDER
    if not engine.exists():
        return None
    lock = FolderLock(folder)
    lock.acquire()
    try:
        return engine.rename(folder / f"{ENGINE_FOLDER}.set-aside-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    finally:
        lock.release()


def _check_metadata(engine: Path) -> None:
    """The engine forgets a table whose description is empty, as a crash may leave it, and says nothing."""
    empty = [file.name for file in engine.glob("store/*/*/*.sql") if file.stat().st_size == 0]
    if empty:
        raise LogStoreDamaged(f"the description of {', '.join(sorted(empty))} is empty")


@asynccontextmanager
async def open_in_time(clickhouse: ClickHouse) -> AsyncIterator[ClickHouseLogStore]:
    """A store, open if its server answers, else opened as soon as it does. Raises `SchemaMismatch`."""
    store = ClickHouseLogStore(clickhouse)
    tried = asyncio.Event()
    opening = asyncio.create_task(_open(store, tried), name="log store")
    try:
        await _until_tried(opening, tried)
        yield store
    finally:
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)


async def _until_tried(opening: asyncio.Task[None], tried: asyncio.Event) -> None:
    trying = asyncio.create_task(tried.wait())
    try:
        await asyncio.wait({opening, trying}, timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        trying.cancel()
    if opening.done():
        opening.result()
    elif not tried.is_set():
        tried.set()
        _log.warning("log store: no answer in %.0f s; starting without it", _PATIENCE_S)


async def _open(store: ClickHouseLogStore, tried: asyncio.Event) -> None:
    """Try until it works. What no waiting can mend ends the start, but not a process that runs."""
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            await store.open()
            break
        except (Unavailable, TimeoutError) as error:
            if not tried.is_set():
                _log.warning("log store: %s; starting without it, events wait in Redis", str(error) or "no answer")
        except Exception as error:  # the top of a task
            if not tried.is_set():
                raise
            _log.exception("log store: cannot be opened: %s", type(error).__name__)
        tried.set()
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    if tried.is_set():
        _log.info("log store: it answers now; what waited is shipped")
