"""Gemini CLI itself over the Agent Client Protocol, alone on its pipes, against the model server."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agents.cli_environment import gemini_environment
from tests.agents.model_server import ModelServer
from tests.agents.script import CallTool, JsonObject, Say, in_order
from tests.agents.stdio_agent import StdioAgent, started

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]


async def _call(agent: StdioAgent, number: int, *, method: str, params: JsonObject) -> None:
    await agent.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


async def _answer(agent: StdioAgent, number: int) -> JsonObject:
    answer = await agent.receive(lambda frame: frame.get("id") == number and "method" not in frame)
    result: JsonObject = answer["result"]
    return result


async def _start_session(agent: StdioAgent, project: Path) -> str:
    capabilities = {"fs": {"readTextFile": False, "writeTextFile": False}}
    client = {"protocolVersion": 1, "clientCapabilities": capabilities}
    await _call(agent, 1, method="initialize", params=client)
    await _answer(agent, 1)
    await _call(agent, 2, method="session/new", params={"cwd": str(project), "mcpServers": []})
    return str((await _answer(agent, 2))["sessionId"])


async def test_a_prompt_is_answered_and_an_allowed_command_runs(
    model: ModelServer, installed: Callable[[str], Path], tmp_path: Path
) -> None:
    model.script = in_order(CallTool("shell", {"command": "touch made.txt"}), Say("Made."))
    environment = gemini_environment(installed("gemini"), folder=tmp_path, model_url=model.url)

    async with asyncio.timeout(45), started(environment, ["--acp", "--skip-trust"]) as agent:
        session = await _start_session(agent, environment.project)
        prompt = {"sessionId": session, "prompt": [{"type": "text", "text": "make a file"}]}
        await _call(agent, 3, method="session/prompt", params=prompt)
        asked = await agent.receive(lambda frame: frame.get("method") == "session/request_permission")
        assert not (environment.project / "made.txt").exists()
        (once,) = [option["optionId"] for option in asked["params"]["options"] if option["kind"] == "allow_once"]
        outcome = {"outcome": {"outcome": "selected", "optionId": once}}
        await agent.send({"jsonrpc": "2.0", "id": asked["id"], "result": outcome})
        assert (await _answer(agent, 3))["stopReason"] == "end_turn"
        assert await agent.end() == 0

    assert (environment.project / "made.txt").exists()
    updates = [frame["params"]["update"] for frame in agent.frames if frame.get("method") == "session/update"]
    chunks = [update["content"]["text"] for update in updates if update["sessionUpdate"] == "agent_message_chunk"]
    assert "".join(chunks) == "Made."
    assert len(model.turns_started_by("make a file")) == 1
