"""A scripted agent that speaks the Agent Client Protocol (version 1) over stdio: for the demo, tests, as a reference.

It plays tic-tac-toe through the relay's own MCP tools, and understands a few more lines:

    Play tic-tac-toe …           spawns an opponent (`with a codex agent`: of that kind) and plays X against it
    say <text>                   answers with the text
    ask permission: <command>    asks to run the command, or for the edit that it is, and reports the answer
    ask permissions: <one> | <two>  asks for several commands at once
    ask question: <text>? a | b  asks a person (`a & b`: several may be chosen; without any: a text), reports the answer
    edit <path>: <old> => <new>  tells of an edit of a file, by lines or whole; nothing is written;
                                 more of them may follow in the same message, after blank lines
    call <tool> <json object>    calls one of the relay's tools and reports its result
    sleep <seconds>              works for that long; can be cancelled
    exit <code>                  ends the process in the middle of the turn
    think <text>                 reasons about the text
    plan: *<one> | -<two> | <three>  tells of its plan, of which one is done, two begun, three still to be done
                                 more lines of any kind may follow these two in the same message, after blank lines
    ignore                       goes deaf: reads on, reacts to nothing
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any, assert_never

from broker.task_scope import TaskScope, task_scope
from connect.demo.mcp import McpClient, ToolFailed
from connect.demo.memory import Conversation, Exchange, begin, recall
from connect.demo.script import (
    AskPermission,
    AskPermissions,
    AskQuestion,
    CallTool,
    GoDeaf,
    Incoming,
    Quit,
    ReportEdit,
    Say,
    Sleep,
    Step,
    TellPlan,
    Think,
    read_prompt,
    steps_for,
)

_MAX_LINE_BYTES = 16 * 1024 * 1024
_METHOD_NOT_FOUND, _INVALID_PARAMS, _BUSY = -32601, -32602, -32000
_CAPABILITIES = {
    "loadSession": True,
    "promptCapabilities": {"image": False, "audio": False, "embeddedContext": False},
    "mcpCapabilities": {"http": True, "sse": False},
}
_OPTIONS = [
    {"optionId": "once", "name": "Allow", "kind": "allow_once"},
    {"optionId": "always", "name": "Always allow", "kind": "allow_always"},
    {"optionId": "reject", "name": "Reject", "kind": "reject_once"},
]


class Refused(Exception):
    """A request that is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Left(Exception):
    """The script says to end the process."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Wire:
    """JSON-RPC lines to the client, and the answers to our own requests."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._next_id = 0
        self.deaf = False

    def write(self, message: Mapping[str, object]) -> None:
        """One message; nothing when deaf."""
        if not self.deaf:
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False) + "\n")
            sys.stdout.flush()

    async def request(self, method: str, params: Mapping[str, object]) -> dict[str, Any]:
        """Ask the client and wait."""
        number, self._next_id = self._next_id, self._next_id + 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self.write({"id": number, "method": method, "params": params})
            return await answer
        finally:
            del self._waiting[number]

    def take_answer(self, message: Mapping[str, Any]) -> None:
        """The client's answer to one of our requests."""
        answer = self._waiting.get(message["id"])
        if answer is not None and not answer.done():
            answer.set_result(message.get("result") or {})


