"""Readers of a session's live events, as a process of its own: `python -m tests.bench.readers COUNT`.

Says `ready` when all are connected, then one JSON line for each run of frames: frames carry the time `t` they were
sent at, and the last of a run carries `end`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from tests.bench.figures import p50, p99

_MARK = '"bench":true'


class Run:
    """What all readers have got of one run of frames."""

    def __init__(self, readers: int) -> None:
        self._readers = readers
        self._ended = 0
        self._delays_ms: list[float] = []
        self._first_ns = 0

    def take(self, frame: dict[str, Any]) -> None:
        now = time.time_ns()
        self._first_ns = self._first_ns or now
        self._delays_ms.append((now - frame["t"]) / 1e6)
        self._ended += frame["end"]
        if self._ended == self._readers:
            took_s = (now - self._first_ns) / 1e9
            found = {"p50": p50(self._delays_ms), "p99": p99(self._delays_ms), "rate": len(self._delays_ms) / took_s}
            print(orjson.dumps(found).decode(), flush=True)
            self._ended, self._delays_ms, self._first_ns = 0, [], 0


async def main(readers: int) -> None:
    run = Run(readers)
    sockets = [await _open() for _ in range(readers)]
    print("ready", flush=True)
    await asyncio.gather(*(_read(socket, run) for socket in sockets))


async def _open() -> ClientConnection:
    headers = {"Authorization": f"Bearer {os.environ['RELAYCAST_TOKEN']}"}
    socket = await connect(os.environ["BENCH_URL"], additional_headers=headers, compression=None, proxy=None)
    await socket.recv()
    return socket


async def _read(socket: ClientConnection, run: Run) -> None:
    async for message in socket:
        assert isinstance(message, str)
        if _MARK in message:
            run.take(orjson.loads(message)["data"]["raw"])


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
