"""Codex's app-server itself, alone on its pipes, against the model server."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agents.cli_environment import codex_environment
from tests.agents.model_server import ModelServer
from tests.agents.script import CallTool, JsonObject, Say, in_order
from tests.agents.stdio_agent import StdioAgent, started

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

_ASK_FOR_EVERYTHING = {"approvalPolicy": "untrusted", "sandbox": "read-only"}


async def _call(agent: StdioAgent, number: int, *, method: str, params: JsonObject) -> JsonObject:
    await agent.send({"id": number, "method": method, "params": params})
    answer = await agent.receive(lambda frame: frame.get("id") == number and "method" not in frame)
    result: JsonObject = answer["result"]
    return result


async def _start_thread(agent: StdioAgent, project: Path) -> str:
    client = {"clientInfo": {"name": "relay-connect", "title": "Relaycast", "version": "0"}}
    await _call(agent, 1, method="initialize", params=client)
    await agent.send({"method": "initialized"})
    answer = await _call(agent, 2, method="thread/start", params={"cwd": str(project), **_ASK_FOR_EVERYTHING})
    return str(answer["thread"]["id"])


async def test_a_prompt_is_answered_and_an_allowed_command_runs(
    model: ModelServer, installed: Callable[[str], Path], tmp_path: Path
) -> None:
    model.script = in_order(CallTool("shell", {"command": "touch made.txt && echo ran"}), Say("Made."))
    environment = codex_environment(installed("codex"), folder=tmp_path, model_url=model.url)

    async with asyncio.timeout(30), started(environment, ["app-server"]) as agent:
        thread = await _start_thread(agent, environment.project)
        prompt = {"input": [{"type": "text", "text": "make a file"}], "clientUserMessageId": "message-1"}
        await _call(agent, 3, method="turn/start", params={"threadId": thread, **prompt})
        asked = await agent.receive(lambda frame: str(frame.get("method")).endswith("requestApproval"))
        assert not (environment.project / "made.txt").exists()
        await agent.send({"id": asked["id"], "result": {"decision": "accept"}})
        completed = await agent.receive(lambda frame: frame.get("method") == "turn/completed")
        assert await agent.end() == 0

    assert completed["params"]["turn"]["status"] == "completed"
    items = [frame["params"]["item"] for frame in agent.frames if frame.get("method") == "item/completed"]
    assert [item["clientId"] for item in items if item["type"] == "userMessage"] == ["message-1"]
    assert [item["aggregatedOutput"] for item in items if item["type"] == "commandExecution"] == ["ran\n"]
    assert items[-1]["text"] == "Made."
    assert len(model.turns_started_by("make a file")) == 1
