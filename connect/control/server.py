"""The link's end of the control socket: tells its terminals what happens, and takes what they want of it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, assert_never

from pydantic import BaseModel

from broker.protocol.errors import ProtocolViolation
from connect.control import place
from connect.control.messages import (
    MAX_LINE_BYTES,
    Answer,
    Asked,
    Attach,
    Attached,
    Ended,
    HooksConfirmed,
    Leave,
    Left,
    Parting,
    PolicyConfirmed,
    Questions,
    Refused,
    State,
    StatusWanted,
    Stop,
    Stopping,
    Taken,
    TerminalHere,
    Told,
    ToLink,
    WorkflowsConfirmed,
    read_to_link,
    write,
)
from connect.control.peers import Peer, is_agents, is_own_user, peer_of
from connect.notices import Connected, Disconnected, Notice, Warned

_MAX_UNREAD_BYTES = 4 * MAX_LINE_BYTES
"""Of a terminal that does not read: stopped by Ctrl-Z, say. It is let go, and may come again."""
_MAX_WARNINGS = 20
_FIRST_WORD_S = 10.0
"""A peer that says nothing is no terminal."""
_MOST_PEERS = 64
_FAREWELL_S = 1.0
"""For the last words to reach terminals that read."""

_log = logging.getLogger(__name__)


class Host(Protocol):
    """The link process, as its terminals see it."""

    def state(self) -> State:
        """How it is, its terminals apart."""

    def stop(self, *, now: bool) -> None:
        """End: in good order, or at once."""

    def answer(self, number: int, *, yes: bool) -> None:
        """Take a person's answer to a question of this machine."""

    def confirm_policy(self, known: str) -> None:
        """Take a person's word for the policy of this hash."""

    def confirm_hooks(self, known: str) -> None:
        """Take a person's word for the list of this hash of what hooks may run."""

    def confirm_workflows(self, known: str) -> None:
        """The same for the list of what workflows may run."""


@dataclass(eq=False, slots=True)
class _Terminal:
    peer: Peer
    attach: Attach
    writer: asyncio.StreamWriter
    parting: Parting | None = field(default=None)
    """What it said on leaving."""