class Room:
    """One session: its conversation, its tools, and the prompt that runs."""

    def __init__(self, wire: Wire, conversation: Conversation, tools: McpClient) -> None:
        self._wire = wire
        self.conversation = conversation
        self._tools = tools
        self._calls = 0
        self.running: asyncio.Task[None] | None = None

    async def prompt(self, text: str) -> None:
        """Go through the script for every message of the prompt that is new."""
        messages = read_prompt(text)
        exchange = Exchange(message_ids=[message.id for message in messages if message.id], prompt=text)
        for message in messages:
            await self._follow(self._steps(message), exchange)
        self.conversation.add(exchange)

    def update(self, what: str, **fields: object) -> None:
        """Tell the client what happens."""
        update = {"sessionUpdate": what, **fields}
        self._wire.write({"method": "session/update", "params": {"sessionId": self.conversation.id, "update": update}})

    def say(self, text: str, *, kind: str = "agent_message_chunk") -> None:
        """A piece of text of the turn."""
        self.update(kind, content={"type": "text", "text": text})

    async def _follow(self, steps: list[Step], exchange: Exchange) -> None:
        """Carry out the steps; a tool that fails ends them, for those after it build on it."""
        try:
            for step in steps:
                if isinstance(step, Quit):
                    # Remembered first, or every redelivery after the restart would end the process again.
                    self.conversation.add(exchange)
                exchange.answer.extend(await self._do(step))
        except ToolFailed as failure:
            exchange.answer.extend(await self._do(Say(text=f"I had to stop: {failure}")))

    def _steps(self, message: Incoming) -> list[Step]:
        if message.id and self.conversation.knows(message.id):
            return [Say(text="I have dealt with this message already.")]
        return steps_for(message)

    async def _do(self, step: Step) -> list[str]:
        """Carry out one step; the words it added to the turn."""
        match step:
            case Say():
                self.say(step.text)
                return [step.text]
            case CallTool():
                return await self._call(step)
            case AskPermission():
                return await self._do(Say(text=await self._ask(step)))
            case AskPermissions():
                answers = await asyncio.gather(*(self._ask(each) for each in step.asked))
                return await self._do(Say(text="\n".join(answers)))
            case AskQuestion():
                return await self._do(Say(text=await self._ask_in_words(step)))
            case ReportEdit():
                self._report(step)
                return []
            case Think():
                self.say(step.text, kind="agent_thought_chunk")
                return []
            case TellPlan():
                entries = [{"content": text, "status": state, "priority": "medium"} for text, state in step.steps]
                self.update("plan", entries=entries)
                return []
            case Sleep():
                await asyncio.sleep(step.seconds)
                return []
            case Quit():
                raise Left(step.code)
            case GoDeaf():
                self._wire.deaf = True
                return []
            case _ as other:
                assert_never(other)

    async def _call(self, step: CallTool) -> list[str]:
        call_id = self._begin_call(step)
        try:
            result = await self._tools.call(step.tool, step.arguments)
        except ToolFailed as failure:
            self._end_call(call_id, status="failed", text=str(failure))
            raise
        self._end_call(call_id, status="completed", text=result)
        return await self._do(Say(text=result)) if step.tell else []

    def _begin_call(self, step: CallTool) -> str:
        self._calls += 1
        # Id and title in Gemini's form, by which the broker knows a call of one of its own tools.
        call_id = f"mcp_relay_{step.tool}__{self._calls}"
        self.update(
            "tool_call",
            toolCallId=call_id,
            status="in_progress",
            title=f"{step.tool} (relay MCP Server)",
            kind="other",
            rawInput=step.arguments,
        )
        return call_id

    def _end_call(self, call_id: str, *, status: str, text: str) -> None:
        content = [{"type": "content", "content": {"type": "text", "text": text}}]
        self.update("tool_call_update", toolCallId=call_id, status=status, content=content)

    def _report(self, edit: ReportEdit) -> None:
        call = self._edit_call((edit,))
        self.update("tool_call", status="in_progress", **call)
        self.update("tool_call_update", status="completed", **call)

    async def _ask(self, step: AskPermission) -> str:
        call = self._edit_call(step.edits) if step.edits else self._shell_call(step.command)
        answer = await self._wire.request(
            "session/request_permission",
            {"sessionId": self.conversation.id, "options": _OPTIONS, "toolCall": {"status": "pending", **call}},
        )
        chosen = answer.get("outcome", {}).get("optionId")
        return f"I may run: {step.command}" if chosen in {"once", "always"} else f"I must not run: {step.command}"

    async def _ask_in_words(self, step: AskQuestion) -> str:
        member: dict[str, object] = {"type": "string", "title": "Answer", "description": step.text}
        if step.several:
            member = {**member, "type": "array", "items": {"type": "string", "enum": step.choices}}
        elif step.choices:
            member["enum"] = step.choices
        schema = {"type": "object", "properties": {"answer": member}, "required": ["answer"]}
        asked = {"sessionId": self.conversation.id, "mode": "form", "message": step.text, "requestedSchema": schema}
        answer = await self._wire.request("elicitation/create", asked)
        if answer.get("action") != "accept":
            return "Nobody answers."
        given = answer.get("content", {}).get("answer")
        return f"The answer is: {', '.join(given) if isinstance(given, list) else given}"

    def _shell_call(self, command: str) -> dict[str, object]:
        self._calls += 1
        call_id = f"shell__{self._calls}"
        return {"toolCallId": call_id, "title": command, "kind": "execute", "rawInput": {"command": command}}

    def _edit_call(self, edits: tuple[ReportEdit, ...]) -> dict[str, object]:
        self._calls += 1
        return {
            "toolCallId": f"edit__{self._calls}",
            "title": f"Editing {', '.join(edit.path for edit in edits)}",
            "kind": "edit",
            "content": [
                {"type": "diff", "path": edit.path, "oldText": edit.old or None, "newText": edit.new} for edit in edits
            ],
            "locations": [{"path": edit.path} for edit in edits],
        }


