"""A proxy without processes: links up like relay-connect and reports frames as fast as the broker takes them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from broker import __version__
from broker.domain.agents.agents import Dialect, InstalledCli, Transport
from broker.protocol import proxy
from broker.protocol.agents.events import AgentReady
from broker.protocol.proxy import (
    Ack,
    Deliver,
    FrameRecorded,
    Hello,
    NumberedCommand,
    NumberedReport,
    Spawn,
    Started,
    StateChanged,
)
from tests.bench.stage import Broker

CLI = "flood"
_IN_FLIGHT = 8
"""Batches on their way at a time: the broker is never short of work, and its queue stays short."""


class LinkClient:
    """One link with one agent. `report` waits while too many batches are on their way."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._seq = 0
        self._acked = 0
        self._progress = asyncio.Event()
        self._spawn: Spawn | None = None
        self._sent: list[int] = []

    async def receive(self) -> None:
        while True:
            match proxy.read_from_broker(await self._socket.recv(decode=False)):
                case NumberedCommand(seq=seq, command=command):
                    await self._socket.send(proxy.write(Ack(seq=seq)))
                    if isinstance(command, Spawn):
                        await self._started(command)
                    elif isinstance(command, Deliver):
                        await self._delivered(command)
                case Ack(seq=seq):
                    self._acked = seq
                    self._progress.set()

    async def _started(self, spawn: Spawn) -> None:
        self._spawn = spawn
        reports: list[Started | StateChanged] = [
            Started(
                agent=spawn.agent,
                generation=spawn.generation,
                version=None,
                transport=Transport.STDIO,
                token_sha256="0" * 64,
                cwd="/",
            ),
            StateChanged(agent=spawn.agent, generation=spawn.generation, event=AgentReady(native_id="n")),
        ]
        encoded = [NumberedReport(seq=self._next(), report=r).model_dump_json().encode() for r in reports]
        await self._socket.send(proxy.write_reports(encoded), text=True)

    async def _delivered(self, order: Deliver) -> None:
        """A message for an agent; these leave it lying."""

    async def report(self, raws: Sequence[bytes]) -> None:
        """Report one batch of native frames, fragments of a text."""
        fragment = self._frame({"type": "assistant_text", "text": "x"}, transient=True)
        await self._report([proxy.write_frame_report(self._next(), fragment, raw=raw) for raw in raws])

    async def say(self, lines: Sequence[str]) -> None:
        """Report one batch of whole texts, each a line of the log."""
        frames = [self._frame({"type": "text", "text": line}, transient=False) for line in lines]
        await self._report([proxy.write_frame_report(self._next(), frame, raw=b"{}") for frame in frames])

    def _frame(self, event: dict[str, str], *, transient: bool) -> FrameRecorded:
        assert self._spawn is not None
        return FrameRecorded(
            agent=self._spawn.agent,
            generation=self._spawn.generation,
            direction="out",
            frame_type="session/update",
            transient=transient,
            events=[event],
            raw=None,
        )

    async def _send(self, encoded: list[bytes]) -> None:
        """Report without waiting for anything."""
        await self._socket.send(proxy.write_reports(encoded), text=True)

    async def _report(self, encoded: list[bytes]) -> None:
        await self._send(encoded)
        self._sent.append(self._seq)
        while len([seq for seq in self._sent if seq > self._acked]) >= _IN_FLIGHT:
            await self._wait()
        self._sent = [seq for seq in self._sent if seq > self._acked]

    async def drained(self) -> None:
        """Return once the broker has stored everything."""
        while self._acked < self._seq:
            await self._wait()

    async def _wait(self) -> None:
        self._progress.clear()
        async with asyncio.timeout(30):
            await self._progress.wait()

    def _next(self) -> int:
        self._seq += 1
        return self._seq


_Link = TypeVar("_Link", bound=LinkClient)


@contextlib.asynccontextmanager
async def linked_agent(broker: Broker, name: str) -> AsyncIterator[LinkClient]:
    """A link whose one agent is ready."""
    async with open_link(broker, name, LinkClient) as link, broker.relay() as relay:
        await relay.spawn(name, CLI, on=name)
        yield link


@contextlib.asynccontextmanager
async def open_link(broker: Broker, name: str, make: Callable[[ClientConnection], _Link]) -> AsyncIterator[_Link]:
    """A link that takes whatever it is told to start."""
    dial = connect(
        f"{broker.websocket_url}/proxy",
        additional_headers={"Authorization": f"Bearer {broker.key}"},
        subprotocols=[Subprotocol(proxy.SUBPROTOCOL)],
        compression=None,
        proxy=None,
        max_size=proxy.MAX_LINK_MESSAGE_BYTES,
    )
    async with dial as socket:
        await socket.send(proxy.write(_hello(name)))
        await socket.recv()
        link = make(socket)
        receiving = asyncio.create_task(link.receive())
        try:
            yield link
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)


def _hello(name: str) -> Hello:
    cli = InstalledCli(
        cli=CLI, dialect=Dialect.ACP, version=None, supported=True, transport=Transport.STDIO, problem=None
    )
    return Hello(
        version=__version__,
        machine_id=f"bench-{name}",
        name=name,
        clis=[cli],
        boot_id=f"b-{name}",
        spool_id="s",
        cuts_fragments=True,
    )
