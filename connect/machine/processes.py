"""An agent's process: started in a session of its own, fed and read without blocking, ended with all it has started."""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

from connect.system import process_tree
from connect.system.process_records import ProcessRecords

MAX_UNREAD_BYTES = 32 * 1024 * 1024
"""What may wait for a process that does not read its input; beyond it the process is taken as stuck."""
_STDERR_TAIL_BYTES = 8 * 1024
_TERM_GRACE_S = 3.0
"""For an agent to save its conversation after SIGTERM; those seen need less than 0.3 s."""
_KILL_GRACE_S = 5.0
"""The kernel ends a killed process at once unless it waits for a dead disk."""
_DRAIN_GRACE_S = 1.0
"""For the last output to be read once the process is gone."""
_POLL_S = 0.02
_PR_SET_PDEATHSIG = 1
_TRUE = "/bin/true"

START_ERRORS = (OSError, ValueError, subprocess.SubprocessError)
"""What a program that cannot be started raises: a NUL in an argument is a `ValueError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    socket: Path | None = None
    """Where it listens; None: it is spoken with over stdin and stdout."""
    folder: int | None = None
    """A descriptor of `cwd`, held open since it was looked at: it starts in that folder, whatever `cwd` leads to by
    then."""
    umask: int = -1
    """For the files it makes; -1: as this process has it."""
    is_shell: bool = False
    """Its program is the system's own shell, which is there: it may be started by another program of the system."""


_P = TypeVar("_P", bound="AgentProcess")


class ProcessStuck(Exception):
    """The process has stopped reading its input."""


