"""A machine's link in its plain wire form, for measures that must work with brokers of more than one version.

Nothing of the product is imported: what is written here is what relay-connects in the field send, and brokers have to
go on taking it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.bench.versions import Broker

_CLI = "flood"
_IN_FLIGHT = 8
"""Batches on their way at a time: the broker is never short of work, and its queue stays short."""
_ACK_S = 60


class PlainLink:
    """One link with one agent."""

    def __init__(self, socket: ClientConnection, *, seen: int) -> None:
        self._socket = socket
        self._seq = seen
        self._acked = seen
        self._progress = asyncio.Event()
        self._about: dict[str, Any] = {}
        self._sent: list[int] = []

    async def receive(self) -> None:
        """Take commands and acknowledgements until cancelled."""
        while True:
            message = orjson.loads(await self._socket.recv())
            match message:
                case {"type": "command", "seq": int(seq), "command": dict(command)}:
                    await self._say({"type": "ack", "seq": seq})
                    if command["type"] == "spawn":
                        await self._start(command)
                case {"type": "ack", "seq": int(seq)}:
                    self._acked = seq
                    self._progress.set()

    async def _start(self, spawn: dict[str, Any]) -> None:
        self._about = {"agent": spawn["agent"], "generation": spawn["generation"]}
        started = {"type": "started", "version": None, "transport": "stdio", "token_sha256": "0" * 64, "cwd": "/"}
        ready = {"type": "state", "event": {"type": "ready", "native_id": "n"}}
        await self._report([{**started, **self._about}, {**ready, **self._about}])

    async def fragments(self, count: int, size: int) -> None:
        """Report so many fragments of a streamed text, with a native frame of so many bytes each."""
        raw = {"text": "x" * size}
        await self._frames([{"type": "assistant_text", "text": "x"}] * count, raw=raw, transient=True)

    async def lines(self, texts: Sequence[str]) -> None:
        """Report whole texts, each a line of the log."""
        await self._frames([{"type": "text", "text": text} for text in texts], raw={}, transient=False)

    async def _frames(self, events: Sequence[dict[str, Any]], *, raw: dict[str, Any], transient: bool) -> None:
        frame = {"type": "frame", "direction": "out", "frame_type": "session/update", "raw": raw}
        await self._report([{**frame, **self._about, "transient": transient, "events": [event]} for event in events])
        self._sent.append(self._seq)
        while len([seq for seq in self._sent if seq > self._acked]) >= _IN_FLIGHT:
            await self._wait()
        self._sent = [seq for seq in self._sent if seq > self._acked]

    async def _report(self, reports: Sequence[dict[str, Any]]) -> None:
        numbered = []
        for report in reports:
            self._seq += 1
            numbered.append({"seq": self._seq, "report": report})
        await self._say({"type": "reports", "reports": numbered})

    async def _say(self, message: dict[str, Any]) -> None:
        await self._socket.send(orjson.dumps(message), text=True)

    async def drained(self) -> None:
        """Return once the broker has stored everything."""
        while self._acked < self._seq:
            await self._wait()

    async def _wait(self) -> None:
        self._progress.clear()
        async with asyncio.timeout(_ACK_S):
            await self._progress.wait()


@contextlib.asynccontextmanager
async def plain_link(broker: Broker, name: str, *, session: str) -> AsyncIterator[PlainLink]:
    """A link whose one agent, of the same name, is ready in that session."""
    cli = {"cli": _CLI, "dialect": "acp", "version": None, "supported": True, "transport": "stdio", "problem": None}
    hello = {"type": "hello", "version": "0.1.0", "machine_id": f"bench-{name}", "name": name, "clis": [cli]}
    dial = connect(
        f"ws://127.0.0.1:{broker.port}/proxy",
        additional_headers=broker.headers,
        subprotocols=[Subprotocol("relaycast.proxy.v1")],
        compression=None,
        proxy=None,
        max_size=None,
    )
    async with dial as socket, httpx.AsyncClient(base_url=broker.url, headers=broker.headers, timeout=60) as http:
        await socket.send(orjson.dumps({**hello, "boot_id": f"b-{name}", "spool_id": f"s-{name}"}), text=True)
        link = PlainLink(socket, seen=orjson.loads(await socket.recv())["reports_seen"])
        receiving = asyncio.create_task(link.receive())
        try:
            (await http.post("/v1/sessions", json={"name": session})).raise_for_status()
            body = {"name": name, "cli": _CLI, "on": name}
            (await http.post(f"/v1/sessions/{session}/agents", json=body)).raise_for_status()
            yield link
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)
