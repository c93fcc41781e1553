"""Claude Code's tools in the broker's words: calls, results, file changes, permission questions and their answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from broker.domain.approvals.answers import AnswerOption, ApprovalAnswer, Verdict
from broker.domain.approvals.questions import QuestionPrompt
from broker.domain.approvals.relay_tools import SERVER, is_relay_tool
from broker.domain.approvals.tool_kinds import ToolKind, tool_kind
from broker.domain.approvals.tool_use import paths_in
from broker.protocol.agents.diffs import render_diff
from broker.protocol.agents.events import (
    AgentEvent,
    ApprovalRequested,
    CommandRan,
    FileChange,
    FilesChanged,
    ToolCalled,
    ToolReturned,
)
from broker.protocol.agents.question_tools import question_prompts
from broker.protocol.claude.frames import Block, SystemFrame, ToolQuestion

RELAY_SERVER = SERVER

_SHELL = "Bash"
_ASK = "AskUserQuestion"
_PLAIN = (
    AnswerOption(id="allow", name="Yes, this once", kind="allow_once"),
    AnswerOption(id="deny", name="No", kind="reject_once"),
)
_EDITORS = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})
_EXIT_CODE = re.compile(r"Exit code (\d{1,3})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingTool:
    """A permission question that waits: what its answer must repeat."""

    input: dict[str, Any]
    tool_use_id: str | None = None
    question: ToolQuestion | None = None
    """What was asked; None where an earlier object for the same process heard it."""

    @property
    def outlives_turn(self) -> bool:
        """Whether a sub-agent asks, which may work in the background."""
        return self.question is not None and self.question.agent_id is not None


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


def own_hook_ran(frame: SystemFrame) -> ToolReturned:
    """A hook of the person's own settings, which the log shows as a tool that nobody called."""
    output = "\n".join(text for text in (frame.stdout, frame.stderr) if text)
    if frame.exit_code:
        output = f"exit code {frame.exit_code}\n{output}"
    return ToolReturned(
        call_id=frame.hook_id or "",
        ok=frame.outcome == "success",
        output=output.strip(),
        tool=f"hook {frame.hook_name or ''}".strip(),
    )


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
        can_allow_session=not asks_people(question),
        detail=plan if isinstance(plan := given.get("plan"), str) else "",
        options=() if asks_people(question) else (*_PLAIN, *suggest_options(question)),
        prompts=questionquestion_prompts(question),
        call_id=question.tool_use_id,
    )


def permission_result(pending: PendingTool, answer: ApprovalAnswer) -> dict[str, Any]:
    """What the CLI wants to hear; it needs the input repeated up to 2.1.120.

    Its own suggestions (`permission_suggestions`) are taken up only when one is named: the mode `acceptEdits`, which is
    the only one for an edit, stops all questions about edits, and with them the workspace's rules.
    """
    if answer.verdict is Verdict.DENY:
        denial = {"behavior": "deny", "message": answer.note or "Permission was denied."}
        return {**denial, "interrupt": True} if answer.interrupt else denial
    given = pending.input if answer.updated_input is None else answer.updated_input
    if answer.answers is not None:
        given = {**given, "answers": _answers(pending, answer.answers)}
    allowed = {"behavior": "allow", "updatedInput": given}
    chosen = dict(_suggestions(pending.question)).get(answer.option_id or "") if pending.question else None
    return {**allowed, "updatedPermissions": [chosen]} if chosen else allowed


def asks_people(question: ToolQuestion) -> bool:
    """Whether it is `AskUserQuestion`: not a permission, but words are wanted."""
    return bool(questionquestion_prompts(question))


def questionquestion_prompts(question: ToolQuestion) -> tuple[QuestionPrompt, ...]:
    """What `AskUserQuestion` asks. The answers go back in its input, by the questions' texts; own words are taken."""
    return question_prompts(question.input) if question.tool_name == _ASK else ()


def suggest_options(question: ToolQuestion) -> tuple[AnswerOption, ...]:
    """The CLI's suggestions, each with what it would change from then on."""
    return tuple(
        AnswerOption(id=name, name=_words(suggestion), kind="allow_always")
        for name, suggestion in _suggestions(question)
    )


def _answers(pending: PendingTool, answers: dict[str, list[str]]) -> dict[str, str]:
    asked = question_prompts(pending.input)
    return {prompt.text: ", ".join(answers[prompt.id]) for prompt in asked if prompt.id in answers}


def _suggestions(question: ToolQuestion) -> list[tuple[str, dict[str, Any]]]:
    found = question.permission_suggestions
    known = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return [(f"suggestion-{number}", each) for number, each in enumerate(known, 1)]


def _words(suggestion: dict[str, Any]) -> str:
    where = f" ({suggestion['destination']})" if isinstance(suggestion.get("destination"), str) else ""
    match suggestion:
        case {"type": "addRules", "rules": [*rules], "behavior": str(behavior)}:
            named = ", ".join(_rule(each) for each in rules if isinstance(each, dict))
            return f"Yes, and from now on {behavior} {named} without asking{where}"
        case {"type": "setMode", "mode": str(mode)}:
            return f"Yes, and go on in the mode {mode}{where}"
        case {"type": "addDirectories", "directories": [*folders]}:
            return f"Yes, and work in {', '.join(map(str, folders))} too{where}"
        case _:
            return f"Yes, and change its permissions: {json.dumps(suggestion)}"


def _rule(rule: dict[str, Any]) -> str:
    content = rule.get("ruleContent")
    return f"{rule.get('toolName')}({content})" if content else str(rule.get("toolName"))


def _is_relay_tool(question: ToolQuestion) -> bool:
    """A server named `relay__x` would make names that begin alike, so the server's own name counts where it is told."""
    server = RELAY_SERVER if question.mcp_server is None else question.mcp_server.get("name")
    prefix = f"mcp__{RELAY_SERVER}__"
    name = question.tool_name
    return name.startswith(prefix) and is_relay_tool(server, name.removeprefix(prefix))


def _diff(path: str, arguments: dict[str, Any]) -> str | None:
    match arguments:
        case {"content": str(content)}:
            return render_diff(path, old="", new=content)
        case {"edits": [*edits]}:
            return "".join(_edit_diff(path, edit) or "" for edit in edits) or None
        case _:
            return _edit_diff(path, arguments)


def _edit_diff(path: str, edit: object) -> str | None:
    match edit:
        case {"old_string": str(old), "new_string": str(new)}:
            return render_diff(path, old=old, new=new)
        case _:
            return None


def _exit_code(output: str) -> int | None:
    found = _EXIT_CODE.match(output)
    return int(found[1]) if found else None
