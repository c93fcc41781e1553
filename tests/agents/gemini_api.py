"""Google's generateContent API: reads requests, writes streamed and whole answers."""

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
from tests.agents.sse import data_event

_USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}


class _Wire(BaseModel):
    model_config = ConfigDict(extra="allow")


class _FunctionCall(_Wire):
    id: str = ""
    name: str
    args: JsonObject = Field(default_factory=dict)


class _FunctionResponse(_Wire):
    id: str = ""
    name: str = ""
    response: JsonObject = Field(default_factory=dict)


class _Part(_Wire):
    text: str = ""
    functionCall: _FunctionCall | None = None  # noqa: N815 - Google's spelling
    functionResponse: _FunctionResponse | None = None  # noqa: N815


class _Content(_Wire):
    role: str = "user"
    parts: list[_Part] = Field(default_factory=list)


class _Declaration(_Wire):
    name: str


class _Tool(_Wire):
    functionDeclarations: list[_Declaration] = Field(default_factory=list)  # noqa: N815


class _Request(_Wire):
    contents: list[_Content] = Field(default_factory=list)
    systemInstruction: _Content | None = None  # noqa: N815
    tools: list[_Tool] = Field(default_factory=list)
    generationConfig: JsonObject = Field(default_factory=dict)  # noqa: N815


def read_request(body: bytes, model: str) -> ModelRequest:
    """Read the body of `generateContent`; the model is named in the path."""
    wire = _Request.model_validate_json(body)
    return ModelRequest(
        vendor=Vendor.GOOGLE,
        model=model,
        system="\n".join(_texts(wire.systemInstruction)) if wire.systemInstruction else "",
        messages=tuple(_message(content) for content in wire.contents),
        tools=tuple(OfferedTool(name=each.name) for tool in wire.tools for each in tool.functionDeclarations),
        answer_schema=_answer_schema(wire.generationConfig),
    )


def _answer_schema(config: JsonObject) -> JsonObject | None:
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    if schema is None and config.get("responseMimeType") == "application/json":
        return {"type": "object"}
    return schema


def _message(content: _Content) -> Message:
    return Message(
        role=Role.ASSISTANT if content.role == "model" else Role.USER,
        texts=_texts(content),
        tool_calls=tuple(
            ToolCall(id=part.functionCall.id, name=part.functionCall.name, arguments=part.functionCall.args)
            for part in content.parts
            if part.functionCall
        ),
        tool_results=tuple(_tool_result(part.functionResponse) for part in content.parts if part.functionResponse),
    )


def _tool_result(wire: _FunctionResponse) -> ToolResult:
    error = wire.response.get("error")
    return ToolResult(call_id=wire.id, text=str(error or wire.response.get("output", "")), is_error=bool(error))


def _texts(content: _Content) -> tuple[str, ...]:
    return tuple(part.text for part in content.parts if part.text)


def whole_answer(text: str, *, model: str) -> JsonObject:
    """An answer that is not streamed."""
    return _chunk([{"text": text}], model=model, finished=True)


def error_body(status: int, message: str) -> JsonObject:
    """The body of a refusal."""
    return {"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}}


def _chunk(parts: list[JsonObject], *, model: str, finished: bool = False) -> JsonObject:
    candidate: JsonObject = {"index": 0, "content": {"role": "model", "parts": parts}}
    if finished:
        candidate["finishReason"] = "STOP"
    return {"candidates": [candidate], "usageMetadata": _USAGE, "modelVersion": model}


class GenerateContentWriter:
    """Streams one answer as generateContent chunks; a chunk stands by itself, so nothing is opened or closed."""

    def __init__(self, model: str) -> None:
        self._model = model

    def start(self) -> bytes:
        """Nothing opens a Gemini answer."""
        return b""

    def text(self, delta: str) -> bytes:
        """Stream a piece of text."""
        return data_event(_chunk([{"text": delta}], model=self._model))

    def call(self, call: ResolvedCall) -> bytes:
        """Ask for a tool."""
        function = {"name": call.tool.name, "args": call.arguments}
        return data_event(_chunk([{"functionCall": function}], model=self._model))

    def finish(self) -> bytes:
        """Say why the answer ends."""
        return data_event(_chunk([{"text": ""}], model=self._model, finished=True))
