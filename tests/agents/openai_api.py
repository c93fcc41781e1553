"""OpenAI's Responses API: reads requests, writes streamed answers."""

import json
from typing import Any, assert_never
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from tests.agents.script import (
    JsonObject,
    Message,
    ModelRequest,
    OfferedTool,
    ResolvedCall,
    Role,
    ToolCall,
    ToolResult,
    Vendor,
)
from tests.agents.sse import named_event

_USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 15,
}
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT}


class _Wire(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Content(_Wire):
    type: str = ""
    text: str = ""


class _Item(_Wire):
    type: str = "message"
    role: str = ""
    content: str | list[_Content] | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = "{}"
    output: str | list[_Content] | JsonObject = ""


class _Tool(_Wire):
    type: str
    name: str = ""
    tools: "list[_Tool]" = Field(default_factory=list)


class _Request(_Wire):
    model: str
    instructions: str | None = None
    input: str | list[_Item]
    tools: list[_Tool] = Field(default_factory=list)
    text: JsonObject | None = None


def read_request(body: bytes) -> ModelRequest:
    """Read the body of `POST /v1/responses`."""
    wire = _Request.model_validate_json(body)
    items = [_Item(role="user", content=wire.input)] if isinstance(wire.input, str) else wire.input
    messages = tuple(message for item in items if (message := _message(item)))
    answer_format = (wire.text or {}).get("format") or {}
    return ModelRequest(
        vendor=Vendor.OPENAI,
        model=wire.model,
        system=wire.instructions or "",
        messages=messages,
        tools=tuple(_offered(wire.tools)),
        answer_schema=answer_format.get("schema"),
    )


def _offered(tools: list[_Tool], namespace: str = "") -> list[OfferedTool]:
    flat: list[OfferedTool] = []
    for tool in tools:
        if tool.type == "namespace":
            flat += _offered(tool.tools, tool.name)
        elif tool.name:
            flat.append(OfferedTool(name=tool.name, namespace=namespace))
    return flat


def _message(item: _Item) -> Message | None:
    match item.type:
        case "message":
            return Message(role=_ROLES.get(item.role, Role.SYSTEM), texts=_texts(item.content))
        case "function_call":
            call = ToolCall(id=item.call_id, name=item.name, arguments=json.loads(item.arguments))
            return Message(role=Role.ASSISTANT, tool_calls=(call,))
        case "function_call_output":
            result = ToolResult(call_id=item.call_id, text="\n".join(_texts(item.output)))
            return Message(role=Role.USER, tool_results=(result,))
        case _:
            return None


def _texts(content: str | list[_Content] | JsonObject | None) -> tuple[str, ...]:
    match content:
        case str():
            return (content,)
        case list():
            return tuple(part.text for part in content)
        case dict():
            return (str(content.get("content", "")),)
        case None:
            return ()
        case _ as other:
            assert_never(other)


def error_body(message: str) -> JsonObject:
    """The body of a refusal."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


class ResponsesWriter:
    """Streams one answer as Responses events; each text and each call is an output item."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._response_id = f"resp_{uuid4().hex}"
        self._items: list[JsonObject] = []
        self._open_text: JsonObject | None = None

    def start(self) -> bytes:
        """Open the response."""
        return named_event({"type": "response.created", "response": self._response("in_progress")})

    def text(self, delta: str) -> bytes:
        """Stream a piece of text, in the open message item if there is one."""
        opening = b"" if self._open_text else self._open_message()
        item = self._open_text
        if item is None:
            raise RuntimeError("a message item was opened above")
        item["content"][0]["text"] += delta
        event = {"type": "response.output_text.delta", "item_id": item["id"], "content_index": 0, "delta": delta}
        return opening + self._event(event)

    def call(self, call: ResolvedCall) -> bytes:
        """Ask for a tool in an item of its own."""
        item = {
            "type": "function_call",
            "id": f"fc_{uuid4().hex}",
            "call_id": f"call_{uuid4().hex}",
            "name": call.tool.name,
            "arguments": json.dumps(call.arguments),
            "status": "completed",
        }
        if call.tool.namespace:
            item["namespace"] = call.tool.namespace
        closing = self._close_message()
        added = self._event({"type": "response.output_item.added", "item": item})
        return closing + added + self._done(item)

    def finish(self) -> bytes:
        """Close the response."""
        closing = self._close_message()
        return closing + named_event({"type": "response.completed", "response": self._response("completed")})

    def _open_message(self) -> bytes:
        item: JsonObject = {"type": "message", "id": f"msg_{uuid4().hex}", "role": "assistant", "status": "in_progress"}
        added = self._event({"type": "response.output_item.added", "item": item | {"content": []}})
        self._open_text = item | {"content": [{"type": "output_text", "text": "", "annotations": []}]}
        return added

    def _close_message(self) -> bytes:
        item, self._open_text = self._open_text, None
        return self._done(item | {"status": "completed"}) if item else b""

    def _done(self, item: JsonObject) -> bytes:
        done = self._event({"type": "response.output_item.done", "item": item})
        self._items.append(item)
        return done

    def _event(self, event: dict[str, Any]) -> bytes:
        return named_event(event | {"output_index": len(self._items)})

    def _response(self, status: str) -> JsonObject:
        return {
            "id": self._response_id,
            "object": "response",
            "model": self._model,
            "status": status,
            "output": self._items,
            "usage": _USAGE if status == "completed" else None,
        }
