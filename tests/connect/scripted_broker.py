"""The broker's end of the link as a script: it speaks the envelope, keeps what it gets, and does what a test says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from typing_extensions import override
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from broker.domain.ids import AgentId, MessageId, ProxyId, SessionId
from broker.domain.machines.load import MachineLoad
from broker.protocol.agents.events import StateEvent, TurnEnded
from broker.protocol.proxy import (
    MAX_LINK_MESSAGE_BYTES,
    SUBPROTOCOL,
    Ack,
    AskedBy,
    Auth,
    AuthRefresh,
    Command,
    Deliver,
    FrameRecorded,
    Hello,
    Load,
    NumberedCommand,
    NumberedReport,
    Report,
    Reports,
    StateChanged,
    Welcome,
    read_from_proxy,
    write,
)

_R = TypeVar("_R", bound=Report)
_AGENT = AgentId("a1")
PERSON = AskedBy(kind="person", name="Ada", session=SessionId("s1"))
"""Who asks: somebody of the session that agents join."""


class ScriptedBroker:
    """Welcomes every proxy, numbers commands, and acknowledges reports unless told to hold that back."""

    def __init__(self) -> None:
        self.epoch = "epoch-1"
        self.proxy_id = ProxyId("p1")
        self.hellos: list[Hello] = []
        self.tokens: list[str] = []
        self.refreshes: list[str] = []
        """What was presented for a fresh token, on the link."""
        self.reports: list[NumberedReport] = []
        self.received: list[NumberedReport] = []
        """With repetitions."""
        self.raw = b""
        self.loads: list[MachineLoad] = []
        """How busy the machine was."""
        self.commands: list[Command] = []
        self.commands_acked = 0
        self.acknowledging = True
        self.now_ms: int | None = 1_000_000
        self.wants_load = True
        """What time it is here, far from this machine's clock; None: a broker that does not say."""
        self.close_next: tuple[int, str] | None = None
        self.refusing: tuple[str, int] | None = None
        self.forgets_commands_seen = False
        """Sends every command again after a reconnect, as if no acknowledgement had come through."""
        self.connection: ServerConnection | None = None
        self.url = ""
        self.changed = asyncio.Condition()

    @property
    def reports_seen(self) -> int:
        return self.reports[-1].seq if self.reports else 0

    async def command(self, command: Command) -> None:
        self.commands.append(command)
        if self.connection is not None:
            await self._send_command(len(self.commands))

    async def repeat(self, seq: int) -> None:
        await self._send_command(seq)

    async def refresh(self, token: str, *, refresh_token: str | None = None, expires_at_ms: int = 0) -> None:
        assert self.connection is not None
        auth = Auth(token=token, expires_at_ms=expires_at_ms, refresh_token=refresh_token)
        await self.connection.send(write(auth))

    async def acknowledge(self) -> None:
        assert self.connection is not None
        await self.connection.send(write(Ack(seq=self.reports_seen)))

    async def drop(self) -> None:
        """Cut the connection as a dead network does."""
        assert self.connection is not None
        self.connection.transport.abort()
        await self.until(lambda: self.connection is None)

    async def until(self, condition: Callable[[], bool], *, seconds: float = 10) -> None:
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(condition)

    async def report(self, kind: type[_R], match: Callable[[_R], bool] = lambda _: True) -> _R:
        """The first report of `kind` that matches, as soon as there is one."""
        await self.until(lambda: any(map(match, self.of(kind))))
        return next(filter(match, self.of(kind)))

    async def says(self, text: str, *, agent: AgentId = _AGENT) -> str:
        """Hand an agent a message; the closing words of the first turn that anybody has ended."""
        message = MessageId("00000000-0000-4000-8000-000000000001")
        await self.command(Deliver(agent=agent, generation=1, message_id=message, text=text))
        changed = await self.report(StateChanged, lambda report: isinstance(report.event, TurnEnded))
        assert isinstance(changed.event, TurnEnded)
        return changed.event.text

    def of(self, kind: type[_R]) -> list[_R]:
        return [numbered.report for numbered in self.reports if isinstance(numbered.report, kind)]

    def history(self) -> list[Report | StateEvent]:
        """Every report in order, a changed state as the event it is."""
        reports = [numbered.report for numbered in self.reports]
        return [report.event if isinstance(report, StateChanged) else report for report in reports]

    def frames(self) -> list[FrameRecorded]:
        return self.of(FrameRecorded)

    async def serve_connection(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.tokens.append(socket.request.headers["Authorization"].removeprefix("Bearer "))
        if self.close_next is not None:
            code, reason = self.close_next
            self.close_next = None
            await socket.close(code, reason)
            return
        hello = read_from_proxy(await socket.recv())
        assert isinstance(hello, Hello)
        await self._welcome(socket, hello)
        try:
            async for text in socket:
                if self.refusing is not None and self.refusing[0] in text:
                    await socket.close(self.refusing[1], "it could not be read")
                    break
                await self._take(socket, text)
        except ConnectionClosed:
            pass
        finally:
            async with self.changed:
                if self.connection is socket:
                    self.connection = None
                self.changed.notify_all()

    async def _welcome(self, socket: ServerConnection, hello: Hello) -> None:
        if self.hellos and hello.spool_id != self.hellos[-1].spool_id:
            self.reports = []
        async with self.changed:
            self.hellos.append(hello)
            self.connection = socket
            self.changed.notify_all()
        seen = hello.commands_seen if hello.epoch == self.epoch and not self.forgets_commands_seen else 0
        await socket.send(
            write(
                Welcome(
                    proxy_id=self.proxy_id,
                    epoch=self.epoch,
                    reports_seen=self.reports_seen,
                    commands_acked=seen,
                    session=SessionId("s1"),
                    session_url="http://127.0.0.1/session/s1",
                    broker_version="0",
                    now_ms=self.now_ms,
                    wants_load=self.wants_load,
                )
            )
        )
        for seq in range(seen + 1, len(self.commands) + 1):
            await self._send_command(seq)

    async def _take(self, socket: ServerConnection, text: str | bytes) -> None:
        message = read_from_proxy(text)
        async with self.changed:
            if isinstance(message, Ack):
                self.commands_acked = message.seq
            elif isinstance(message, AuthRefresh):
                self.refreshes.append(message.refresh_token)
            elif isinstance(message, Load):
                self.loads.append(message.load)
            elif isinstance(message, Reports):
                self.raw += text.encode() if isinstance(text, str) else text
                self.received += message.reports
                for numbered in message.reports:
                    if numbered.seq > self.reports_seen:
                        assert numbered.seq == self.reports_seen + 1, "a hole in the reports"
                        self.reports.append(numbered)
            self.changed.notify_all()
        if self.acknowledging and isinstance(message, Reports):
            await socket.send(write(Ack(seq=self.reports_seen)))

    async def _send_command(self, seq: int) -> None:
        assert self.connection is not None
        await self.connection.send(write(NumberedCommand(seq=seq, command=self.commands[seq - 1])))


class _Connection(ServerConnection):
    """Answers what is not for a WebSocket as a broker that knows no such call: this one cannot exchange tokens."""

    _posted = b""

    @override
    def data_received(self, data: bytes) -> None:
        if not (self._posted or data.startswith(b"POST ")):
            super().data_received(data)
            return
        self._posted += data
        head, separator, body = self._posted.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if separator and length is not None and len(body) >= int(length.group(1)):
            self.transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.transport.close()


@asynccontextmanager
async def scripted_broker(*, port: int = 0) -> AsyncGenerator[ScriptedBroker]:
    """A broker on a loopback port."""
    broker = ScriptedBroker()
    async with serve(
        broker.serve_connection,
        "127.0.0.1",
        port,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        max_size=MAX_LINK_MESSAGE_BYTES,
        compression=None,
        close_timeout=1,
        create_connection=_Connection,
    ) as server:
        broker.url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield broker
