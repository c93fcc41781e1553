"""A machine with its own state and configuration, at which people type and programs run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from connect.control.client import ask_state, stop
from connect.policy.folders import real_folder
from connect.sdk import AgentRelay
from tests.fixtures.person import Person, person_at
from tests.fixtures.processes import START_S, Running, linked_environment

LIVES_S = 45.0
SCRIPTED = [sys.executable, str(Path(__file__).parents[1] / "fixtures" / "scripted_acp_agent.py")]
CONFIG = f"""
[agents.claude]
command = {json.dumps(SCRIPTED)}
dialect = "acp"
any_version = true

[agents.scripted]
command = {json.dumps(SCRIPTED)}
"""
_PROGRAM = """
import asyncio, sys
from connect.sdk import AgentRelay
async def main():
    async with AgentRelay() as relay:
        agent = await relay.spawn(*sys.argv[1:3], cwd=sys.argv[3] if sys.argv[3:] else None)
        print(agent.machine, agent.cwd)
asyncio.run(main())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One machine: its name and what it keeps."""

    broker: Running
    home: Path

    @property
    def state_dir(self) -> Path:
        return self.home / "state"

    @property
    def environment(self) -> dict[str, str]:
        return linked_environment(self.broker, self.home, RELAYCAST_NAME=self.home.name)

    def folder(self, name: str) -> Path:
        made = self.home / name
        made.mkdir(exist_ok=True)
        return made

    def person(
        self, folder: str, *arguments: str, rows: int = 40, columns: int = 200
    ) -> AbstractAsyncContextManager[Person]:
        argv = [sys.executable, "-m", "connect.cli", *arguments]
        return person_at(
            argv, env=self.environment, cwd=self.folder(folder), seconds=LIVES_S, rows=rows, columns=columns
        )

    async def program(self, folder: str, *arguments: str) -> str:
        """What an SDK program that was started there prints."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _PROGRAM, *arguments),
            env=self.environment,
            cwd=self.folder(folder),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(LIVES_S):
            said, _ = await process.communicate()
        return said.decode().strip()


@contextlib.asynccontextmanager
async def a_box(broker: Running, folder: Path, name: str, *, config: str = CONFIG) -> AsyncIterator[Box]:
    home = real_folder(folder) / name
    home.mkdir()
    (home / "relay-connect.toml").write_text(config)
    box = Box(broker=broker, home=home)
    try:
        yield box
    finally:
        await stop(box.state_dir, now=True, on_notice=lambda _: None)


async def until_left(box: Box, terminals: int) -> None:
    async with asyncio.timeout(START_S):
        while (state := await ask_state(box.state_dir)) is None or len(state.terminals) > terminals:
            await asyncio.sleep(0.02)


async def said(relay: AgentRelay, agent: str, text: str) -> str:
    sent = await relay.send(agent, text)
    return (await relay.wait_for(sent.message_id, timeout_s=LIVES_S)).deliveries[0].answer or ""
