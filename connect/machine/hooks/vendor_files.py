"""The hooks of a vendor's own settings file as ours, as far as they are plain commands; and what they are not. Pure.

The shapes are those of Claude Code 2.1 (settings.json, hooks.json), Codex 0.171 (hooks.json) and Gemini CLI 0.61.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from broker.domain.hooks.definitions import MAX_TIMEOUT_S
from broker.domain.hooks.templates import BadTemplate, parse_command

_MILLISECONDS = frozenset({"gemini"})
_EVENTS = {
    "Stop": "on_turn_complete",
    "AfterAgent": "on_turn_complete",
    "StopFailure": "on_turn_failed",
    "UserPromptSubmit": "on_turn_start",
    "BeforeAgent": "on_turn_start",
    "SessionStart": "on_agent_spawned",
    "SessionEnd": "on_agent_released",
    "PermissionRequest": "on_approval_needed",
    "Notification": "on_approval_needed",
    "PostToolUseFailure": "on_command_failed",
}
_AFTER_TOOL = frozenset({"PostToolUse", "AfterTool"})
_COMMANDS = frozenset({"Bash", "shell", "run_shell_command"})
_EDITS = frozenset({"Edit", "Write", "MultiEdit", "NotebookEdit", "apply_patch", "write_file", "replace"})
_PROJECT = re.compile(
    r"\"?\$\(git rev-parse --show-toplevel\)\"?|\"?\$\{?(?:CLAUDE|GEMINI|CODEX)_PROJECT_DIR\b\}?\"?",
)


@dataclass(frozen=True, slots=True)
class Converted:
    """A hook of ours: the event, and its action as the members of a YAML mapping."""

    event: str
    action: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Left:
    """What is not converted, or not quite, and why."""

    where: str
    why: str


def convert(text: str, *, vendor: str) -> Iterator[Converted | Left]:
    """Everything in a vendor's file, in its order. Raises `ValueError` for what is no JSON object with hooks."""
    found = json.loads(text)
    hooks = found.get("hooks") if isinstance(found, dict) else None
    if not isinstance(hooks, dict):
        raise ValueError("it holds no `hooks` object")  # noqa: TRY004 - a file's mistake, not a program's
    for event, groups in hooks.items():
        for number, group in enumerate(groups if isinstance(groups, list) else [groups]):
            yield from _group(event, group, where=f"{event}[{number}]", vendor=vendor)


def as_yaml(hooks: list[Converted], *, vendor: str) -> str:
    """A hooks file. Its scalars are JSON's, which YAML 1.2 takes as they are."""
    lines = ["hooks:", f"  {vendor}:" if hooks else f"  {vendor}: {{}}"]
    for event in dict.fromkeys(each.event for each in hooks):
        lines.append(f"    {event}:")
        for hook in hooks:
            if hook.event == event:
                members = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in hook.action.items()]
                lines += [f"      {'-' if not place else ' '} {each}" for place, each in enumerate(members)]
    return "\n".join(lines) + "\n"


def _group(event: str, group: object, *, where: str, vendor: str) -> Iterator[Converted | Left]:
    if not isinstance(group, dict):
        yield Left(where, "it is no object")
        return
    handlers = group.get("hooks")
    if not isinstance(handlers, list):
        flat = " (its command stands outside of an inner `hooks` list: the vendor runs nothing of it either)"
        yield Left(where, f"it has no list of `hooks`{flat if 'command' in group else ''}")
        return
    matcher = group.get("matcher")
    ours = list(_events(event, matcher if isinstance(matcher, str) else ""))
    if not ours:
        yield Left(where, _no_event(event, matcher))
        return
    if event in {"UserPromptSubmit", "BeforeAgent", "Stop", "AfterAgent"}:
        yield Left(where, f"converted to {ours[0]}: here it cannot hold anything up, whatever it exits with")
    for number, handler in enumerate(handlers):
        yield from _handler(ours, handler, where=f"{where}.hooks[{number}]", vendor=vendor)


def _events(event: str, matcher: str) -> Iterator[str]:
    if event not in _AFTER_TOOL:
        if event in _EVENTS:
            yield _EVENTS[event]
        return
    tools = set(re.split(r"[|()^$]+", matcher)) - {""}
    if tools <= _COMMANDS | _EDITS:
        if not tools or tools & _COMMANDS:
            yield "on_command"
        if not tools or tools & _EDITS:
            yield "on_file_change"


def _no_event(event: str, matcher: object) -> str:
    if event in _AFTER_TOOL:
        return f"no event here is for the tools {matcher!r}: on_command is for commands, on_file_change for edits"
    return f"no event here stands for {event!r}"


def _handler(events: list[str], handler: object, *, where: str, vendor: str) -> Iterator[Converted | Left]:
    command = handler.get("command") if isinstance(handler, dict) else None
    if not isinstance(handler, dict) or handler.get("type", "command") != "command" or not isinstance(command, str):
        yield Left(where, "only handlers of the type `command` can be converted")
        return
    action: dict[str, Any] = {"command": _PROJECT.sub("${project}", command)}
    arguments = handler.get("args")
    if isinstance(arguments, list):
        action["command"] = [action["command"], *(_PROJECT.sub("${project}", str(each)) for each in arguments)]
    else:
        try:
            parse_command(action["command"])
        except BadTemplate as error:
            yield Left(where, f"{command!r}: {error}")
            return
    if "timeoutSec" in handler:
        yield Left(where, "`timeoutSec` means nothing in a file: the vendor waits 600 s; here it is left at 60 s")
    timeout = handler.get("timeout")
    if isinstance(timeout, int | float) and timeout > 0:
        action["timeout"] = f"{min(MAX_TIMEOUT_S, timeout / (1000 if vendor in _MILLISECONDS else 1)):g}s"
    yield from (Converted(event, action) for event in events)
