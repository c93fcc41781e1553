"""Anthropic's Messages API: reads requests, writes streamed and whole answers."""

import json
from typing import Any
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

INPUT_TOKENS = 10
OUTPUT_TOKENS = 5


class _Wire(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Block(_Wire):
    type: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: JsonObject = Field(default_factory=dict)
    tool_use_id: str = ""
    content: "str | list[_Block] | None" = None
    is_error: bool | None = None


class _Message(_Wire):
    role: Role
    content: str | list[_Block]


class _Tool(_Wire):
    name: str = ""


class _Request(_Wire):
    model: str
    system: str | list[_Block] = ""
    messages: list[_Message]
    tools: list[_Tool] = Field(default_factory=list)
    stream: bool = False
    output_config: JsonObject = Field(default_factory=dict)
    output_format: JsonObject = Field(default_factory=dict)


def read_request(body: bytes) -> ModelRequest:
    """Read the body of `POST /v1/messages`."""
    wire = _Request.model_validate_json(body)
    answer_format = wire.output_config.get("format") or wire.output_format
    return ModelRequest(
        vendor=Vendor.ANTHROPIC,
        model=wire.model,
        system="\n".join(_texts(wire.system)),
        messages=tuple(_message(message) for message in wire.messages),
        tools=tuple(OfferedTool(name=tool.name) for tool in wire.tools),
        answer_schema=answer_format.get("schema") if answer_format else None,
    )


def wants_stream(body: bytes) -> bool:
    """Whether the caller asked for server-sent events."""
    return _Request.model_validate_json(body).stream


def _message(wire: _Message) -> Message:
    blocks = [] if isinstance(wire.content, str) else wire.content
    return Message(
        role=wire.role,
        texts=_texts(wire.content),
        tool_calls=tuple(
            ToolCall(id=block.id, name=block.name, arguments=block.input)
            for block in blocks
            if block.type == "tool_use"
        ),
        tool_results=tuple(_tool_result(block) for block in blocks if block.type == "tool_result"),
    )


def _tool_result(block: _Block) -> ToolResult:
    text = "\n".join(_texts(block.content or ""))
    return ToolResult(call_id=block.tool_use_id, text=text, is_error=bool(block.is_error))


def _texts(content: str | list[_Block]) -> tuple[str, ...]:
    if isinstance(content, str):
        return (content,)
    return tuple(block.text for block in content if block.type == "text")


def whole_answer(text: str, *, model: str) -> JsonObject:
    """An answer that is not streamed."""
    return _envelope(model) | {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}


def error_body(message: str) -> JsonObject:
    """The body of a refusal."""
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


def _envelope(model: str) -> JsonObject:
    return {
        "id": f"msg_{uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
    }


class MessagesWriter:
    """Streams one answer as Messages events; blocks are opened and closed as the parts come."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._block_count = 0
        self._text_is_open = False
        self._stop_reason = "end_turn"

    def start(self) -> bytes:
        """Open the message."""
        return named_event({"type": "message_start", "message": _envelope(self._model)})

    def text(self, delta: str) -> bytes:
        """Stream a piece of text, in the open text block if there is one."""
        opening = b"" if self._text_is_open else self._open_block({"type": "text", "text": ""})
        self._text_is_open = True
        return opening + self._delta({"type": "text_delta", "text": delta})

    def call(self, call: ResolvedCall) -> bytes:
        """Ask for a tool in a block of its own."""
        self._stop_reason = "tool_use"
        block = {"type": "tool_use", "id": f"toolu_{uuid4().hex}", "name": call.tool.name, "input": {}}
        arguments = self._delta_after(block, json.dumps(call.arguments))
        return arguments + self._close_block()

    def finish(self) -> bytes:
        """Close the message."""
        ending = {
            "type": "message_delta",
            "delta": {"stop_reason": self._stop_reason, "stop_sequence": None},
            "usage": {"output_tokens": OUTPUT_TOKENS},
        }
        return self._close_text() + named_event(ending) + named_event({"type": "message_stop"})

    def _delta_after(self, block: JsonObject, partial_json: str) -> bytes:
        return (
            self._close_text()
            + self._open_block(block)
            + self._delta({"type": "input_json_delta", "partial_json": partial_json})
        )

    def _open_block(self, block: dict[str, Any]) -> bytes:
        event = {"type": "content_block_start", "index": self._block_count, "content_block": block}
        self._block_count += 1
        return named_event(event)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return named_event({"type": "content_block_delta", "index": self._block_count - 1, "delta": delta})

    def _close_text(self) -> bytes:
        return self._close_block() if self._text_is_open else b""

    def _close_block(self) -> bytes:
        self._text_is_open = False
        return named_event({"type": "content_block_stop", "index": self._block_count - 1})
