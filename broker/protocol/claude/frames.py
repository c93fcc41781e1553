"""The parts of Claude Code's stream-json frames that are acted on, and the frames written to it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import Field

from broker.protocol.agents.events import TokensUsed, TurnOutcome
from broker.protocol.wire import CamelWire, Wire

_MAX_NAME = 80


class Block(Wire):
    """A content block of a message."""

    type: str
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: str | list[dict[str, Any]] | None = None
    is_error: bool | None = None

    @property
    def output(self) -> str:
        """A tool result's text."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(str(part["text"]) for part in self.content or () if "text" in part)


class Message(Wire):
    """A message of the conversation; its content is a text or blocks."""

    content: str | list[Block]

    @property
    def blocks(self) -> list[Block]:
        """The content as blocks."""
        return [Block(type="text", text=self.content)] if isinstance(self.content, str) else self.content


class AssistantFrame(Wire):
    """One finished block of the model's answer."""

    message: Message
    uuid: str | None = None
    parent_tool_use_id: str | None = None
    is_api_error_message: bool | None = None


class UserFrame(Wire):
    """Tool results, notices, and echoes of what the host sent (`isReplay`)."""

    message: Message
    uuid: str | None = None
    is_replay: bool | None = Field(default=None, alias="isReplay")
    tool_use_result: Any = None


class CommandLifecycle(Wire):
    """How far a user frame with a uuid got."""

    command_uuid: str
    state: str


class ToolQuestion(Wire):
    """`can_use_tool`: the agent waits for permission."""

    tool_name: str
    input: dict[str, Any]
    display_name: str | None = None
    description: str | None = None
    decision_reason: str | None = None
    blocked_path: str | None = None
    """The file because of which the CLI asks."""
    mcp_server: dict[str, Any] | None = None
    tool_use_id: str | None = None
    agent_id: str | None = None
    """The sub-agent that asks; it may go on behind the end of a turn."""
    permission_suggestions: Any = None
    """Changes of its own permissions that the CLI offers to make with a yes."""


class ControlRequest(Wire):
    """The CLI wants an answer from its host."""

    request_id: str
    request: dict[str, Any]


class ControlCancel(Wire):
    """The CLI no longer wants that answer."""

    request_id: str


class ControlOutcome(Wire):
    """The inner part of a `control_response`."""

    subtype: str
    request_id: str
    error: str | None = None


class ControlResponse(Wire):
    """The CLI answers its host, or echoes the host's own answer."""

    response: ControlOutcome


class ModelUsage(CamelWire):
    """One model's figures."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cost_usd: float | None = Field(default=None, alias="costUSD")


class ResultFrame(Wire):
    """The end of a turn."""

    is_error: bool | None = None
    subtype: str | None = None
    result: str | None = None
    errors: list[str] | None = None
    terminal_reason: str | None = None
    uuid: str | None = None
    total_cost_usd: float | None = None
    model_usage: dict[str, ModelUsage] | None = Field(default=None, alias="modelUsage")
    """Since the conversation began, or since its process did: that is the version's matter, and a crash's."""
    model_usage_since_last_result: dict[str, ModelUsage] | None = None
    """Newer versions: of the turn alone, and of what was done before it for which there was no end of a turn."""

    def outcome(self, *, stop_asked: bool) -> TurnOutcome:
        """`is_error` decides: a failed model call has the subtype `success`."""
        if not self.is_error:
            return TurnOutcome.COMPLETED
        stopped = stop_asked or (self.terminal_reason or "").startswith("aborted")
        return TurnOutcome.INTERRUPTED if stopped else TurnOutcome.FAILED

    @property
    def reason(self) -> str | None:
        """Why it failed, in the CLI's words."""
        if not self.is_error:
            return None
        return self.result or "; ".join(self.errors or ()) or self.terminal_reason or self.subtype

    @property
    def usage(self) -> TokensUsed | None:
        """What the turn has used; from an older version the figures of the whole conversation."""
        if self.model_usage_since_last_result is not None:
            models = self.model_usage_since_last_result.values()
            costs = [model.cost_usd for model in models if model.cost_usd is not None]
            return _read_usage(models, cost_usd=sum(costs) if costs else None, cumulative=False)
        return (
            _read_usage(self.model_usage.values(), cost_usd=self.total_cost_usd, cumulative=True)
            if self.model_usage
            else None
        )


