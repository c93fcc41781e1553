"""What Codex asks of its client: approvals, which people answer, and the rest, which is declined at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from broker.domain.approvals import ApprovalAnswer, Scope, Verdict
from broker.protocol.agent_events import ApprovalRequested, FileChange
from broker.protocol.codex_items import plain_command
from broker.protocol.jsonrpc import PeerRequest, RequestId
from broker.protocol.wire import CamelWire, Wire

RELAY_SERVER = "relay"

_DECLINED: dict[str, dict[str, Any]] = {
    "item/permissions/requestApproval": {"permissions": {}},
    "item/tool/requestUserInput": {"answers": {}},
    "item/tool/call": {"contentItems": [{"type": "inputText", "text": "There is no such tool."}], "success": False},
    "mcpServer/elicitation/request": {"action": "decline"},
}
"""Answers by which a request gets nothing and the turn goes on; a request outside the table gets an error."""


class _CommandQuestion(CamelWire):
    command: str | None = None
    cwd: str | None = None
    reason: str | None = None


class _FileQuestion(CamelWire):
    item_id: str
    reason: str | None = None


class _ToolCallMeta(Wire):
    codex_approval_kind: Literal["mcp_tool_call"]
    tool_name: str
    tool_params: dict[str, Any] | None = None
    persist: list[str] | str | None = None


class _Elicitation(CamelWire):
    server_name: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingApproval:
    """An approval that waits: where its answer goes and in which vocabulary."""

    request_id: RequestId
    method: str
    thread: object
    """Its thread's id; sub-agents have threads of their own."""


def declined(method: str) -> dict[str, Any] | None:
    """The result that gives a request nothing; None when only an error does."""
    return _DECLINED.get(method)


def approval_requested(
    native_id: str, request: PeerRequest, *, changes: Mapping[str, tuple[FileChange, ...]]
) -> ApprovalRequested | None:
    """The event for an approval, None for any other request. `changes` are those of the edits begun, by item."""
    match request.method:
        case "item/commandExecution/requestApproval":
            return _command_approval(native_id, _CommandQuestion.model_validate(request.params))
        case "item/fileChange/requestApproval":
            question = _FileQuestion.model_validate(request.params)
            return _file_approval(native_id, question, changes=changes.get(question.item_id, ()))
        case "mcpServer/elicitation/request" if _asks_for_tool(request.params):
            return _tool_approval(native_id, request.params)
        case _:
            return None


def approval_result(method: str, answer: ApprovalAnswer) -> dict[str, Any]:
    """What Codex wants to hear."""
    if method == "mcpServer/elicitation/request":
        return _elicitation_result(answer)
    if answer.verdict is Verdict.DENY:
        return {"decision": "cancel" if answer.interrupt else "decline"}
    return {"decision": "acceptForSession" if answer.scope is Scope.SESSION else "accept"}


def _elicitation_result(answer: ApprovalAnswer) -> dict[str, Any]:
    if answer.verdict is Verdict.DENY:
        return {"action": "cancel" if answer.interrupt else "decline"}
    accepted: dict[str, Any] = {"action": "accept", "content": {}}
    return {**accepted, "_meta": {"persist": "session"}} if answer.scope is Scope.SESSION else accepted


def _command_approval(native_id: str, question: _CommandQuestion) -> ApprovalRequested:
    command = plain_command(question.command) if question.command else None
    return ApprovalRequested(
        native_id=native_id,
        tool="commandExecution",
        title=command or question.reason or "a command",
        command=command,
        cwd=question.cwd,
        reason=question.reason,
    )


def _file_approval(native_id: str, question: _FileQuestion, *, changes: tuple[FileChange, ...]) -> ApprovalRequested:
    return ApprovalRequested(
        native_id=native_id,
        tool="fileChange",
        title=", ".join(change.path for change in changes) or "a file change",
        changes=changes,
        reason=question.reason,
    )


def _tool_approval(native_id: str, params: dict[str, Any]) -> ApprovalRequested:
    asked, call = _Elicitation.model_validate(params), _ToolCallMeta.model_validate(params["_meta"])
    return ApprovalRequested(
        native_id=native_id,
        tool=f"mcp__{asked.server_name}__{call.tool_name}",
        title=asked.message or call.tool_name,
        input=call.tool_params,
        can_allow_session="session" in (call.persist or ()),
        relay_tool=asked.server_name == RELAY_SERVER,
    )


def _asks_for_tool(params: dict[str, Any]) -> bool:
    meta = params.get("_meta")
    return isinstance(meta, dict) and meta.get("codex_approval_kind") == "mcp_tool_call"
