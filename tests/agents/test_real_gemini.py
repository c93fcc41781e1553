"""Gemini CLI itself over the Agent Client Protocol, alone on its pipes, against the model server."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agents.cli_environment import gemini_environment
from tests.agents.model_server import ModelServer
from tests.agents.relay_tools import TOKEN, RelayTools, SentMessage
from tests.agents.script import CallTool, JsonObject, Say, in_order
from tests.agents.stdio_agent import StdioAgent, started

# mcpName alone does not match in 0.61.0, whatever its documentation says: toolName must be there too.
_RELAY_POLICY = """\
[[rule]]
mcpName = "relay"
toolName = "*"
decision = "allow"
priority = 900
"""

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]


async def _call(agent: StdioAgent, number: int, *, method: str, params: JsonObject) -> None:
    await agent.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


async def _answer(agent: StdioAgent, number: int) -> JsonObject:
    answer = await agent.receive(lambda frame: frame.get("id") == number and "method" not in frame)
    result: JsonObject = answer["result"]
    return result


async def _start_session(agent: StdioAgent, project: Path, *servers: JsonObject) -> str:
    capabilities = {"fs": {"readTextFile": False, "writeTextFile": False}}
    client = {"protocolVersion": 1, "clientCapabilities": capabilities}
    await _call(agent, 1, method="initialize", params=client)
    await _answer(agent, 1)
    await _call(agent, 2, method="session/new", params={"cwd": str(project), "mcpServers": servers})
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


async def test_a_policy_file_lets_a_relay_tool_be_called_unasked(
    model: ModelServer, relay: RelayTools, installed: Callable[[str], Path], tmp_path: Path
) -> None:
    model.script = in_order(CallTool("relay_send", {"to": "bob", "text": "hi"}), Say("Sent."))
    environment = gemini_environment(installed("gemini"), folder=tmp_path, model_url=model.url)
    policy = environment.home / "relay-policy.toml"
    policy.write_text(_RELAY_POLICY)
    headers = [{"name": "Authorization", "value": f"Bearer {TOKEN}"}]
    server = {"type": "http", "name": "relay", "url": relay.url, "headers": headers}

    arguments = ["--acp", "--skip-trust", f"--policy={policy}"]
    async with asyncio.timeout(45), started(environment, arguments) as agent:
        session = await _start_session(agent, environment.project, server)
        prompt = {"sessionId": session, "prompt": [{"type": "text", "text": "tell bob"}]}
        await _call(agent, 3, method="session/prompt", params=prompt)
        assert (await _answer(agent, 3))["stopReason"] == "end_turn"

    assert not [frame for frame in agent.frames if frame.get("method") == "session/request_permission"]
    assert relay.sent == [SentMessage(to="bob", text="hi")]
