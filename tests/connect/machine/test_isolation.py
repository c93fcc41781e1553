"""Nothing that one agent is told or does ends another agent, or the machine: shown on the program as it is started."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from broker.domain.ids import AgentId, MessageId, SessionId
from broker.protocol.agents.events import TurnEnded
from broker.protocol.proxy import Deliver, Exited, Spawn, StateChanged
from tests.connect.program import environment_for, relay_connect
from tests.connect.scripted_broker import PERSON, ScriptedBroker, scripted_broker

BYSTANDER = AgentId("bystander")
BAD = AgentId("bad")


@pytest.fixture
async def broker() -> AsyncGenerator[ScriptedBroker]:
    async with scripted_broker() as broker:
        yield broker


def spawn(agent: AgentId, *, cli: str = "scripted", cwd: str | None = None, model: str | None = None) -> Spawn:
    return Spawn(
        agent=agent,
        generation=1,
        name=str(agent),
        session=SessionId("s1"),
        cli=cli,
        cwd=cwd,
        model=model,
        asked_by=PERSON,
    )


async def says(broker: ScriptedBroker, text: str) -> None:
    """The bystander still answers."""
    message = Deliver(agent=BYSTANDER, generation=1, message_id=MessageId(text), text=f"say {text}")
    await broker.command(message)
    await broker.report(StateChanged, lambda r: isinstance(r.event, TurnEnded) and r.event.text == text)


def _claude_double(folder: Path) -> str:
    program = folder / "claude-double"
    program.write_text("#!/bin/sh\nexec cat\n")
    program.chmod(0o755)
    (folder / "relay-connect.toml").write_text(
        f'[agents.claude-double]\ncommand = ["{program}"]\ndialect = "claude"\nany_version = true\n'
    )
    return "claude-double"


@pytest.mark.parametrize(
    ("cwd", "reason", "words"),
    [
        ("~nosuchuser/x", "CWD_UNUSABLE", "home directory"),
        ("/" + "a" * 300, "CWD_UNUSABLE", "File name too long"),
        ("a\0b", "CWD_UNUSABLE", "null"),
        ("/proc/self/mem", "CWD_MISSING", "is not a folder"),
        ("/dev/null/x", "CWD_MISSING", "is not a folder"),
    ],
    ids=["unknown-user", "too-long", "nul", "file", "below-a-file"],
)
async def test_a_folder_that_cannot_be_used_ends_that_agent_alone(
    broker: ScriptedBroker, tmp_path: Path, cwd: str, reason: str, words: str
) -> None:
    async with relay_connect(environment_for(broker, tmp_path)):
        await broker.command(spawn(BYSTANDER))
        await says(broker, "before")
        await broker.command(spawn(BAD, cwd=cwd))
        exited = await broker.report(Exited)
        await says(broker, "after")
    assert (exited.agent, exited.reason, exited.expected) == (BAD, reason, False)
    assert words in exited.detail


async def test_an_argument_that_no_process_can_have_ends_that_agent_alone(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    cli = _claude_double(tmp_path)
    async with relay_connect(environment_for(broker, tmp_path)):
        await broker.command(spawn(BYSTANDER))
        await says(broker, "before")
        await broker.command(spawn(BAD, cli=cli, model="opus\0"))
        exited = await broker.report(Exited)
        await says(broker, "after")
    assert (exited.agent, exited.reason) == (BAD, "SPAWN_FAILED")
    assert "null byte" in exited.detail


async def test_no_room_for_its_private_files_ends_that_agent_alone(broker: ScriptedBroker, tmp_path: Path) -> None:
    async with relay_connect(environment_for(broker, tmp_path)):
        await broker.command(spawn(BYSTANDER))
        await says(broker, "before")
        private = tmp_path / "state" / "agents"
        shutil.rmtree(private)
        private.write_text("in the way")
        await broker.command(spawn(BAD))
        exited = await broker.report(Exited)
        await says(broker, "after")
    assert (exited.agent, exited.reason) == (BAD, "SPAWN_FAILED")
    assert "its files could not be put into" in exited.detail


async def test_an_agent_that_prints_only_why_it_leaves_is_reported_with_those_words(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    script = f"{sys.executable} -c \"print('Please log in first'); raise SystemExit(3)\""
    async with relay_connect(environment_for(broker, tmp_path), f"--agent=leaver={script}"):
        await broker.command(spawn(BYSTANDER))
        await says(broker, "before")
        await broker.command(spawn(BAD, cli="leaver"))
        exited = await broker.report(Exited)
        await says(broker, "after")
    assert (exited.reason, exited.code, exited.detail) == ("exited", 3, "Please log in first")