class AgentProcess(asyncio.SubprocessProtocol):
    """A running process. `on_output` gets its bytes as they come; `exited` is set when the process itself is gone."""

    def __init__(self, *, mark: str, on_output: Callable[[bytes], None]) -> None:
        self.mark = mark
        self._on_output = on_output
        self._paused = False
        self._unconfirmed: list[Callable[[], None]] = []
        self._stderr = bytearray()
        self._output_ended = asyncio.Event()
        self._transport: asyncio.SubprocessTransport
        self._input: asyncio.WriteTransport
        self.key: process_tree.ProcessKey
        self.exited = asyncio.Event()
        self.complaint = ""
        """What was wrong with the connection to it, when that is why it is gone."""

    @property
    def pid(self) -> int:
        """The process' number."""
        return self.key.pid

    @property
    def term_grace_s(self) -> float:
        """How long it may take to end by itself once it was told to."""
        return _TERM_GRACE_S

    @property
    def returncode(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._transport.get_returncode()

    @property
    def stderr_tail(self) -> str:
        """The end of what it said on stderr."""
        return self._stderr.decode("utf-8", "replace")

    def write(self, data: bytes) -> None:
        """Send bytes; those for a process that has ended are dropped."""
        if self._input.is_closing() or not data:
            return
        if self._input.get_write_buffer_size() > MAX_UNREAD_BYTES:
            raise ProcessStuck(f"it has not read its input: {self._input.get_write_buffer_size()} bytes wait")
        self._input.write(data)

    def when_written(self, then: Callable[[], None]) -> None:
        """Call once the operating system has given all bytes sent so far to the process; never when it has ended."""
        if self._input.is_closing():
            return
        if self._paused:
            self._unconfirmed.append(then)
        else:
            then()

    def end_input(self) -> None:
        """There is no more to read for it, once it has read what was written."""
        self._input.close()

    async def end(self, *, eof_grace_s: float) -> None:
        """End it and everything it has started: end of input, then TERM, then KILL. Returns when all are gone."""
        self._input.close()
        await self._wait_exited(eof_grace_s)
        if not await self._end_tree(signal.SIGTERM, self.term_grace_s):
            await self._end_tree(signal.SIGKILL, _KILL_GRACE_S)
        await self._wait_exited(_DRAIN_GRACE_S)
        try:
            async with asyncio.timeout(_DRAIN_GRACE_S):
                await self._output_ended.wait()
        except TimeoutError:
            pass  # Something out of reach holds its output open; what it writes is nobody's any more.
        self._transport.close()

    def kill(self) -> None:
        """Kill all of it at once and wait for nothing; for when time has run out."""
        for key in process_tree.members(self.key, self.mark):
            process_tree.send(key, signal.SIGKILL)
        self._transport.close()

    async def _wait_exited(self, grace_s: float) -> None:
        try:
            async with asyncio.timeout(grace_s):
                await self.exited.wait()
        except TimeoutError:
            pass

    async def _end_tree(self, number: signal.Signals, grace_s: float) -> bool:
        """Whether all of it is gone."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + grace_s
        signalled: set[process_tree.ProcessKey] = set()
        # In a thread: with a thousand processes on the machine a look at all of them takes a tenth of a second.
        while (left := await asyncio.to_thread(process_tree.members, self.key, self.mark)) and clock() < deadline:
            for key in left:
                # Each is told once, but what they start meanwhile is told as well.
                if key not in signalled:
                    signalled.add(key)
                    process_tree.send(key, number)
            await asyncio.sleep(_POLL_S)
        return not left

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        pipe = transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)
        # Any byte left in our buffer counts as not written.
        pipe.set_write_buffer_limits(high=0)
        self._transport, self._input = transport, pipe
        self.key = process_tree.key_of(transport.get_pid())

    @override
    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._on_output(data)
        else:
            self._stderr += data
            del self._stderr[:-_STDERR_TAIL_BYTES]

    @override
    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self._output_ended.set()

    @override
    def process_exited(self) -> None:
        self.exited.set()

    @override
    def pause_writing(self) -> None:
        self._paused = True

    @override
    def resume_writing(self) -> None:
        self._paused = False
        confirmed, self._unconfirmed = self._unconfirmed, []
        for on_written in confirmed:
            on_written()


async def start_process(command: Command, *, records: ProcessRecords, make: Callable[..., _P]) -> _P:
    """Start a process, remembered on disk so that the next relay-connect can end it if this one cannot.

    `make` gets the mark that tells its descendants. Raises one of `START_ERRORS` when the program cannot be started.
    """
    mark = records.announce()
    setpriv = _find_setpriv() if command.is_shell else None
    started = _start_copied(command) if setpriv is None else _start_uncopied(command, setpriv=setpriv)
    try:
        _, process = await asyncio.get_running_loop().subprocess_exec(
            lambda: make(mark=mark),
            *started.argv,
            env={**command.env, process_tree.MARK: mark},
            cwd=started.cwd,
            start_new_session=True,
            preexec_fn=started.before_it,
            umask=command.umask,
        )
    except BaseException:
        records.forget(mark)
        raise
    try:
        records.remember(mark, process.key)
    except OSError:
        process.kill()
        raise
    return process


async def end_process(process: AgentProcess, *, records: ProcessRecords, eof_grace_s: float) -> None:
    """End a process with all it has started, and forget it."""
    await process.end(eof_grace_s=eof_grace_s)
    records.forget(process.mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """How a command is started."""

    argv: Sequence[str]
    cwd: Path | None
    before_it: Callable[[], None] | None = None
    """Runs between fork and exec, in the one thread of the child; it only makes system calls."""


def _start_copied(command: Command) -> _Start:
    """By a fork, which copies this process' tables of memory: 7 ms and more, in which it does nothing else."""
    cwd = command.cwd if command.folder is None else None
    return _Start(argv=command.argv, cwd=cwd, before_it=_arrangements(command.folder))


def _start_uncopied(command: Command, *, setpriv: str) -> _Start:
    """By a vfork, which is possible where nothing of ours runs in the child: `setpriv` arranges its death instead.

    Should this process die before that, the next one finds it by its mark.
    """
    cwd = command.cwd if command.folder is None else Path(f"/proc/self/fd/{command.folder}")
    return _Start(argv=(setpriv, "--pdeathsig", "KILL", "--", *command.argv), cwd=cwd)


@cache
def _find_setpriv() -> str | None:
    """A part of util-linux; not every system has it, or one that knows this."""
    found = shutil.which("setpriv", path="/usr/bin:/bin") if sys.platform == "linux" else None
    if found is None:
        return None
    tried = subprocess.run(  # noqa: S603 - the system's own program
        [found, "--pdeathsig", "KILL", "--", _TRUE], capture_output=True, check=False
    )
    return found if tried.returncode == 0 else None


def _arrangements(folder: int | None) -> Callable[[], None] | None:
    dying = _die_with_parent()
    if folder is None:
        return dying

    def arrange() -> None:
        os.fchdir(folder)
        if dying is not None:
            dying()

    return arrange


def _die_with_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # It died before the arrangement was made.
            os._exit(1)

    return arrange