class ControlServer:
    """Listens in the state folder from `start` to `close`, to the user's own processes but agents': none that
    descends from `pid` or from another link.

    Invariant: what one terminal does or fails to do keeps neither the link nor another terminal waiting.
    """

    def __init__(self, state_dir: Path, host: Host, *, pid: int, kept: bool = False) -> None:
        self._state_dir = state_dir
        self._host = host
        self._pid = pid
        self.kept = kept
        """Whether the link stays when its last terminal leaves."""
        self._terminals: list[_Terminal] = []
        self._peers: set[asyncio.Task[None]] = set()
        self._last: Connected | Disconnected | None = None
        self._warnings: deque[Warned] = deque(maxlen=_MAX_WARNINGS)
        """Those that no terminal has been told of."""
        self._questions: list[Asked] = []
        self._server: asyncio.Server | None = None
        self._node: tuple[int, int] | None = None
        self.on_terminals: Callable[[], None] = lambda: None
        """Called when a terminal has come or gone."""

    async def start(self) -> None:
        """Listen. Raises `OSError`."""
        listening = place.listen(self._state_dir)
        self._node = place.node_of(self._state_dir)
        self._server = await asyncio.start_unix_server(self._accept, sock=listening, limit=MAX_LINE_BYTES)

    async def close(self, status: int, reason: str | None = None) -> None:
        """Tell every terminal how it has ended, and listen no more."""
        if self._node is not None:
            place.leave(self._state_dir, self._node)
        if self._server is None:
            return
        self._server.close()
        for terminal in self._terminals:
            self._send(terminal, Ended(status=status, reason=reason))
            terminal.writer.close()
        if self._peers:
            await asyncio.wait(self._peers, timeout=_FAREWELL_S)
        for task in self._peers:
            task.cancel()

    @property
    def has_person(self) -> bool:
        """Whether there is a terminal at which questions can be asked."""
        return any(terminal.attach.person for terminal in self._terminals)

    @property
    def terminals(self) -> int:
        """How many there are."""
        return len(self._terminals)

    @property
    def persons_folders(self) -> list[Path]:
        """Where those terminals were opened."""
        return [Path(terminal.attach.folder) for terminal in self._terminals if terminal.attach.person]

    def tell(self, notice: Notice) -> None:
        """Tell all terminals; the next one too, where it should know."""
        if isinstance(notice, Connected | Disconnected):
            self._last = notice
        elif isinstance(notice, Warned) and not self._present():
            self._warnings.append(notice)
        for terminal in list(self._terminals):
            self._send(terminal, Told(notice=notice))

    def ask(self, questions: list[Asked]) -> None:
        """Show what waits for a person's answer, instead of what was shown before."""
        self._questions = questions
        for terminal in [terminal for terminal in self._terminals if terminal.attach.person]:
            self._send(terminal, Questions(open=questions))

    def state(self) -> State:
        """How the link is, with its terminals."""
        here = [TerminalHere(pid=each.peer.pid, folder=each.attach.folder) for each in self._present()]
        return self._host.state().model_copy(update={"terminals": here, "kept": self.kept})

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._peers.add(task)
        try:
            if len(self._peers) <= _MOST_PEERS:
                await self._serve(reader, writer)
        except (OSError, ValueError, ProtocolViolation, TimeoutError) as error:
            _log.info("a peer of the control socket was let go: %r", error)
        finally:
            self._peers.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        peer = peer_of(connection)
        if not is_own_user(peer):
            writer.write(write(Refused(code="NOT_YOURS", reason="this link is another user's")))
            return
        async with asyncio.timeout(_FIRST_WORD_S):
            first = await _next(reader)
        if not isinstance(first, StatusWanted | None) and is_agents(peer.pid, link=self._pid):
            reason = "agents of this machine, and what they start, do not direct its link"
            writer.write(write(Refused(code="FROM_AN_AGENT", reason=reason)))
            return
        match first:
            case StatusWanted():
                writer.write(write(self.state()))
            case Stop():
                await self._stop(first, peer=peer, reader=reader, writer=writer)
            case Attach():
                await self._attend(_Terminal(peer, first, writer), reader)
            case PolicyConfirmed():
                self._host.confirm_policy(first.hash)
                writer.write(write(Taken()))
            case HooksConfirmed():
                self._host.confirm_hooks(first.hash)
                writer.write(write(Taken()))
            case WorkflowsConfirmed():
                self._host.confirm_workflows(first.hash)
                writer.write(write(Taken()))
            case _:
                pass

    async def _stop(
        self, stop: Stop, *, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Do it, and tell how it goes, as a terminal is told."""
        watching = _Terminal(peer, Attach(person=False, folder="", version=""), writer, Parting.AS_IT_WAS)
        self._send(watching, Stopping())
        self._terminals.append(watching)
        self._host.stop(now=stop.now)
        try:
            await reader.read()  # until it goes
        finally:
            self._terminals.remove(watching)

    async def _attend(self, terminal: _Terminal, reader: asyncio.StreamReader) -> None:
        self._terminals.append(terminal)
        try:
            # Before anything that is told because it has come: the first word to a terminal is that it is taken.
            self._welcome(terminal)
            self.on_terminals()
            while line := await reader.readline():
                self._take(terminal, read_to_link(line))
        finally:
            self._terminals.remove(terminal)
            if terminal.parting is None:
                self._is_left(terminal.attach.gone)
            self.on_terminals()

    def _welcome(self, terminal: _Terminal) -> None:
        self._send(terminal, Attached(state=self.state()))
        missed = [*self._warnings, *([self._last] if self._last is not None else [])]
        self._warnings.clear()
        for notice in missed:
            self._send(terminal, Told(notice=notice))
        if terminal.attach.person and self._questions:
            self._send(terminal, Questions(open=self._questions))

    def _take(self, terminal: _Terminal, message: ToLink | None) -> None:
        match message:
            case Leave(parting=parting):
                terminal.parting = parting
                self._send(terminal, Left(stopping=self._is_left(parting)))
            case Answer(number=number, yes=yes):
                self._host.answer(number, yes=yes)
            case Stop(now=now):
                self._host.stop(now=now)
            case StatusWanted():
                self._send(terminal, self.state())
            case Attach() | PolicyConfirmed() | HooksConfirmed() | WorkflowsConfirmed() | None:
                pass
            case _ as other:
                assert_never(other)

    def _is_left(self, parting: Parting) -> bool:
        """A terminal is gone. Whether the link ends for that: only when it was the last one."""
        if self._present() or self._host.state().headless:
            return False
        if parting is not Parting.AS_IT_WAS:
            self.kept = parting is Parting.KEEP
        if not self.kept:
            self._host.stop(now=False)
        return not self.kept

    def _present(self) -> list[_Terminal]:
        """The terminals that have not said that they leave."""
        return [terminal for terminal in self._terminals if terminal.parting is None]

    def _send(self, terminal: _Terminal, message: BaseModel) -> None:
        if terminal.writer.is_closing():
            return
        terminal.writer.write(write(message))
        if terminal.writer.transport.get_write_buffer_size() > _MAX_UNREAD_BYTES:
            terminal.writer.transport.abort()


async def _next(reader: asyncio.StreamReader) -> ToLink | None:
    line = await reader.readline()
    return read_to_link(line) if line else None
