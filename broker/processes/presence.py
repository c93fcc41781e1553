"""That a process runs, kept in the store while it does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator

from broker import __version__
from broker.app import Adapters
from broker.domain.errors import RelayError
from broker.domain.operations.status import BrokerProcess, ProcessKind
from broker.workers.endurance import forever

_BEAT_S = 5.0


@contextlib.asynccontextmanager
async def present(adapters: Adapters, kind: ProcessKind, *, url: str | None = None) -> AsyncIterator[None]:
    """While we run, the store says so: `relaycast status` shows which processes there are."""
    process = BrokerProcess(
        id=secrets.token_hex(8),
        kind=kind,
        version=__version__,
        host=socket.gethostname(),
        pid=os.getpid(),
        started_at_ms=await adapters.pressure.now_ms(),
        url=url,
    )

    async def beat() -> None:
        while True:
            await adapters.processes.beat(process)
            await asyncio.sleep(_BEAT_S)

    beating = asyncio.create_task(forever(beat, name="presence"), name="presence")
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        # When the store is away the process is forgotten there by itself.
        with contextlib.suppress(RelayError):
            await adapters.processes.end(process)
