"""A terminal's end of the control socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, assert_never

from pydantic import BaseModel

from broker import __version__
from broker.domain.errors import NotPermitted, Unavailable
from broker.protocol.errors import ProtocolViolation
from connect.control import peers, place
from connect.control.messages import (
    MAX_LINE_BYTES,
    Answer,
    Asked,
    Attach,
    Attached,
    Confirmed,
    Ended,
    FromLink,
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
    Told,
    WorkflowsConfirmed,
    read_from_link,
    write,
)
from connect.notices import Notice
from connect.system import process_tree
from connect.system.process_tree import ProcessKey

_ANSWER_S = 10.0
"""A link that does not answer its own machine by then stands still."""
_GONE_S = 3.0
"""For a link that has said how it ended, to write its last line and be gone."""
_LOOK_S = 0.02


class LinkConnection:
    """One terminal at one link, from `attached` until either leaves.

    `on_notice` hears what the link tells; `on_questions` everything that waits for this machine's person, each time.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, link: ProcessKey, state: State
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._link = link
        self._left: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._states: asyncio.Queue[State] = asyncio.Queue()
        self.state = state
        """How it was when it last said so."""
        self.on_notice: Callable[[Notice], None] = _unheard
        self.on_questions: Callable[[list[Asked]], None] = _unheard

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def run(self) -> Ended:
        """Listen until the link is over and its process gone, and say how it has ended."""
        while True:
            message = await _next(self._reader)
            match message:
                case Ended():
                    await _until_gone(self._link)
                    return message
                case Told(notice=notice):
                    self.on_notice(notice)
                case Questions(open=questions):
                    self.on_questions(questions)
                case Left(stopping=stopping):
                    self._settle(stopping=stopping)
                case State():
                    self.state = message
                    self._states.put_nowait(message)
                case Attached() | Stopping() | Taken() | Refused() | None:
                    pass
                case _ as other:
                    assert_never(other)

    async def refresh(self) -> State:
        """How the link is now; how it was last, when it does not say. `run` has to run beside this."""
        self._send(StatusWanted())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                return await self._states.get()
        return self.state

    async def leave(self, parting: Parting) -> bool:
        """Say that this terminal goes; whether the link stops for that. `run` has to run beside this."""
        self._send(Leave(parting=parting))
        async with asyncio.timeout(_ANSWER_S):
            return await asyncio.shield(self._left)

    def stop(self, *, now: bool = False) -> None:
        """Tell the link to end."""
        self._send(Stop(now=now))

    def answer(self, number: int, *, yes: bool) -> None:
        """Answer a question of this machine."""
        self._send(Answer(number=number, yes=yes))

    def _settle(self, *, stopping: bool) -> None:
        if not self._left.done():
            self._left.set_result(stopping)

    def _send(self, message: BaseModel) -> None:
        if not self._writer.is_closing():
            self._writer.write(write(message))


async def attach(state_dir: Path, *, person: bool, gone: Parting) -> LinkConnection | None:
    """Come to the link of a state folder as a terminal; None when none runs. Raises `NotPermitted`, `Unavailable`."""
    opened = await _open(state_dir)
    if opened is None:
        return None
    reader, writer = opened
    link = _process_at(writer)
    writer.write(write(Attach(person=person, gone=gone, folder=os.getcwd(), version=__version__)))  # noqa: PTH109 - as text
    answer = await _first(reader, writer)
    if isinstance(answer, Attached):
        return LinkConnection(reader, writer, link=link, state=answer.state)
    writer.close()
    raise Unavailable("the link of this machine said something that this version does not understand")


async def ask_state(state_dir: Path) -> State | None:
    """How the link of a state folder is; None when none runs. Raises `Unavailable`."""
    opened = await _open(state_dir)
    if opened is None:
        return None
    reader, writer = opened
    writer.write(write(StatusWanted()))
    answer = await _first(reader, writer)
    writer.close()
    return answer if isinstance(answer, State) else None


async def confirm_policy(state_dir: Path, known: str) -> bool:
    """Tell the link of a state folder that a person has confirmed a policy; False when none runs.

    Raises `NotPermitted`, `Unavailable`.
    """
    return await _confirm(state_dir, PolicyConfirmed(hash=known))


async def confirm_hooks(state_dir: Path, known: str) -> bool:
    """The same for the list of what hooks may run."""
    return await _confirm(state_dir, HooksConfirmed(hash=known))


async def confirm_workflows(state_dir: Path, known: str) -> bool:
    """The same for the list of what workflows may run."""
    return await _confirm(state_dir, WorkflowsConfirmed(hash=known))


async def _confirm(state_dir: Path, word: Confirmed) -> bool:
    opened = await _open(state_dir)
    if opened is None:
        return False
    reader, writer = opened
    writer.write(write(word))
    answer = await _first(reader, writer)
    writer.close()
    if not isinstance(answer, Taken):
        raise Unavailable("the link of this machine is of another version: `relay-connect stop` it first")
    return True


async def stop(state_dir: Path, *, now: bool, on_notice: Callable[[Notice], None]) -> Ended | None:
    """End the link of a state folder, and wait until its process is gone; None when none runs.

    Raises `NotPermitted`, `Unavailable`.
    """
    opened = await _open(state_dir)
    if opened is None:
        return None
    reader, writer = opened
    link = _process_at(writer)
    writer.write(write(Stop(now=now)))
    try:
        answer = await _first(reader, writer)
        while not isinstance(answer, Ended):
            if isinstance(answer, Told):
                on_notice(answer.notice)
            answer = await _next(reader)
        await _until_gone(link)
        return answer
    finally:
        writer.close()


async def _open(state_dir: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    connection = place.dial(state_dir)
    if connection is None:
        return None
    return await asyncio.open_unix_connection(sock=connection, limit=MAX_LINE_BYTES)


def _process_at(writer: asyncio.StreamWriter) -> ProcessKey:
    """The link's, which has said nothing yet, and so is there."""
    return process_tree.key_of(peers.peer_of(writer.get_extra_info("socket")).pid)


async def _until_gone(link: ProcessKey) -> None:
    """It says how it has ended ahead of its last line in its log: whoever waits for its end waits for that, too."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GONE_S):
            while link.pid != os.getpid() and process_tree.is_running(link):  # noqa: ASYNC110 - no child of this one
                await asyncio.sleep(_LOOK_S)


async def _first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> FromLink | None:
    try:
        async with asyncio.timeout(_ANSWER_S):
            answer = await _next(reader)
    except TimeoutError:
        writer.close()
        raise Unavailable(
            "the link process of this machine does not answer; `relay-connect stop --now` may not reach it either:"
            " end it by its process id",
            code="LINK_SILENT",
        ) from None
    if isinstance(answer, Refused):
        writer.close()
        raise NotPermitted(answer.reason, code=answer.code)
    return answer


async def _next(reader: asyncio.StreamReader) -> FromLink | None:
    """The next message; one that says that it is over, when the link is gone without a word."""
    try:
        line = await reader.readline()
    except (OSError, ValueError):
        line = b""
    if not line:
        return Ended(status=_GONE, reason="the link process ended without a word")
    try:
        return read_from_link(line)
    except ProtocolViolation:
        return None


_GONE = 70
"""EX_SOFTWARE of sysexits.h."""


def _unheard(_: object) -> None:
    """Nobody listens yet."""
