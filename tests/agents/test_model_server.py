"""The model server streams what each vendor's client library expects, without any CLI."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.agents.model_server import ModelServer
from tests.agents.script import CallTool, CallTools, Fail, Hang, JsonObject, Say, ToolNotOfferedError

_ANTHROPIC: JsonObject = {
    "model": "claude-mock",
    "stream": True,
    "system": [{"type": "text", "text": "You are alice."}],
    "messages": [{"role": "user", "content": "build"}],
    "tools": [{"name": "Bash", "input_schema": {}}, {"name": "mcp__relay__relay_send", "input_schema": {}}],
}
_OPENAI: JsonObject = {
    "model": "mock-model",
    "stream": True,
    "instructions": "You are alice.",
    "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "build"}]}],
    "tools": [
        {"type": "function", "name": "exec_command"},
        {"type": "namespace", "name": "mcp__relay", "tools": [{"type": "function", "name": "relay_send"}]},
    ],
}
_GEMINI: JsonObject = {
    "systemInstruction": {"parts": [{"text": "You are alice."}]},
    "contents": [{"role": "user", "parts": [{"text": "build"}]}],
    "tools": [{"functionDeclarations": [{"name": "run_shell_command"}, {"name": "mcp_relay_relay_send"}]}],
}
_CASES = [
    ("/v1/messages?beta=true", _ANTHROPIC),
    ("/v1/responses", _OPENAI),
    ("/v1beta/models/gemini-mock:streamGenerateContent?alt=sse", _GEMINI),
]


@pytest.fixture
async def client(model: ModelServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=model.url, trust_env=False) as client:
        yield client


def _events(answer: httpx.Response) -> list[JsonObject]:
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]


async def test_claude_gets_a_text_block_and_a_tool_block(model: ModelServer, client: httpx.AsyncClient) -> None:
    model.script = lambda _: CallTool("shell", {"command": "ls"}, text="I look around.")

    events = _events(await client.post("/v1/messages?beta=true", json=_ANTHROPIC))

    kinds = [event["type"] for event in events]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert [event["index"] for event in events if event["type"] == "content_block_start"] == [0, 1]
    assert [event["index"] for event in events if event["type"] == "content_block_stop"] == [0, 1]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(delta.get("text", "") for delta in deltas) == "I look around."
    assert json.loads(deltas[-1]["partial_json"]) == {"command": "ls"}
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


async def test_codex_gets_a_message_item_and_a_call_in_its_namespace(
    model: ModelServer, client: httpx.AsyncClient
) -> None:
    model.script = lambda _: CallTool("relay_send", {"to": "bob"}, text="I tell bob.")

    events = _events(await client.post("/v1/responses", json=_OPENAI))

    assert events[0]["type"] == "response.created"
    message, call = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert message["content"][0]["text"] == "I tell bob."
    assert (call["type"], call["namespace"], call["name"]) == ("function_call", "mcp__relay", "relay_send")
    assert json.loads(call["arguments"]) == {"to": "bob"}
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["output"] == [message, call]
    assert events[-1]["response"]["usage"]["total_tokens"] == 15


async def test_gemini_gets_chunks_and_the_last_one_says_stop(model: ModelServer, client: httpx.AsyncClient) -> None:
    model.script = lambda _: CallTools((CallTool("relay_send", {"to": "bob"}), CallTool("shell", {"command": "ls"})))

    chunks = _events(await client.post(_CASES[2][0], json=_GEMINI))

    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    assert calls == [
        {"name": "mcp_relay_relay_send", "args": {"to": "bob"}},
        {"name": "run_shell_command", "args": {"command": "ls"}},
    ]
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize(("path", "body"), _CASES)
async def test_the_script_sees_the_same_request_from_every_vendor(
    model: ModelServer, client: httpx.AsyncClient, path: str, body: JsonObject
) -> None:
    _events(await client.post(path, json=body))

    (request,) = model.turns_started_by("build")
    assert (request.system, request.prompt) == ("You are alice.", "build")
    assert len(request.tools) == 2


@pytest.mark.parametrize(("path", "body"), _CASES)
async def test_a_scripted_failure_is_the_http_status(
    model: ModelServer, client: httpx.AsyncClient, path: str, body: JsonObject
) -> None:
    model.script = lambda _: Fail(503, "busy")

    answer = await client.post(path, json=body)

    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == "busy"


@pytest.mark.parametrize(("path", "body"), _CASES)
async def test_a_hanging_answer_streams_its_text_and_waits(
    model: ModelServer, client: httpx.AsyncClient, path: str, body: JsonObject
) -> None:
    release = asyncio.Event()
    model.script = lambda _: Hang(release, text="Thinking", then=Say("done"))

    async with asyncio.timeout(5), client.stream("POST", path, json=body) as answer:
        received = ""
        async for line in answer.aiter_lines():
            received += line
            if "Thinking" in line and not release.is_set():
                assert "done" not in received
                release.set()
    assert "done" in received


async def test_a_stream_left_hanging_does_not_hold_up_the_server() -> None:
    async with asyncio.timeout(5), ModelServer(lambda _: Hang(asyncio.Event())) as server:
        client = httpx.AsyncClient(base_url=server.url, trust_env=False)
        asking = asyncio.create_task(client.post(_CASES[0][0], json=_ANTHROPIC))
        await server.wait_until_asked(lambda request: request.starts_turn)
        asking.cancel()
        await asyncio.wait([asking])
        await client.aclose()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", _ANTHROPIC | {"tools": [], "stream": False}),
        ("/v1beta/models/gemini-mock:generateContent", _GEMINI | {"tools": []}),
    ],
)
async def test_questions_agents_ask_for_themselves_do_not_reach_the_script(
    model: ModelServer, client: httpx.AsyncClient, path: str, body: JsonObject
) -> None:
    answer = await client.post(path, json=body)

    assert answer.status_code == 200
    assert "ok" in answer.text
    assert model.requests == []
    assert len(model.side_requests) == 1


async def test_a_question_with_a_schema_is_answered_in_its_shape(client: httpx.AsyncClient) -> None:
    schema = {"type": "OBJECT", "properties": {"next": {"type": "STRING", "enum": ["user", "model"]}}}
    body = _GEMINI | {"generationConfig": {"responseMimeType": "application/json", "responseSchema": schema}}

    answer = await client.post("/v1beta/models/gemini-mock:generateContent", json=body)

    text = answer.json()["candidates"][0]["content"]["parts"][0]["text"]
    assert json.loads(text) == {"next": "user"}


async def test_a_wrong_script_fails_the_test_that_gave_it() -> None:
    with pytest.raises(ToolNotOfferedError):
        async with (
            ModelServer(lambda _: CallTool("no_such_tool")) as server,
            httpx.AsyncClient(trust_env=False) as http,
        ):
            answer = await http.post(server.url + "/v1/responses", json=_OPENAI)
            assert answer.status_code == 400
