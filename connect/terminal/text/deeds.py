"""What agents do, in a few words for a line. Pure."""

from __future__ import annotations

import json
from typing import Any

from broker.protocol.agents.events import CommandRan, FilesChanged, ToolCalled
from connect.terminal.text.layout import one_line

_SAYING = (
    "command",
    "cmd",
    "file_path",
    "filePath",
    "path",
    "notebook_path",
    "pattern",
    "query",
    "url",
    "name",
    "prompt",
)
"""Arguments that say by themselves what a tool is used for, the best first."""
_LONGEST = 160


def tool_words(call: ToolCalled) -> str:
    """`Bash pytest -q`, `relay_send → Opponent: Your move.`, `Grep TODO`."""
    given = _argument(call.input or {})
    return one_line(f"{call.tool} {given}".rstrip(), limit=_LONGEST)


def command_words(ran: CommandRan) -> str:
    """`$ npm test → exit 1`."""
    ending = "" if ran.exit_code is None else f" → exit {ran.exit_code}"
    return f"$ {one_line(ran.command, limit=_LONGEST)}{ending}"


def file_words(changed: FilesChanged) -> list[str]:
    """`add src/a.py`, one for each file."""
    return [f"{each.change} {one_line(each.path)}" for each in changed.changes]


def _argument(given: dict[str, Any]) -> str:
    text = given.get("text") or given.get("message")
    if isinstance(given.get("to"), str) and isinstance(text, str):
        return f"→ {given['to']}: {text}"
    for name in _SAYING:
        value = given.get(name)
        if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
            return " ".join(value)
        if isinstance(value, str) and value:
            return value
    return json.dumps(given, ensure_ascii=False) if given else ""