class DemoAgent:
    """Answers the client's requests until its end of input."""

    def __init__(self) -> None:
        self._wire = Wire()
        self._rooms: dict[str, Room] = {}

    async def serve(self, source: asyncio.StreamReader) -> None:
        """Read lines until the end. Raises `Left` when the script says so."""
        async with task_scope() as tasks:
            while line := await source.readline():
                if not self._wire.deaf:
                    self._take(json.loads(line), tasks)
                    # A prompt begins before the next line is read: one that comes right behind may cancel it.
                    await asyncio.sleep(0)
            for room in self._rooms.values():
                if room.running:
                    room.running.cancel()

    def _take(self, message: dict[str, Any], tasks: TaskScope) -> None:
        match message:
            case {"method": "session/prompt", "id": number, "params": dict(params)}:
                self._start_prompt(number, params, tasks)
            case {"method": "session/cancel", "params": {"sessionId": str(session)}}:
                self._cancel(session)
            case {"method": str(method), "id": number}:
                self._answer(number, method, params=message.get("params") or {})
            case {"id": int(), "result": _} | {"id": int(), "error": _}:
                self._wire.take_answer(message)
            case _:
                pass

    def _answer(self, number: object, method: str, *, params: dict[str, Any]) -> None:
        try:
            result = self._result(method, params)
        except Refused as error:
            self._wire.write({"id": number, "error": {"code": error.code, "message": str(error)}})
        else:
            self._wire.write({"id": number, "result": result})

    def _result(self, method: str, params: dict[str, Any]) -> dict[str, object]:
        match method:
            case "initialize":
                about = {"name": "relaycast-demo-agent", "title": "Relaycast demo agent", "version": "1"}
                return {
                    "protocolVersion": 1,
                    "authMethods": [],
                    "agentInfo": about,
                    "agentCapabilities": _CAPABILITIES,
                }
            case "authenticate":
                return {}
            case "session/new":
                return {"sessionId": self._open(begin(), params)}
            case "session/load":
                return self._load(params)
            case _:
                raise Refused(_METHOD_NOT_FOUND, f"unknown method {method}")

    def _open(self, conversation: Conversation, params: dict[str, Any]) -> str:
        self._rooms[conversation.id] = Room(self._wire, conversation, _relay_tools(params.get("mcpServers") or []))
        return conversation.id

    def _load(self, params: dict[str, Any]) -> dict[str, object]:
        conversation = recall(str(params.get("sessionId")))
        if conversation is None:
            raise Refused(_INVALID_PARAMS, "no such session")
        room = self._rooms[self._open(conversation, params)]
        for exchange in conversation.exchanges:
            room.say(exchange.prompt, kind="user_message_chunk")
            room.say("\n".join(exchange.answer))
        return {}

    def _start_prompt(self, number: object, params: dict[str, Any], tasks: TaskScope) -> None:
        room = self._rooms.get(str(params.get("sessionId")))
        if room is None:
            self._wire.write({"id": number, "error": {"code": _INVALID_PARAMS, "message": "no such session"}})
        elif room.running and not room.running.done():
            self._wire.write({"id": number, "error": {"code": _BUSY, "message": "a prompt is running"}})
        else:
            room.running = tasks.create_task(self._run_prompt(number, room, text=_prompt_text(params)))

    async def _run_prompt(self, number: object, room: Room, *, text: str) -> None:
        try:
            await room.prompt(text)
        except asyncio.CancelledError:
            self._wire.write({"id": number, "result": {"stopReason": "cancelled"}})
            raise
        self._wire.write({"id": number, "result": {"stopReason": "end_turn"}})

    def _cancel(self, session: str) -> None:
        room = self._rooms.get(session)
        if room is not None and room.running is not None:
            room.running.cancel()


def main() -> None:
    """Serve on standard input and output."""
    # Other programs' options for ACP mode (`--acp`) may be given; there is no other mode, so none is read.
    try:
        asyncio.run(_serve_stdio())
    except Left as left:
        sys.exit(left.code)


async def _serve_stdio() -> None:
    source = asyncio.StreamReader(limit=_MAX_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(source), sys.stdin)
    await DemoAgent().serve(source)


def _relay_tools(servers: list[dict[str, Any]]) -> McpClient:
    for server in servers:
        if server.get("type") == "http" and server.get("name") == "relay":
            headers = {str(each["name"]): str(each["value"]) for each in server.get("headers") or []}
            return McpClient(str(server["url"]), headers)
    raise Refused(_INVALID_PARAMS, "this agent needs an HTTP MCP server named relay")


def _prompt_text(params: dict[str, Any]) -> str:
    return "\n".join(part["text"] for part in params.get("prompt", []) if part.get("type") == "text")


if __name__ == "__main__":
    main()
