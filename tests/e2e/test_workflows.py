"""Workflows as people run them: a file, a broker, a machine with demo agents, and the command that shows the end."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.person import person_at
from tests.fixtures.processes import START_S, Running, environment, linked_environment, machine, up

LIVES_S = 2 * START_S
FILES = Path(__file__).parents[1] / "fixtures" / "workflows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A broker, and a shell that speaks to it."""

    broker: Running
    folder: Path

    async def relaycast(self, *arguments: str) -> tuple[int | None, str]:
        """A command's exit code, and what it prints."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "broker.cli", "workflow", *arguments),
            env=linked_environment(self.broker, self.folder),
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(LIVES_S):
            out, _ = await process.communicate()
        return process.returncode, out.decode()

    async def shown(self, *arguments: str) -> Any:
        """The JSON document that a command prints."""
        _, out = await self.relaycast(*arguments, "--json")
        return json.loads(out)

    async def allow(self, file: str) -> None:
        """At the machine, its owner allows the file's commands."""
        argv = [sys.executable, "-m", "connect.cli", "--state-dir", str(self.folder / "machine")]
        async with person_at(
            [*argv, "workflow", "allow", file], env=environment(self.folder), cwd=self.folder, seconds=LIVES_S
        ) as owner:
            await owner.sees("Allow exactly this?")
            owner.types("y\r")
            await owner.sees("may run here")

    def file(self, text: str) -> str:
        """A file that has that."""
        path = self.folder / "relay.yaml"
        path.write_text(text)
        return str(path)


def a_file(steps: Sequence[str], *, agents: Sequence[str] = ("A",), more: str = "", swarm: str = "") -> str:
    """A workflow of steps that are given as flow mappings; its agents are demo agents that work without talking."""
    listed = "\n".join(f"  - {{ name: {each}, cli: demo, preset: worker }}" for each in agents)
    written = "\n".join(f"      - {{ {each} }}" for each in steps)
    return (
        f'version: "1.0"\nname: t\nswarm: {{ pattern: dag{swarm} }}\nagents:\n{listed}\n'
        f"workflows:\n  - name: t\n    steps:\n{written}\n{more}"
    )


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(up(tmp_path))
        await stack.enter_async_context(machine(tmp_path, broker.url, Path(broker.ready["token_file"])))
        yield Place(broker=broker, folder=tmp_path)


async def test_a_workflow_of_one_agent_is_run_to_its_end_and_says_what_came_of_it(place: Place) -> None:
    file = place.file(a_file(['name: hello, agent: A, task: "say hello to {{ whom }}"'], more="vars: { whom: you }\n"))
    status, said = await place.relaycast("run", file, "--var", "whom=everybody")
    assert status == 0, said
    assert "✓ hello (A): completed" in said
    (run,) = (await place.shown("list"))["runs"]
    assert (run["state"], run["vars"]) == ("completed", {"whom": "everybody"})
    assert "hello to everybody" in (await place.relaycast("logs", run["id"]))[1]


async def test_commands_wait_for_their_machines_owner_and_then_feed_each_other(place: Place) -> None:
    file = place.file((FILES / "hello.yaml").read_text())
    status, said = await place.relaycast("run", file)
    assert status == 75, said
    assert "relay-connect workflow" in said
    (run,) = (await place.shown("list"))["runs"]
    assert run["state"] == "needs_human"

    await place.allow(file)
    status, said = await place.relaycast("retry", run["id"], "greet")
    assert status == 0, said
    output = (await place.relaycast("logs", run["id"], "--step", "shout"))[1]
    assert output == "GOOD MORNING\nMARK=OK\n"
