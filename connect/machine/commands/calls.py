"""One call of a program: what it is given on standard input, output within bounds, all of it gone at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from typing_extensions import override

from connect.machine.commands.output import Kept
from connect.machine.processes import AgentProcess, Command, end_process, start_process
from connect.policy.folders import OpenFolder
from connect.system.process_records import ProcessRecords

TERM_GRACE_S = 5.0
"""Between TERM and KILL."""
PASSED_ON = ("PATH", "HOME", "LANG", "TZ")
"""What every program of a hook inherits."""
_NEVER = (
    "RELAYCAST_",
    "ANTHROPIC_",
    "CLAUDE",
    "OPENAI_",
    "CODEX_",
    "GEMINI_",
    "GOOGLE_",
    "COPILOT_",
    "CURSOR_",
    "OPENCODE_",
)
_NEVER_NAMED = frozenset({"GH_TOKEN", "GITHUB_TOKEN", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"})


def is_passed_on(name: str) -> bool:
    """Whether a variable of the environment may be given to a program: no token of the relay's or of a vendor's is."""
    return not name.upper().startswith(_NEVER) and name not in _NEVER_NAMED


def environment_for(
    own: Mapping[str, str], names: Sequence[str], *, path: str, said: Mapping[str, str]
) -> dict[str, str]:
    """All that a hook's program inherits. `said`: what it is told of its run."""
    wanted = [*PASSED_ON, *filter(is_passed_on, names)]
    return {**{name: own[name] for name in wanted if name in own}, "PATH": path, **said}


@dataclass(slots=True)
class Output:
    """What all calls of a run have written."""

    out: Kept = field(default_factory=Kept)
    err: Kept = field(default_factory=Kept)

    def add(self, descriptor: int, data: bytes) -> None:
        """More has come, on standard output (1) or standard error."""
        (self.out if descriptor == 1 else self.err).add(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """How a call ended; what it had started is gone."""

    exit_code: int | None
    overdue: bool = False
    stopped: bool = False


class _CalledProcess(AgentProcess):
    """Keeps what it writes."""

    def __init__(self, *, mark: str, output: Output) -> None:
        super().__init__(mark=mark, on_output=output.out.add)
        self._output = output

    @property
    @override
    def term_grace_s(self) -> float:
        return TERM_GRACE_S

    @override
    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._output.add(fd, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Starts the calls of one run."""

    folder: OpenFolder
    environment: Mapping[str, str]
    given: bytes
    """On standard input."""
    records: ProcessRecords
    stop: asyncio.Event
    output: Output
    umask: int = -1
    """For the files that they make; -1: as relay-connect has it."""
    is_shell: bool = False
    """See `Command`."""

    async def call(self, argv: Sequence[str], *, deadline: float) -> CallEnded:
        """Run a program to its end, or until the loop's time is `deadline` or `stop` is set. Raises `START_ERRORS`.

        What it leaves running is ended with it.
        """
        command = Command(
            argv=argv,
            env=self.environment,
            cwd=self.folder.path,
            folder=self.folder.descriptor,
            umask=self.umask,
            is_shell=self.is_shell,
        )
        process = await start_process(command, records=self.records, make=partial(_CalledProcess, output=self.output))
        try:
            process.write(self.given)
            process.end_input()
            await self._until_over(process, deadline)
            over = process.exited.is_set()
            stopped = not over and self.stop.is_set()
            await end_process(process, records=self.records, eof_grace_s=0)
        except BaseException:
            process.kill()
            raise
        return CallEnded(exit_code=process.returncode, overdue=not over and not stopped, stopped=stopped)

    async def _until_over(self, process: AgentProcess, deadline: float) -> None:
        waits = [asyncio.ensure_future(each.wait()) for each in (process.exited, self.stop)]
        left = deadline - asyncio.get_running_loop().time()
        try:
            await asyncio.wait(waits, timeout=max(0.0, left), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
