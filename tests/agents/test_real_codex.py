"""Codex's app-server itself, alone on its pipes, against the model server."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.protocol.codex.requests import PendingApproval, approval_requested
from broker.protocol.jsonrpc import PeerRequest
from tests.agents.cli_environment import codex_environment
from tests.agents.model_server import ModelServer
from tests.agents.relay_tools import TOKEN, RelayTools, SentMessage
from tests.agents.script import CallTool, Hang, JsonObject, Say, in_order
from tests.agents.stdio_agent import StdioAgent, started

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

_ASK_FOR_EVERYTHING = {"approvalPolicy": "untrusted", "sandbox": "read-only"}


async def _call(agent: StdioAgent, number: int, *, method: str, params: JsonObject) -> JsonObject:
    await agent.send({"id": number, "method": method, "params": params})
    answer = await agent.receive(lambda frame: frame.get("id") == number and "method" not in frame)
    result: JsonObject = answer["result"]
    return result


async def _initialize(agent: StdioAgent) -> None:
    client = {"name": "relay-connect", "title": "Relaycast", "version": "0"}
    # thread/turns/list belongs to the experimental part of the protocol.
    capabilities = {"experimentalApi": True}
    await _call(agent, 1, method="initialize", params={"clientInfo": client, "capabilities": capabilities})
    await agent.send({"method": "initialized"})


async def _start_thread(agent: StdioAgent, project: Path, **options: object) -> str:
    await _initialize(agent)
    parameters = {"cwd": str(project), **_ASK_FOR_EVERYTHING, **options}
    answer = await _call(agent, 2, method="thread/start", params=parameters)
    return str(answer["thread"]["id"])


def _prompt(thread: str, text: str, *, client_id: str) -> JsonObject:
    return {"threadId": thread, "input": [{"type": "text", "text": text}], "clientUserMessageId": client_id}


async def test_a_prompt_is_answered_and_an_allowed_command_runs(
    model: ModelServer, installed: Callable[[str], Path], tmp_path: Path
) -> None:
    model.script = in_order(CallTool("shell", {"command": "touch made.txt && echo ran"}), Say("Made."))
    environment = codex_environment(installed("codex"), folder=tmp_path, model_url=model.url)

    async with asyncio.timeout(30), started(environment, ["app-server"]) as agent:
        thread = await _start_thread(agent, environment.project)
        prompt = _prompt(thread, "make a file", client_id="message-1")
        await _call(agent, 3, method="turn/start", params=prompt)
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


async def test_a_relay_tool_is_called_unasked(
    model: ModelServer, relay: RelayTools, installed: Callable[[str], Path], tmp_path: Path
) -> None:
    model.script = in_order(CallTool("relay_send", {"to": "bob", "text": "hi"}), Say("Sent."))
    environment = codex_environment(installed("codex"), folder=tmp_path, model_url=model.url)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    server = {"url": relay.url, "http_headers": headers, "default_tools_approval_mode": "approve"}

    async with asyncio.timeout(30), started(environment, ["app-server"]) as agent:
        thread = await _start_thread(agent, environment.project, config={"mcp_servers.relay": server})
        await _call(agent, 3, method="turn/start", params=_prompt(thread, "tell bob", client_id="message-1"))
        await agent.receive(lambda frame: frame.get("method") == "turn/completed")

    assert not [frame for frame in agent.frames if "id" in frame and "method" in frame]
    assert relay.sent == [SentMessage(to="bob", text="hi")]


async def test_a_turn_cut_off_by_a_kill_is_listed_with_the_clients_message_id(
    model: ModelServer, installed: Callable[[str], Path], tmp_path: Path
) -> None:
    environment = codex_environment(installed("codex"), folder=tmp_path, model_url=model.url)
    model.script = lambda _: Hang(asyncio.Event())
    async with asyncio.timeout(30), started(environment, ["app-server"]) as agent:
        thread = await _start_thread(agent, environment.project)
        await _call(agent, 3, method="turn/start", params=_prompt(thread, "build the API", client_id="message-1"))
        await model.wait_until_asked(lambda request: request.starts_turn)
        await agent.kill()

    async with asyncio.timeout(30), started(environment, ["app-server"]) as agent:
        await _initialize(agent)
        await _call(agent, 2, method="thread/resume", params={"threadId": thread, "excludeTurns": True})
        page = {"threadId": thread, "limit": 1, "itemsView": "full"}
        listed = await _call(agent, 3, method="thread/turns/list", params=page)

    (turn,) = listed["data"]
    assert turn["status"] == "interrupted"
    assert [item["clientId"] for item in turn["items"]] == ["message-1"]


async def test_a_question_of_plan_mode_is_read_and_its_answer_reaches_the_model(
    model: ModelServer, installed: Callable[[str], Path], tmp_path: Path
) -> None:
    """Its tool for questions is there in Plan mode alone, which `turn/start` can ask for."""
    options = [{"label": "SQLite", "description": "a file"}, {"label": "Postgres", "description": "a server"}]
    question = {"id": "db", "header": "DB", "question": "Which database?", "options": options}
    model.script = in_order(CallTool("request_user_input", {"questions": [question]}), Say("Planned."))
    environment = codex_environment(installed("codex"), folder=tmp_path, model_url=model.url)

    async with asyncio.timeout(60), started(environment, ["app-server"]) as agent:
        thread = await _start_thread(agent, environment.project)
        plan = {"mode": "plan", "settings": {"model": "mock-model"}}
        prompt = {**_prompt(thread, "plan it", client_id="message-1"), "collaborationMode": plan}
        await _call(agent, 3, method="turn/start", params=prompt)
        asked = await agent.receive(lambda frame: frame.get("method") == "item/tool/requestUserInput")
        request = PeerRequest(id=asked["id"], method=asked["method"], params=asked["params"])
        event = approval_requested("1", request, changes={})
        assert event is not None
        (read,) = event.prompts
        answer = ApprovalAnswer(verdict=Verdict.ALLOW, answers={read.id: ["Postgres"]})
        result = PendingApproval(request=request, thread=thread, prompts=event.prompts).result(answer)
        await agent.send({"id": asked["id"], "result": result})
        await agent.receive(lambda frame: frame.get("method") == "turn/completed")

    assert (read.text, [choice.label for choice in read.choices]) == ("Which database?", ["SQLite", "Postgres"])
    assert "Postgres" in model.requests[-1].tool_results[-1].text
