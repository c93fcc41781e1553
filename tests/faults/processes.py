"""Processes that are started, killed, frozen and started again, and whose unexpected end is noticed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.fixtures.process_family import is_zombie

_START_S = 90.0
_STOP_S = 30.0


class NotStarted(Exception):
    """A process ended, or said nothing in time, before it was ready."""


class Managed:
    """One place in the topology, and the process that fills it now. What it prints goes to a file.

    One that `speaks` is ready when it has said its first line, `ready` when that is JSON. One that is `fed` has a
    standard input that stays open for as long as it runs.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        speaks: bool = True,
        fed: bool = False,
        stopping_s: float = _STOP_S,
    ) -> None:
        self.name = name
        self.ready: dict[str, Any] = {}
        self.ended: Callable[[str, int], None] = lambda name, status: None
        """Called when it ends and nobody had asked it to."""
        self._command = command
        self._folder = folder
        self.environment = dict(environment)
        self._speaks = speaks
        self._fed = fed
        self._stopping_s = stopping_s
        self._process: Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._wanted = False

    @property
    def pid(self) -> int:
        """Of the process that runs, or ran last."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.returncode is None

    @property
    def log(self) -> Path:
        """Everything it says, over all its lives."""
        return self._folder / f"{self.name}.log"

    async def start(self) -> None:
        """Start it and wait for its first line. Raises `NotStarted`."""
        if self.runs:
            return
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._folder,
                env=self.environment,
                stdin=PIPE if self._fed else DEVNULL,
                stdout=PIPE if self._speaks else log,
                stderr=log,
                start_new_session=True,
            )
        self._wanted = True
        if self._speaks:
            await self._until_ready(self._process)
        self._watching = asyncio.create_task(self._watch(self._process), name=f"watch {self.name}")

    async def _until_ready(self, process: Process) -> None:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_START_S):
                line = await process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            self._wanted = False
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise NotStarted(f"{self.name} was not ready, status {await process.wait()}: {self._last_words()}")
        self.ready = orjson.loads(line) if line.startswith(b"{") else {}

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:].strip()

    async def _watch(self, process: Process) -> None:
        if process.stdout is not None:
            with self.log.open("ab") as log:  # read on to its end, so that it never waits for us
                while said := await process.stdout.read(65536):
                    log.write(said)
                    log.flush()
        status = await process.wait()
        if self._wanted and process is self._process:
            self.ended(self.name, status)

    async def kill(self) -> None:
        """As a crash or an out-of-memory kill ends it."""
        self._wanted = False
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """As a service manager ends it; its status. One that does not end in time is killed (-9)."""
        self._wanted = False
        if self.runs:
            self.signal(signal.SIGCONT)
        try:
            async with asyncio.timeout(self._stopping_s):
                await self._end(signal.SIGTERM)
        except TimeoutError:
            await self._end(signal.SIGKILL)
        return self._process.returncode or 0 if self._process else 0

    async def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self.signal(number)
        await self._process.wait()
        if self._watching is not None:
            await asyncio.gather(self._watching, return_exceptions=True)

    def freeze(self) -> None:
        """It keeps its sockets and does nothing, as on a host that swaps or a laptop that sleeps."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on, and believes that no time has passed."""
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, when it still runs."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


def marked(mark: str) -> dict[int, str]:
    """Every living process whose environment carries this mark, with its command line: ours, wherever they went."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if mark.encode() in (entry / "environ").read_bytes() and not is_zombie(int(entry.name)):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found


async def until_gone(mark: str, *, within_s: float) -> dict[int, str]:
    """Wait for the end of all that carry the mark; those that are still there after the time."""
    deadline = asyncio.get_running_loop().time() + within_s
    while (left := marked(mark)) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.1)
    return left


def kill_all(pids: Sequence[int]) -> None:
    """End processes of ours that outlived everything."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
