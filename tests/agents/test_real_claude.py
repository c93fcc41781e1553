"""Claude Code itself, alone on its pipes, against the model server."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.agents.cli_environment import claude_environment
from tests.agents.model_server import ModelServer
from tests.agents.relay_tools import TOKEN, RelayTools, SentMessage
from tests.agents.script import CallTool, Hang, JsonObject, Say, in_order
from tests.agents.stdio_agent import StdioAgent, started

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

_ARGUMENTS = [
    "--print",
    "--verbose",
    "--input-format=stream-json",
    "--output-format=stream-json",
    "--permission-prompt-tool=stdio",
    "--replay-user-messages",
]


def _user(text: str, uuid: str) -> JsonObject:
    message = {"role": "user", "content": text}
    return {"type": "user", "message": message, "parent_tool_use_id": None, "session_id": "", "uuid": uuid}


async def _allow(agent: StdioAgent, asked: JsonObject) -> None:
    decision = {"behavior": "allow", "updatedInput": asked["request"]["input"]}
    response = {"subtype": "success", "request_id": asked["request_id"], "response": decision}
    await agent.send({"type": "control_response", "response": response})


async def test_a_prompt_is_answered_and_an_allowed_command_runs(
    model: ModelServer, installed: Callable[[str], Path], tmp_path: Path
) -> None:
    model.script = in_order(
        CallTool("shell", {"command": "touch made.txt", "description": "make a file"}), Say("Made.")
    )
    environment = claude_environment(installed("claude"), folder=tmp_path, model_url=model.url)

    async with asyncio.timeout(30), started(environment, _ARGUMENTS) as agent:
        await agent.send(_user("make a file", str(uuid4())))
        asked = await agent.receive(lambda frame: frame["type"] == "control_request")
        assert not (environment.project / "made.txt").exists()
        await _allow(agent, asked)
        result = await agent.receive(lambda frame: frame["type"] == "result")
        assert await agent.end() == 0

    assert (result["result"], result["is_error"]) == ("Made.", False)
    assert (environment.project / "made.txt").exists()
    assert len(model.turns_started_by("make a file")) == 1


async def test_the_same_uuid_runs_no_second_turn(
    model: ModelServer, installed: Callable[[str], Path], tmp_path: Path
) -> None:
    environment = claude_environment(installed("claude"), folder=tmp_path, model_url=model.url)
    first, second = str(uuid4()), str(uuid4())

    async with asyncio.timeout(30), started(environment, _ARGUMENTS) as agent:
        for uuid, text in ((first, "hello"), (first, "hello"), (second, "goodbye")):
            await agent.send(_user(text, uuid))
        await agent.receive(lambda frame: frame.get("command_uuid") == second and frame["state"] == "completed")
        assert await agent.end() == 0

    assert len(model.turns_started_by("hello")) == 1


async def test_a_relay_tool_is_called_unasked(
    model: ModelServer, relay: RelayTools, installed: Callable[[str], Path], tmp_path: Path
) -> None:
    model.script = in_order(CallTool("relay_send", {"to": "bob", "text": "hi"}), Say("Sent."))
    environment = claude_environment(installed("claude"), folder=tmp_path, model_url=model.url)
    server = {"type": "http", "url": relay.url, "headers": {"Authorization": f"Bearer {TOKEN}"}, "alwaysLoad": True}
    configuration = environment.home / "mcp.json"
    configuration.write_text(json.dumps({"mcpServers": {"relay": server}}))
    tools = [f"--mcp-config={configuration}", "--strict-mcp-config", "--allowedTools=mcp__relay"]

    async with asyncio.timeout(30), started(environment, [*_ARGUMENTS, *tools]) as agent:
        await agent.send(_user("tell bob", str(uuid4())))
        result = await agent.receive(lambda frame: frame["type"] in ("result", "control_request"))

    assert result["result"] == "Sent."
    assert relay.sent == [SentMessage(to="bob", text="hi")]


async def test_a_turn_cut_off_by_a_kill_goes_on_once_after_resume(
    model: ModelServer, installed: Callable[[str], Path], tmp_path: Path
) -> None:
    environment = claude_environment(installed("claude"), folder=tmp_path, model_url=model.url)
    # Without it the prompt reaches the disk up to 40 ms after the model, and the kill would lose it.
    environment.variables["CLAUDE_CODE_EAGER_FLUSH"] = "1"
    session, uuid = str(uuid4()), str(uuid4())
    model.script = lambda _: Hang(asyncio.Event())
    async with asyncio.timeout(30), started(environment, [*_ARGUMENTS, f"--session-id={session}"]) as agent:
        await agent.send(_user("build the API", uuid))
        await model.wait_until_asked(lambda request: request.starts_turn)
        await agent.kill()

    model.script = in_order(Say("Built."))
    environment.variables["CLAUDE_CODE_RESUME_INTERRUPTED_TURN"] = "1"
    async with asyncio.timeout(30), started(environment, [*_ARGUMENTS, f"--resume={session}"]) as agent:
        await agent.send(_user("build the API", uuid))
        result = await agent.receive(lambda frame: frame["type"] == "result")
        await agent.receive(lambda frame: frame.get("command_uuid") == uuid and frame["state"] == "completed")
        assert await agent.end() == 0

    assert result["result"] == "Built."
    assert len(model.turns_started_by("build the API")) == 1
    assert len(model.requests) == 2
