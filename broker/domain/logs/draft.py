"""A line while it is put together from the parts of an event."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from broker.domain.logs.redaction.encodings import COLOUR
from broker.domain.logs.rows import LineKind

_MCP_TOOL = re.compile(r"mcp__(.+?)__(.+)")
_PATH_MEMBERS = ("file_path", "path", "notebook_path", "paths")
_STEERING = re.compile(rf"({COLOUR})|(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]|\x1b[ -/]*+[0-OQ-WYZ`-~]")
"""What terminals are sent besides text and ends with a letter, which the index would take for the next word's first.

ECMA-48: CSI, and the short sequences. Links, titles and other strings (OSC, DCS, …) are left: they end with no letter.
"""
_BY_PRIORITY = {kind: place for place, kind in enumerate(LineKind)}
_MAX_COUNT = 2**40
"""No conversation has spent a trillion tokens; a larger figure is a mistake, and must not break a column or a sum."""
_MAX_COST = 1e9
_EXIT_CODES = range(-(2**31), 2**31)
"""Windows' status codes fill 32 bits; anything wider is no exit code and would not fit its column."""


@dataclass(slots=True)
class Draft:
    """Grows part by part; each part is added once, in the order of the event."""

    kind: LineKind = LineKind.FRAME
    tool: str = ""
    command: str = ""
    exit_code: int | None = None
    ok: bool = True
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    cumulative: bool = False
    _paths: list[str] = field(default_factory=list)
    _diffs: list[str] = field(default_factory=list)
    _said: list[str] = field(default_factory=list)

    @property
    def paths(self) -> tuple[str, ...]:
        """Each path once, in order."""
        return tuple(dict.fromkeys(self._paths))

    @property
    def diff(self) -> str:
        """The diffs of all files."""
        return "\n".join(self._diffs)

    @property
    def text(self) -> str:
        """What full-text search looks at."""
        return "\n".join(self._said)

    def is_about(self, kind: LineKind) -> Self:
        """One aspect of the event; of several the first in the order of `LineKind` names the line."""
        if _BY_PRIORITY[kind] < _BY_PRIORITY[self.kind]:
            self.kind = kind
        return self

    def say(self, text: str) -> None:
        """Add to what full-text search looks at, without what steers a terminal."""
        if text:
            self._said.append(_plain(text))

    def mark_failed(self) -> None:
        """Something about the event did not go well."""
        self.ok = False

    def uses(self, tool: str, *, server: str = "") -> None:
        """A tool by its own name, however the vendor joins it with its server's."""
        joined = _MCP_TOOL.fullmatch(tool)
        if joined:
            server, tool = joined[1], joined[2]
        self.tool = tool
        self.say(f"{tool} ({server})" if server else tool)

    def mark_tool(self, tool: str) -> None:
        """The tool whose result this is; it is found by its name, but the name is not among the words."""
        self.tool = tool or self.tool

    def runs(self, command: str) -> None:
        """A command line."""
        if command:
            self.command = command
            self.say(command)

    def exits(self, code: object) -> None:
        """The command's exit status; anything but 0 is a failure, none at all is not."""
        if isinstance(code, int) and not isinstance(code, bool) and code in _EXIT_CODES:
            self.exit_code = code
            self.ok = self.ok and code == 0

    def takes(self, arguments: object) -> None:
        """What a tool is called with."""
        if not isinstance(arguments, dict):
            return
        self.runs(text_of(arguments.get("command")))
        for member in _PATH_MEMBERS:
            value = arguments.get(member)
            self._paths += [path for each in (value if isinstance(value, list) else [value]) if (path := text_of(each))]
        self.say(readable({name: value for name, value in arguments.items() if value != self.command}))

    def changes(self, changes: object) -> None:
        """Edited files."""
        for change in changes if isinstance(changes, list | tuple) else ():
            if isinstance(change, dict) and (path := text_of(change.get("path"))):
                self._change(path, word=text_of(change.get("change")) or "update", diff=text_of(change.get("diff")))

    def _change(self, path: str, *, word: str, diff: str) -> None:
        self._paths.append(path)
        self.say(f"{word} {path}")
        if diff:
            # A vendor's bare hunks, or the whole text of a new file, do not say which file they are of.
            self._diffs.append(diff if diff.startswith(f"--- {path}") else f"--- {path}\n+++ {path}\n{diff}")
            self.say(diff)

    def spends(self, usage: dict[str, Any]) -> None:
        """Usage; figures that count from the conversation's start replace what was there."""
        self.cumulative = usage.get("cumulative") is True
        kept = 0 if self.cumulative else 1
        self.input_tokens = kept * self.input_tokens + _count(usage.get("input_tokens"))
        self.output_tokens = kept * self.output_tokens + _count(usage.get("output_tokens"))
        self.cached_tokens = kept * self.cached_tokens + _count(usage.get("cached_tokens"))
        self.cost_usd = kept * self.cost_usd + _cost(usage.get("cost_usd"))


def _plain(text: str) -> str:
    """As it is read. Only what redaction sees through vanishes: no secret that something else parts becomes whole."""
    if "\x1b" not in text and "\x9b" not in text:
        return text
    return _STEERING.sub(lambda found: "" if found[1] else " ", text)


def text_of(value: object) -> str:
    """A string as it is; '' for anything else."""
    return value if isinstance(value, str) else ""


def readable(value: object) -> str:
    """JSON for people: a line `name: value` for each leaf that says something, without brackets and quotes."""
    return "\n".join(f"{name}: {_show(leaf)}" if name else _show(leaf) for name, leaf in _leaves(value))


def _show(leaf: object) -> str:
    return str(leaf).lower() if isinstance(leaf, bool) else str(leaf)


def _leaves(value: object) -> Iterator[tuple[str, object]]:
    """Name and value, in order; not recursive, because agents may nest as deep as they like."""
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        name, each = waiting.pop()
        if isinstance(each, dict):
            waiting += [(str(key), inner) for key, inner in reversed(each.items())]
        elif isinstance(each, list | tuple):
            waiting += [(name, inner) for inner in reversed(each)]
        elif each not in {None, ""}:
            yield name, each


def _count(value: object) -> int:
    return min(max(value, 0), _MAX_COUNT) if isinstance(value, int) and not isinstance(value, bool) else 0


def _cost(value: object) -> float:
    return float(value) if isinstance(value, int | float) and value is not True and 0 < value < _MAX_COST else 0.0
