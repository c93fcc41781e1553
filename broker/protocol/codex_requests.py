"""What Codex asks of its client: approvals, which people answer, and the rest, which is declined at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from broker.domain.approvals import ApprovalAnswer, Verdict
from broker.domain.tool_use import paths_in
from broker.protocol.agent_events import ApprovalRequested, FileChange
from broker.protocol.codex_items import plain_command
from broker.protocol.jsonrpc import PeerRequest, RequestId
from broker.protocol.ndjson import dumps
from broker.protocol.wire import CamelWire, Wire

RELAY_SERVER = "relay"

_DECLINED: dict[str, dict[str, Any]] = {
    "item/permissions/requestApproval": {"permissions": {}},
    "item/tool/requestUserInput": {"answers": {}},
    "item/tool/call": {"contentItems": [{"type": "inputText", "text": "There is no such tool."}], "success": False},
    "mcpServer/elicitation/request": {"action": "decline"},
}
"""Answers by which a request gets nothing and the turn goes on; a request outside the table gets an error."""


class _NetworkContext(CamelWire):
    host: str
    protocol: str = ""


class _CommandQuestion(CamelWire):
    kind: str = "command"
    """`writeStdin`: the command is typed into a program that runs already."""
    command: str | None = None
    cwd: str | None = None
    reason: str | None = None
    additional_permissions: dict[str, Any] | None = None
    network_approval_context: _NetworkContext | None = None

    @property
    def widens(self) -> tuple[str, ...]:
        """What it asks for beyond the command."""
        words = []
        if self.kind == "writeStdin":
            words.append("types this into a program that is running")
        if network := self.network_approval_context:
            words.append(f"reaches {network.host} on the network ({network.protocol})")
        if self.additional_permissions:
            words.append(f"runs with more permissions: {dumps(self.additional_permissions).decode()}")
        return tuple(words)


class _FileQuestion(CamelWire):
    item_id: str
    reason: str | None = None
    grant_root: str | None = None
    """A folder whose files may all be changed from then on."""


class _ToolCallMeta(Wire):
    codex_approval_kind: Literal["mcp_tool_call"]
    tool_name: str
    tool_params: dict[str, Any] | None = None


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
    """What Codex wants to hear: never `acceptForSession`, behind which rules would not be asked again."""
    if method == "mcpServer/elicitation/request":
        return _elicitation_result(answer)
    if answer.verdict is Verdict.DENY:
        return {"decision": "cancel" if answer.interrupt else "decline"}
    return {"decision": "accept"}


def _elicitation_result(answer: ApprovalAnswer) -> dict[str, Any]:
    if answer.verdict is Verdict.DENY:
        return {"action": "cancel" if answer.interrupt else "decline"}
    return {"action": "accept", "content": {}}


def _command_approval(native_id: str, question: _CommandQuestion) -> ApprovalRequested:
    command = plain_command(question.command) if question.command else None
    return ApprovalRequested(
        native_id=native_id,
        tool="commandExecution",
        title=_titled(command or question.reason or "a command", question.widens),
        command=command,
        cwd=question.cwd,
        widens=question.widens,
        reason=question.reason,
    )


def _titled(title: str, widens: tuple[str, ...]) -> str:
    """What people read first says all that is asked for."""
    return "; ".join((title, *widens))


def _file_approval(native_id: str, question: _FileQuestion, *, changes: tuple[FileChange, ...]) -> ApprovalRequested:
    root = question.grant_root
    widens = (f"may change everything in {root} from then on",) if root else ()
    paths = tuple(path for change in changes for path in (change.path, change.moved_to) if path)
    return ApprovalRequested(
        native_id=native_id,
        tool="fileChange",
        title=_titled(", ".join(paths) or "a file change", widens),
        changes=changes,
        paths=(*paths, root) if root else paths,
        widens=widens,
        lasting=bool(root),
        reason=question.reason,
    )


def _tool_approval(native_id: str, params: dict[str, Any]) -> ApprovalRequested:
    asked, call = _Elicitation.model_validate(params), _ToolCallMeta.model_validate(params["_meta"])
    return ApprovalRequested(
        native_id=native_id,
        tool=f"mcp__{asked.server_name}__{call.tool_name}",
        title=asked.message or call.tool_name,
        paths=paths_in(call.tool_params),
        input=call.tool_params,
        relay_tool=asked.server_name == RELAY_SERVER,
    )


def _asks_for_tool(params: dict[str, Any]) -> bool:
    meta = params.get("_meta")
    return isinstance(meta, dict) and meta.get("codex_approval_kind") == "mcp_tool_call"
