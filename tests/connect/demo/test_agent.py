"""The demo agent as a process, its tools served by a real MCP server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from tests.connect.api_double import serving

_ID = "0b9a0000-0000-4000-8000-00000000000"
_BEARER = "Bearer at_live_test"


class _Client:
    """The other end of the agent's pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._next_id = 0
        self.session = ""

    def send(self, method: str, params: dict[str, Any], *, expect_answer: bool = True) -> int:
        self._next_id += 1
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        self._stdin.write(json.dumps(message | ({"id": self._next_id} if expect_answer else {})).encode() + b"\n")
        return self._next_id

    def answer(self, number: int, result: dict[str, Any]) -> None:
        self._stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode() + b"\n")

    async def read(self) -> dict[str, Any]:
        line = await self._stdout.readline()
        assert line, "the agent has ended"
        message: dict[str, Any] = json.loads(line)
        return message

    async def until_answer(self, number: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        updates = []
        while (message := await self.read()).get("id") != number or "method" in message:
            updates.append(message["params"].get("update", message))
        return message, updates

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        answer, _ = await self.until_answer(self.send(method, params))
        return answer

    async def open(self, url: str, *, load: str | None = None) -> None:
        await self.ask("initialize", {"protocolVersion": 1})
        server = {
            "type": "http",
            "name": "relay",
            "url": f"{url}/mcp",
            "headers": [{"name": "Authorization", "value": _BEARER}],
        }
        if load is None:
            answer = await self.ask("session/new", {"cwd": "/", "mcpServers": [server]})
        else:
            answer = await self.ask("session/load", {"cwd": "/", "sessionId": load, "mcpServers": [server]})
        self.session = answer["result"].get("sessionId", load)

    def prompt(self, text: str, *, number: int = 1, sender: str = "operator", role: str = "human") -> int:
        head = f'<relay-message id="{_ID}{number}" from="{sender}" role="{role}" to="Lead" mode="wait">'
        block = {"type": "text", "text": f"{head}\n{text}\n</relay-message>"}
        return self.send("session/prompt", {"sessionId": self.session, "prompt": [block]})

    async def say(self, text: str, **options: Any) -> tuple[str, str]:
        """Prompt with `text`; the stop reason and what was said."""
        answer, updates = await self.until_answer(self.prompt(text, **options))
        said = [each["content"]["text"] for each in updates if each["sessionUpdate"] == "agent_message_chunk"]
        return answer["result"]["stopReason"], "\n".join(said)


class _Tools:
    """The relay's tools; what was called is kept."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.bearers: set[str] = set()

    def server(self) -> MCPServer[Any]:
        server: MCPServer[Any] = MCPServer("relay", log_level="ERROR")

        async def relay_spawn(ctx: Context, name: str, cli: str, task: str = "") -> str:
            self._note(ctx, "spawn", name, cli)
            return "ready"

        async def relay_send(ctx: Context, to: str, text: str) -> str:
            if to == "Nobody":
                raise ToolError("AGENT_NOT_FOUND: no agent called Nobody")
            self._note(ctx, "send", to, text.split("\n\n", maxsplit=1)[0])
            return "sent"

        server.add_tool(relay_spawn)
        server.add_tool(relay_send)
        return server

    def _note(self, ctx: Context, *call: str) -> None:
        self.calls.append(call)
        request: Any = ctx.request_context.request
        self.bearers.add(request.headers["authorization"])


@pytest.fixture
def tools() -> _Tools:
    return _Tools()


@pytest.fixture
async def url(tools: _Tools) -> AsyncIterator[str]:
    app = tools.server().streamable_http_app(json_response=True, stateless_http=True)
    async with serving(app) as address:
        yield address


@asynccontextmanager
async def _agent(tmp_path: Path) -> AsyncIterator[_Client]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "connect.demo.agent",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "DEMO_AGENT_STATE_DIR": str(tmp_path)},
    )
    try:
        async with asyncio.timeout(20):
            yield _Client(process)
    finally:
        if process.returncode is None:
            process.kill()
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@pytest.fixture
async def client(tmp_path: Path, url: str) -> AsyncIterator[_Client]:
    async with _agent(tmp_path) as one:
        await one.open(url)
        yield one


async def test_the_lead_spawns_and_moves_through_the_relays_tools_with_its_bearer(
    client: _Client, tools: _Tools
) -> None:
    reason, said = await client.say("Play tic-tac-toe with a Codex agent")

    assert reason == "end_turn"
    assert said == "I'll spawn a Codex opponent and start the game."
    assert tools.calls[0] == ("spawn", "Opponent", "codex")
    assert tools.calls[1][:2] == ("send", "Opponent")
    assert "I play center (5)" in tools.calls[1][2]
    assert tools.bearers == {_BEARER}


async def test_a_message_that_comes_again_is_not_acted_on_again(client: _Client, tools: _Tools) -> None:
    await client.say('call relay_send {"to": "Opponent", "text": "once"}')
    _, said = await client.say('call relay_send {"to": "Opponent", "text": "once"}')

    assert "already" in said
    assert len(tools.calls) == 1


async def test_a_refusing_tool_is_reported_and_ends_the_script(client: _Client) -> None:
    _, said = await client.say('call relay_send {"to": "Nobody", "text": "hi"}')

    assert "I had to stop" in said
    assert "AGENT_NOT_FOUND" in said


@pytest.mark.parametrize(("option", "words"), [("once", "I may run: ls"), ("reject", "I must not run: ls")])
async def test_permission_is_asked_and_the_answer_respected(client: _Client, option: str, words: str) -> None:
    prompt = client.prompt("ask permission: ls")
    request = await client.read()
    assert request["method"] == "session/request_permission"
    assert request["params"]["toolCall"]["rawInput"] == {"command": "ls"}
    client.answer(request["id"], {"outcome": {"outcome": "selected", "optionId": option}})

    _, updates = await client.until_answer(prompt)
    assert updates[0]["content"]["text"] == words


async def test_an_edit_is_told_as_a_tool_call_with_a_diff_and_nothing_is_written(
    client: _Client, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    _, updates = await client.until_answer(client.prompt(f"edit {file}: one => two"))

    begun, ended, _ = updates
    assert (begun["sessionUpdate"], begun["kind"], begun["status"]) == ("tool_call", "edit", "in_progress")
    assert (ended["toolCallId"], ended["status"]) == (begun["toolCallId"], "completed")
    assert ended["content"] == [{"type": "diff", "path": str(file), "oldText": "one\n", "newText": "two\n"}]
    assert not file.exists()


async def test_a_cancelled_prompt_stops_and_the_next_one_runs(client: _Client) -> None:
    prompt = client.prompt("sleep 600")
    client.send("session/cancel", {"sessionId": client.session}, expect_answer=False)

    answer, _ = await client.until_answer(prompt)
    assert answer["result"] == {"stopReason": "cancelled"}
    assert await client.say("say hello", number=2) == ("end_turn", "hello")


async def test_a_second_prompt_while_one_runs_is_refused(client: _Client) -> None:
    client.prompt("sleep 600")
    answer, _ = await client.until_answer(client.prompt("say no", number=2))

    assert answer["error"]["message"] == "a prompt is running"


async def test_a_loaded_conversation_replays_and_still_knows_its_messages(tmp_path: Path, url: str) -> None:
    async with _agent(tmp_path) as first:
        await first.open(url)
        await first.say("say hello")
    async with _agent(tmp_path) as second:
        await second.open(url, load=first.session)

        assert await second.say("say hello") == ("end_turn", "I have dealt with this message already.")


async def test_exit_ends_the_process_with_its_code_and_is_not_repeated_after_a_restart(
    tmp_path: Path, url: str
) -> None:
    async with _agent(tmp_path) as first:
        await first.open(url)
        first.prompt("exit 3")
        assert await first.process.wait() == 3
    async with _agent(tmp_path) as second:
        await second.open(url, load=first.session)
        assert "already" in (await second.say("exit 3"))[1]


async def test_deaf_means_no_reaction_until_the_end_of_input(client: _Client) -> None:
    client.prompt("ignore")
    client.send("session/cancel", {"sessionId": client.session}, expect_answer=False)
    client.prompt("say hello", number=2)
    assert client.process.stdin is not None
    client.process.stdin.close()

    assert client.process.stdout is not None
    assert await client.process.stdout.read() == b""
    assert await client.process.wait() == 0


async def test_unknown_methods_and_sessions_are_refused(client: _Client) -> None:
    assert (await client.ask("session/dance", {}))["error"]["code"] == -32601
    assert (await client.ask("session/prompt", {"sessionId": "no", "prompt": []}))["error"]["code"] == -32602


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"action": "accept", "content": {"answer": "b"}}, "The answer is: b"),
        ({"action": "decline"}, "Nobody answers."),
    ],
)
async def test_a_question_is_asked_and_its_answer_told(client: _Client, answer: dict[str, object], words: str) -> None:
    prompt = client.prompt("ask question: Which? a | b")
    request = await client.read()
    assert request["method"] == "elicitation/create"
    assert request["params"]["requestedSchema"]["properties"]["answer"]["enum"] == ["a", "b"]
    client.answer(request["id"], answer)
    _, updates = await client.until_answer(prompt)
    assert updates[0]["content"]["text"] == words
