"""Subscribers of one server, as a process of its own: `python -m tests.bench.subscribers`.

It is told what to do in lines of JSON. It counts frames as they come off the wire and reads no more of them than the
time they were sent at, so that it is not what is measured.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from functools import partial
from typing import Any, cast

import orjson
import uvloop

from tests.bench.figures import p50, p99

_SENT = b"t="
_DIGITS = 19
_ADDRESS = "127.0.0.1"
_TEXT = 0x81
_SWITCHED = b"HTTP/1.1 101 "
_UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{protocol}\r\n"
)


class Run:
    """Frames of all sockets, from the first to the last that is expected."""

    def __init__(self) -> None:
        self.delays_ms: list[float] = []
        self.timed = False
        self.expected = 0
        self.count = 0
        self.first_ns = 0
        self.over = asyncio.Event()

    def begin(self, expected: int, *, timed: bool) -> None:
        self.delays_ms, self.timed, self.expected, self.count, self.first_ns = [], timed, expected, 0, 0
        self.over.clear()

    def take(self, frame: bytes, at: int) -> None:
        if not self.count:
            self.first_ns = time.time_ns()
        self.count += 1
        if self.timed:
            found = frame.index(_SENT, at) + len(_SENT)
            self.delays_ms.append((time.time_ns() - int(frame[found : found + _DIGITS])) / 1e6)
        if self.count == self.expected:
            self.over.set()

    async def result(self) -> dict[str, float]:
        try:
            async with asyncio.timeout(180):
                await self.over.wait()
        except TimeoutError:
            return {"missing": self.expected - self.count}
        took_s = (time.time_ns() - self.first_ns) / 1e9
        found = {"rate": self.count / took_s}
        return {**found, "p50": p50(self.delays_ms), "p99": p99(self.delays_ms)} if self.timed else found


class Subscriber(asyncio.Protocol):
    """One socket: upgrades, says its first messages, and counts.

    `ready` raises `ConnectionRefusedError` with the status line of a server that refuses the upgrade.
    """

    def __init__(self, run: Run, *, host: str, path: str, protocol: str, says: list[list[str]], awaits: str) -> None:
        self._run = run
        self._upgrade = _UPGRADE.format(host=host, path=path, protocol=protocol).encode()
        self._says = says
        self._awaits = awaits.encode()
        self._rest = b""
        self._upgraded = False
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._transport.write(self._upgrade)

    def data_received(self, data: bytes) -> None:
        buffer = self._rest + data if self._rest else bytes(data)
        at = 0
        if not self._upgraded:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self._rest = buffer
                return
            if not buffer.startswith(_SWITCHED):
                self._refuse(buffer.partition(b"\r\n")[0])
                return
            self._upgraded, at = True, end + 4
            self._say()
        self._rest = buffer[self._frames(buffer, at) :]

    def _refuse(self, status_line: bytes) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionRefusedError(status_line.decode(errors="replace")))
        self._transport.close()

    def _frames(self, buffer: bytes, at: int) -> int:
        end = len(buffer)
        while end - at >= 2:
            length, head = buffer[at + 1], 2
            if length == 126:
                if end - at < 4:
                    break
                length, head = int.from_bytes(buffer[at + 2 : at + 4], "big"), 4
            if end - at < head + length:
                break
            if length > 300:
                self._run.take(buffer, at + head)
            else:
                self._small(buffer[at], buffer[at + head : at + head + length])
            at += head + length
        return at

    def _small(self, opcode: int, frame: bytes) -> None:
        if opcode != _TEXT:
            if opcode == 0x89:
                self._transport.write(_masked(frame, opcode=0x8A))
        elif frame == b"2":  # socket.io's ping
            self._transport.write(_masked(b"3"))
        elif self._awaits in frame and not self.ready.done():
            self.ready.set_result(None)
        else:
            self._say()

    def _say(self) -> None:
        """One message after each that the server says."""
        if self._says:
            self._transport.write(b"".join(_masked(each.encode()) for each in self._says.pop(0)))


def _masked(message: bytes, *, opcode: int = _TEXT) -> bytes:
    """A frame whose mask is zero, which changes nothing."""
    size = len(message)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([opcode]) + length + bytes(4) + message


async def main() -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    plan: dict[str, Any] = orjson.loads(await lines.readline())
    run = Run()
    shared = {name: plan[name] for name in ("path", "protocol", "awaits")}
    for number in range(plan["subscribers"]):
        says = plan["says"][number % len(plan["says"])]
        port = plan["ports"][number % len(plan["ports"])]
        made = partial(Subscriber, run, host=f"{_ADDRESS}:{port}", says=list(says), **shared)
        _, subscriber = await loop.create_connection(made, _ADDRESS, port)
        async with asyncio.timeout(20):
            await subscriber.ready
    gc.collect()
    gc.freeze()
    gc.disable()
    print("ready", flush=True)
    while line := await lines.readline():
        asked = orjson.loads(line)
        run.begin(asked["frames"], timed=asked["timed"])
        print("begun", flush=True)
        print(orjson.dumps(await run.result()).decode(), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
