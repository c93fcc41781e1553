"""What the content of an agent's frame adds to its line."""

from __future__ import annotations

from typing import Any

from broker.domain.logs.draft import Draft, text_of
from broker.domain.logs.rows import LineKind


def add_content(draft: Draft, content: dict[str, Any]) -> None:
    """Add one content event, given as its JSON object; a type this version does not know adds nothing."""
    match content.get("type"):
        case "text":
            draft.is_about(LineKind.TEXT).say(text_of(content.get("text")))
        case "thought":
            draft.is_about(LineKind.THOUGHT).say(text_of(content.get("text")))
        case "tool_call":
            draft.is_about(LineKind.TOOL).uses(text_of(content.get("tool")), server=text_of(content.get("server")))
            draft.takes(content.get("input"))
        case "tool_result":
            _tool_result(draft, content)
        case "command":
            _command(draft, content)
        case "files":
            draft.is_about(LineKind.FILES).changes(content.get("changes"))
            draft.mark_tool(text_of(content.get("tool")))
        case "usage":
            draft.is_about(LineKind.USAGE).spends(content)
        case "problem":
            draft.is_about(LineKind.ERROR).say(text_of(content.get("detail")))
            draft.mark_failed()
        case "plan":
            _plan(draft, content.get("steps"))
        case "unrecognised":
            draft.say(text_of(content.get("frame_type")))
        case _:
            pass


def _plan(draft: Draft, steps: object) -> None:
    for step in steps if isinstance(steps, list | tuple) else ():
        if isinstance(step, dict):
            draft.say(text_of(step.get("text")))


def _tool_result(draft: Draft, content: dict[str, Any]) -> None:
    draft.is_about(LineKind.TOOL).say(text_of(content.get("output")))
    draft.mark_tool(text_of(content.get("tool")))
    if content.get("ok") is False:
        draft.mark_failed()


def _command(draft: Draft, content: dict[str, Any]) -> None:
    draft.is_about(LineKind.COMMAND).runs(text_of(content.get("command")))
    draft.mark_tool(text_of(content.get("tool")))
    draft.exits(content.get("exit_code"))
    draft.say(text_of(content.get("output")))
