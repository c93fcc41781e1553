"""The hooks of a vendor's own settings file as ours, as far as they are plain commands; and what they are not. Pure.

What the vendor waits for is waited for here, too; what only the vendor can be told is said.

The shapes are those of Claude Code 2.1 (settings.json, hooks.json), Codex 0.171 (hooks.json) and Gemini CLI 0.61.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from broker.domain.hooks import blocking
from broker.domain.hooks.definitions import MAX_TIMEOUT_S
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.templates import BadTemplate, parse_command

_MILLISECONDS = frozenset({"gemini"})
_EVENTS = {
    "PreToolUse": "before_tool",
    "BeforeTool": "before_tool",
    "UserPromptSubmit": "before_turn",
    "BeforeAgent": "before_turn",
    "Stop": "before_stop",
    "AfterAgent": "before_stop",
    "StopFailure": "on_turn_failed",
    "SessionStart": "on_agent_spawned",
    "SessionEnd": "on_agent_released",
    "PermissionRequest": "on_approval_needed",
    "Notification": "on_approval_needed",
    "PostToolUseFailure": "on_command_failed",
}
_UNHELD = {"before_tool": "", "before_turn": "on_turn_start", "before_stop": "on_turn_complete"}
"""What stands for a hook that its vendor does not wait for (`async`), or that cannot hold its agent up here."""
_DECIDES = frozenset({"PermissionRequest"})
_OTHER_JSON = (
    "exit code 2 refuses, as it does there; what it reads and prints as JSON has other names here"
    ' (`data.tool`, `data.command`, `data.input`; `{"decision": "deny", "reason": …}`)'
)
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
    ours = list(_events(event, matcher if isinstance(matcher, str) else "", vendor=vendor))
    if not ours:
        yield Left(where, _no_event(event, matcher))
        return
    tools = _tools(matcher) if ours == ["before_tool"] else ()
    if tools is None:
        yield Left(where, f"the tools {matcher!r} cannot be written as names with `*`")
        return
    given: dict[str, Any] = {"decides": True} if event in _DECIDES else {}
    if tools:
        given["when"] = {"tool": list(tools)}
    yield from _notes(event, ours[0], where=where, vendor=vendor)
    for number, handler in enumerate(handlers):
        yield from _handler(ours, handler, where=f"{where}.hooks[{number}]", vendor=vendor, given=given)


def _notes(event: str, ours: str, *, where: str, vendor: str) -> Iterator[Left]:
    """What is other here than the vendor has it."""
    if ours.startswith("before_") or event in _DECIDES:
        closed = "; a failure refuses the tool (`on_error: allow` lets it run)" if ours == "before_tool" else ""
        yield Left(where, f"converted to {ours}: {_OTHER_JSON}{closed}")
    if ours == "before_tool" and not blocking.can_be_held(vendor):
        yield Left(where, f"{vendor} is held only before the tools that it asks permission for")
    if event in {"Stop", "AfterAgent"} and ours != "before_stop":
        yield Left(where, f"converted to {ours}: {vendor} does not ask before it ends a turn")


def _tools(matcher: object) -> tuple[str, ...] | None:
    """The tools of a matcher as patterns; () for all, None for what only a regular expression says."""
    if not isinstance(matcher, str) or matcher in {"", "*", ".*"}:
        return ()
    names = tuple(each.replace(".*", "*") for each in matcher.strip("^$()").split("|"))
    return names if all(re.fullmatch(r"[\w:/*-]+", each) for each in names) else None


def _events(event: str, matcher: str, *, vendor: str) -> Iterator[str]:
    if event not in _AFTER_TOOL:
        ours = _EVENTS.get(event)
        if ours == "before_stop" and not blocking.can_be_held(vendor):
            ours = _UNHELD[ours]
        if ours:
            yield ours
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
    named = next((each for each in (*_EVENTS, *_AFTER_TOOL) if each.lower() == event.lower()), None)
    if named:
        return f"the vendor knows no event {event!r} and runs nothing of it; did you mean {named!r}?"
    return f"no event here stands for {event!r}"


def _handler(
    events: list[str], handler: object, *, where: str, vendor: str, given: Mapping[str, Any]
) -> Iterator[Converted | Left]:
    command = handler.get("command") if isinstance(handler, dict) else None
    if not isinstance(handler, dict) or handler.get("type", "command") != "command" or not isinstance(command, str):
        yield Left(where, "only handlers of the type `command` can be converted")
        return
    if handler.get("if"):
        yield Left(where, f"its condition {handler['if']!r} is the vendor's: write it as `when`")
        return
    if handler.get("async"):
        events = [each for each in (_UNHELD.get(each, each) for each in events) if each]
        given = {}
        if not events:
            yield Left(where, "the vendor does not wait for it, and here each hook before a tool is waited for")
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
    seconds = timeout / (1000 if vendor in _MILLISECONDS else 1) if isinstance(timeout, int | float) else 0
    for event in events:
        most = blocking.MAX_TIMEOUT_S.get(HookEvent(event), MAX_TIMEOUT_S)
        if seconds > most and event.startswith("before_"):
            yield Left(where, f"{event} is waited for {most:g} s at most, and it had {seconds:g} s")
        timed = {"timeout": f"{min(most, seconds):g}s"} if seconds > 0 else {}
        yield Converted(event, {**action, **timed, **given})
