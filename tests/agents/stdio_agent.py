"""One real CLI as a child process that speaks a JSON object per line."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from typing import cast

from tests.agents.cli_environment import CliEnvironment
from tests.agents.script import JsonObject

_LINE_LIMIT = 16 * 1024 * 1024
"""Claude's answer to `initialize` alone is far beyond asyncio's default line limit of 64 KiB."""


class StdioAgent:
    """Sends frames to one CLI and remembers all it wrote; `frames` is in the order of arrival."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.frames: list[JsonObject] = []
        self._arrived = asyncio.Condition()
        self._ended = False

    async def send(self, frame: JsonObject) -> None:
        """Write one frame."""
        stdin = self.process.stdin
        if stdin is None:
            raise RuntimeError("the process was started without a stdin pipe")
        stdin.write(json.dumps(frame).encode() + b"\n")
        await stdin.drain()

    async def receive(self, matches: Callable[[JsonObject], bool], *, after: int = 0) -> JsonObject:
        """Wait for a frame that matches, looking at the frames from index `after` on."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self._ended or self._matching(matches, after))
        found = self._matching(matches, after)
        if not found:
            raise EOFError(f"the agent ended without the expected frame; its last ones: {self.frames[-3:]}")
        return found[0]

    async def end(self) -> int:
        """Close stdin, as a host does that is done, and return the exit code."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        return await self.process.wait()

    async def kill(self) -> None:
        """End the process and its children the hard way, as a crash of the machine would."""
        _kill_group(self.process.pid)
        await self.process.wait()

    async def read(self) -> None:
        """Collect frames until the process closes its stdout."""
        stdout = self.process.stdout
        if stdout is None:
            raise RuntimeError("the process was started without a stdout pipe")
        async for line in stdout:
            async with self._arrived:
                self.frames.append(cast(JsonObject, json.loads(line)))
                self._arrived.notify_all()
        async with self._arrived:
            self._ended = True
            self._arrived.notify_all()

    def _matching(self, matches: Callable[[JsonObject], bool], after: int) -> list[JsonObject]:
        return [frame for frame in self.frames[after:] if matches(frame)]


@contextlib.asynccontextmanager
async def started(environment: CliEnvironment, arguments: Sequence[str]) -> AsyncIterator[StdioAgent]:
    """Run a CLI in its own process group, and kill what is left of the group in the end."""
    log = environment.home / "stderr.log"
    with log.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            str(environment.executable),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env=environment.variables,
            cwd=environment.project,
            start_new_session=True,
            limit=_LINE_LIMIT,
        )
    agent = StdioAgent(process)
    reader = asyncio.create_task(agent.read())
    try:
        yield agent
    finally:
        await agent.kill()
        await reader


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
