"""An agent's process that listens on a private unix socket: the conversation is a WebSocket, a JSON document a message.

A connection that is lost while the process lives ends the process, and the broker starts it again with its
conversation. Codex would take another connection, but whatever it said in between is lost, the end of a turn included;
only the conversation's history can tell, and a restart asks that already. So there is one way back, not two.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import tempfile
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from typing_extensions import override
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from broker.protocol.ndjson import MAX_FRAME_BYTES
from broker.task_scope import task_scope
from connect.machine.processes import MAX_UNREAD_BYTES, AgentProcess, Command, ProcessStuck, start_process
from connect.system import process_tree
from connect.system.process_records import ProcessRecords

_MAX_PATH_BYTES = 100
"""The kernel takes 107 on Linux and 103 on macOS."""
_OPEN_TIMEOUT_S = 30.0
"""From the start to a socket that answers: Codex measured 0.2 s, a cold disk takes seconds."""
_LOSS_GRACE_S = 1.0
"""A process that ends closes its socket first; only one that is still there after this has lost it."""
_CLOSE_TIMEOUT_S = 1.0
_POLL_S = 0.02


class PipeLost(Exception):
    """The process cannot be spoken with; the message says why."""


def socket_in(folder: Path) -> Path:
    """Where a process may listen: in `folder`, or in a short-named one that `start_agent` makes."""
    path = folder / "socket"
    if len(os.fsencode(path)) <= _MAX_PATH_BYTES:
        return path
    return Path(tempfile.gettempdir()) / f"relaycast-{secrets.token_hex(8)}" / path.name


async def start_agent(command: Command, *, records: ProcessRecords, on_output: Callable[[bytes], None]) -> AgentProcess:
    """Start a process that is spoken with over its socket, or over stdin and stdout when it has none.

    Raises `OSError` when the program cannot be started.
    """
    if command.socket is None:
        return await start_process(command, records=records, make=partial(AgentProcess, on_output=on_output))
    command.socket.parent.mkdir(mode=0o700, exist_ok=True)
    make = partial(SocketProcess, on_output=on_output, path=command.socket)
    try:
        return await start_process(command, records=records, make=make)
    except BaseException:
        shutil.rmtree(command.socket.parent, ignore_errors=True)
        raise


class SocketPipe:
    """The client's end. Lines may be written before it is open; each goes out as one message, in order."""

    def __init__(self, path: Path, *, on_output: Callable[[bytes], None]) -> None:
        self._path = path
        self._on_output = on_output
        self._unsent: deque[bytes | Callable[[], None]] = deque()
        self._more = asyncio.Event()
        self.unsent_bytes = 0

    def write(self, lines: bytes) -> None:
        """Send lines."""
        self._unsent.append(lines)
        self.unsent_bytes += len(lines)
        self._more.set()

    def when_written(self, then: Callable[[], None]) -> None:
        """Call once the operating system has all lines so far."""
        self._unsent.append(then)
        self._more.set()

    async def open(self, *, ended: asyncio.Event) -> ClientConnection:
        """Connect as soon as the process listens; raise `PipeLost` when it does not, or has `ended` before."""
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT_S):
                while not ended.is_set():
                    try:
                        return await self._connect()
                    except (FileNotFoundError, ConnectionRefusedError):
                        await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise PipeLost(f"it did not answer on its socket within {_OPEN_TIMEOUT_S:.0f} s") from None
        except (OSError, InvalidHandshake) as error:
            raise PipeLost(f"its socket gave no connection: {error}") from None
        raise PipeLost("it ended before it listened on its socket")

    async def carry(self, socket: ClientConnection) -> None:
        """Carry both ways until the connection is lost, which `PipeLost` tells."""
        try:
            async with socket, task_scope() as tasks:
                tasks.create_task(self._receive(socket))
                tasks.create_task(self._send(socket))
        except ConnectionClosed as closed:
            raise PipeLost(f"the connection to its socket was lost: {closed}") from None

    async def _connect(self) -> ClientConnection:
        """Without an `Origin`, which Codex refuses, and without pings: whether it is deaf is for the broker to find."""
        return await unix_connect(
            str(self._path),
            compression=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=_CLOSE_TIMEOUT_S,
            max_size=MAX_FRAME_BYTES,
            # So that `send` returns when the operating system has everything.
            write_limit=0,
        )

    async def _receive(self, socket: ClientConnection) -> None:
        while True:
            self._on_output(await socket.recv(decode=False) + b"\n")

    async def _send(self, socket: ClientConnection) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._unsent:
                match self._unsent.popleft():
                    case bytes() as lines:
                        for line in lines.splitlines():
                            await socket.send(line, text=True)
                        self.unsent_bytes -= len(lines)
                    case then:
                        then()


class SocketProcess(AgentProcess):
    """See `AgentProcess`. Owns the connection and the folder the socket lies in; what it prints is for nobody."""

    def __init__(self, *, mark: str, on_output: Callable[[bytes], None], path: Path) -> None:
        super().__init__(mark=mark, on_output=_unheard)
        self._folder = path.parent
        self._pipe = SocketPipe(path, on_output=on_output)
        self._ending = False
        self._carrying: asyncio.Task[None]

    @override
    def write(self, data: bytes) -> None:
        if self._pipe.unsent_bytes > MAX_UNREAD_BYTES:
            raise ProcessStuck(f"it has not read its socket: {self._pipe.unsent_bytes} bytes wait")
        if data:
            self._pipe.write(data)

    @override
    def when_written(self, then: Callable[[], None]) -> None:
        self._pipe.when_written(then)

    @override
    async def end(self, *, eof_grace_s: float) -> None:
        self._ending = True
        await super().end(eof_grace_s=eof_grace_s)
        await asyncio.wait([self._carrying], timeout=_LOSS_GRACE_S)  # Its last words may not have been read yet.
        self._leave()

    @override
    def kill(self) -> None:
        super().kill()
        self._leave()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._carrying = asyncio.ensure_future(self._carry())

    async def _carry(self) -> None:
        try:
            socket = await self._pipe.open(ended=self.exited)
        except PipeLost as lost:
            self._give_up(lost)
            return
        try:
            await self._pipe.carry(socket)
        except PipeLost as lost:
            await self._wait_exited(_LOSS_GRACE_S)
            if not self._ending and not self.exited.is_set():
                self._give_up(lost)

    def _give_up(self, lost: PipeLost) -> None:
        self.complaint = str(lost)
        process_tree.send(self.key, signal.SIGKILL)

    def _leave(self) -> None:
        self._carrying.cancel()
        shutil.rmtree(self._folder, ignore_errors=True)


def _unheard(_: bytes) -> None:
    """What a process prints beside its socket."""
