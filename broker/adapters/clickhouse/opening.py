"""Opens a log store whose server may be away at the start: the process starts without it and opens it when it comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from broker.adapters.clickhouse.client import ClickHouse
from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.domain.errors import Unavailable

_log = logging.getLogger(__name__)
_PATIENCE_S = 12.0
"""A server that answers slowly, or another process that migrates, holds the start up no longer than this."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0


@asynccontextmanager
async def opened_in_time(clickhouse: ClickHouse) -> AsyncIterator[ClickHouseLogStore]:
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