def _read_usage(models: Collection[ModelUsage], *, cost_usd: float | None, cumulative: bool) -> TokensUsed | None:
    if not models:
        return None
    return TokensUsed(
        input_tokens=sum(model.input_tokens for model in models),
        output_tokens=sum(model.output_tokens for model in models),
        cached_tokens=sum(model.cache_read_input_tokens for model in models),
        cost_usd=cost_usd,
        cumulative=cumulative,
    )


class SystemFrame(Wire):
    """Notices of the CLI; which members there are depends on the subtype."""

    subtype: str | None = None
    uuid: str | None = None
    message: str | None = None
    attempt: int | None = None
    max_retries: int | None = None
    error_status: int | None = None
    state: str | None = None
    """Of `session_state_changed`: `idle`, `running` or `requires_action`."""
    hook_name: str | None = None
    """Of `hook_response` (`--include-hook-events`): the event and what it matched, as in `PreToolUse:Bash`."""
    hook_id: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    exit_code: int | None = None
    outcome: str | None = None
    """`success`, `error` or `cancelled`."""
    mcp_servers: Any = None
    """Of `init`: `[{"name": …, "status": "connected" | "failed" | "pending" | …}]`, as the turn begins."""

    @property
    def failed_servers(self) -> set[str]:
        """The tool servers that `init` calls failed."""
        servers = self.mcp_servers if isinstance(self.mcp_servers, list) else []
        return {str(s.get("name")) for s in servers if isinstance(s, dict) and s.get("status") == "failed"}

    @property
    def retry(self) -> str:
        """What an `api_retry` says."""
        return f"the model call failed (HTTP {self.error_status}), attempt {self.attempt} of {self.max_retries}"


class StreamDelta(Wire):
    """A fragment of a content block."""

    text: str | None = None
    thinking: str | None = None


class ModelEvent(Wire):
    """The model's own server-sent event."""

    delta: StreamDelta | None = None


class StreamEvent(Wire):
    """Partial messages."""

    event: ModelEvent


def frame_name(value: dict[str, Any]) -> str:
    """`assistant`, `system:init`, `control_request:can_use_tool`, `command_lifecycle:queued`, …"""
    kind = value.get("type")
    match value:
        case {"type": "system", "subtype": str(detail)}:
            pass
        case {"type": "control_request", "request": {"subtype": str(detail)}}:
            pass
        case {"type": "stream_event", "event": {"type": str(detail)}}:
            pass
        case {"type": "command_lifecycle", "state": str(detail)}:
            pass
        case _:
            return kind[:_MAX_NAME] if isinstance(kind, str) else "unknown"
    return f"{kind}:{detail}"[:_MAX_NAME]


def user_frame(text: str, *, uuid: str, priority: str | None) -> dict[str, Any]:
    """A prompt; `uuid` is its idempotency key, `priority` says what it does to a running turn."""
    frame: dict[str, Any] = {
        "type": "user",
        "message": {"role": "user", "content": text},
        "parent_tool_use_id": None,
        "session_id": "",
        "uuid": uuid,
    }
    return frame if priority is None else {**frame, "priority": priority}


def control_request(request_id: str, request: dict[str, Any]) -> dict[str, Any]:
    """A request to the CLI."""
    return {"type": "control_request", "request_id": request_id, "request": request}


def control_success(request_id: str, response: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request of the CLI."""
    return {
        "type": "control_response",
        "response": {"subtype": "success", "request_id": request_id, "response": response},
    }


def control_error(request_id: str, error: str) -> dict[str, Any]:
    """The refusal of a request of the CLI."""
    return {"type": "control_response", "response": {"subtype": "error", "request_id": request_id, "error": error}}
