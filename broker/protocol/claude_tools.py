"""Claude Code's tools in the broker's words: calls, results, file changes, permission questions and their answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from broker.domain.approvals import ApprovalAnswer, Verdict
from broker.domain.tool_kinds import ToolKind, tool_kind
from broker.domain.tool_use import paths_in
from broker.protocol.agent_events import (
    AgentEvent,
    ApprovalRequested,
    CommandRan,
    FileChange,
    FilesChanged,
    ToolCalled,
    ToolReturned,
)
from broker.protocol.claude_frames import Block, ToolQuestion
from broker.protocol.diffs import unified

RELAY_SERVER = "relay"

_SHELL = "Bash"
_EDITORS = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})
_EXIT_CODE = re.compile(r"Exit code (\d{1,3})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingTool:
    """A permission question that waits: what its answer must repeat."""

    input: dict[str, Any]
    tool_use_id: str | None = None


def tool_called(block: Block) -> ToolCalled:
    """The event for a `tool_use` block; MCP tools are named `mcp__<server>__<tool>`."""
    name = block.name or ""
    prefix, _, rest = name.partition("__")
    server, separator, tool = rest.partition("__")
    if prefix == "mcp" and separator:
        return ToolCalled(call_id=block.id or "", tool=tool, server=server, input=block.input)
    return ToolCalled(call_id=block.id or "", tool=name, input=block.input)


def tool_returned(block: Block, call: ToolCalled | None, *, details: object) -> AgentEvent:
    """The event for a `tool_result` block: a command or an edit where it was one, else the plain result."""
    call_id, failed, arguments = block.tool_use_id or "", bool(block.is_error), (call and call.input) or {}
    exit_code = _exit_code(block.output) if failed else 0
    if call is not None and call.tool == _SHELL and exit_code is not None:
        command = str(arguments.get("command", ""))
        return CommandRan(call_id=call_id, command=command, exit_code=exit_code, output=block.output, tool=call.tool)
    if call is not None and call.tool in _EDITORS and not failed:
        created = isinstance(details, dict) and details.get("type") == "create"
        changes = file_changes(call.tool, arguments, created=created)
        return FilesChanged(call_id=call_id, changes=changes, tool=call.tool)
    tool, server = (call.tool, call.server) if call else ("", None)
    return ToolReturned(call_id=call_id, ok=not failed, output=block.output, tool=tool, server=server)


def file_changes(tool: str, arguments: dict[str, Any], *, created: bool = False) -> tuple[FileChange, ...]:
    """What an editing tool would do, as far as its arguments tell."""
    path = arguments.get("file_path") or arguments.get("notebook_path")
    if tool not in _EDITORS or not isinstance(path, str):
        return ()
    return (FileChange(path=path, change="add" if created else "update", diff=_diff(path, arguments)),)


def approval_requested(native_id: str, question: ToolQuestion) -> ApprovalRequested:
    """The event for a `can_use_tool` request."""
    given, is_shell = question.input, tool_kind(question.tool_name) is ToolKind.SHELL
    command = given.get("command") if is_shell else None
    blocked = (question.blocked_path,) if question.blocked_path else ()
    return ApprovalRequested(
        native_id=native_id,
        tool=question.tool_name,
        title=question.description or question.display_name or question.tool_name,
        command=command if isinstance(command, str) else None,
        changes=file_changes(question.tool_name, given),
        paths=tuple(dict.fromkeys((*(() if is_shell else paths_in(given)), *blocked))),
        input=given,
        reason=question.decision_reason,
        relay_tool=_is_relay_tool(question),
    )


def permission_result(pending: PendingTool, answer: ApprovalAnswer) -> dict[str, Any]:
    """What the CLI wants to hear; it needs the input repeated up to 2.1.120.

    Its own suggestions (`permission_suggestions`) are never taken up: the mode `acceptEdits`, which is the only one for
    an edit, would stop all questions about edits, and with them the workspace's rules.
    """
    if answer.verdict is Verdict.DENY:
        denial = {"behavior": "deny", "message": answer.note or "Permission was denied."}
        return {**denial, "interrupt": True} if answer.interrupt else denial
    given = pending.input if answer.updated_input is None else answer.updated_input
    return {"behavior": "allow", "updatedInput": given}


def _is_relay_tool(question: ToolQuestion) -> bool:
    """A server named `relay__x` would make names that begin alike, so the server's own name counts where it is told."""
    server = RELAY_SERVER if question.mcp_server is None else question.mcp_server.get("name")
    return question.tool_name.startswith(f"mcp__{RELAY_SERVER}__") and server == RELAY_SERVER


def _diff(path: str, arguments: dict[str, Any]) -> str | None:
    match arguments:
        case {"content": str(content)}:
            return unified(path, old="", new=content)
        case {"edits": [*edits]}:
            return "".join(_edit_diff(path, edit) or "" for edit in edits) or None
        case _:
            return _edit_diff(path, arguments)


def _edit_diff(path: str, edit: object) -> str | None:
    match edit:
        case {"old_string": str(old), "new_string": str(new)}:
            return unified(path, old=old, new=new)
        case _:
            return None


def _exit_code(output: str) -> int | None:
    found = _EXIT_CODE.match(output)
    return int(found[1]) if found else None
