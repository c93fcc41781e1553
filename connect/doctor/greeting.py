"""Starts an agent of the Agent Client Protocol for a moment, in an empty folder, to hear whether it speaks it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from broker import __version__
from broker.protocol.acp.greeting import AcpGreeting, Greeted
from connect.machine.agent_programs import FoundCli
from connect.machine.processes import START_ERRORS, AgentProcess, Command, ProcessStuck, end_process, start_process
from connect.system.process_records import ProcessRecords

_GREETING_S = 20.0
"""For the answers; those known measured 0.5 to 5 s on an idle machine."""
_EOF_GRACE_S = 0.3
_LAST_WORDS = 200


async def greet(cli: FoundCli, *, environment: Mapping[str, str], begin: bool) -> Greeted:
    """Say hello to an agent, and with `begin` open a conversation; it is gone with all it has started on return."""
    with (
        tempfile.TemporaryDirectory(prefix="relay-connect-") as empty,
        tempfile.TemporaryDirectory(prefix="relay-connect-") as records,
    ):
        command = Command(argv=cli.command, env={**environment, **cli.env}, cwd=Path(empty))
        greeting = AcpGreeting(client_version=__version__, cwd=empty if begin else None)
        return await _Visit(command, greeting).run(ProcessRecords(Path(records)))


class _Visit:
    """One process and the words with it."""

    def __init__(self, command: Command, greeting: AcpGreeting) -> None:
        self._command = command
        self._greeting = greeting
        self._process: AgentProcess | None = None
        self._early = b""
        self._done = asyncio.Event()

    async def run(self, records: ProcessRecords) -> Greeted:
        try:
            process = await start_process(
                self._command, records=records, make=lambda *, mark: AgentProcess(mark=mark, on_output=self._hear)
            )
        except START_ERRORS as error:
            return Greeted(refusal=f"it cannot be started ({getattr(error, 'strerror', None) or error})")
        try:
            self._process = process
            process.write(self._greeting.start())
            self._hear(b"")
            return await self._answer(process)
        finally:
            await end_process(process, records=records, eof_grace_s=_EOF_GRACE_S)

    async def _answer(self, process: AgentProcess) -> Greeted:
        ended = asyncio.ensure_future(process.exited.wait())
        done = asyncio.ensure_future(self._done.wait())
        try:
            await asyncio.wait({ended, done}, timeout=_GREETING_S, return_when=asyncio.FIRST_COMPLETED)
            if done.done() or self._greeting.greeted:
                return self._greeting.end()
            if ended.done():
                return Greeted(refusal=f"it ended with status {process.returncode}{_last_words(process)}")
            return Greeted(refusal=f"it gave no answer to `initialize` in {_GREETING_S:.0f} s")
        finally:
            ended.cancel()
            done.cancel()

    def _hear(self, data: bytes) -> None:
        """What it says may come before its start has returned."""
        if self._process is None:
            self._early += data
            return
        heard, self._early = self._early + data, b""
        try:
            self._process.write(self._greeting.receive(heard))
        except ProcessStuck:
            self._done.set()
        if self._greeting.result is not None:
            self._done.set()


def _last_words(process: AgentProcess) -> str:
    lines = process.stderr_tail.strip().splitlines()
    return f": {lines[-1][:_LAST_WORDS]}" if lines else ""
