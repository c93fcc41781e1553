"""One use of a tool, as rules look at it, whichever vendor's agent asks for it."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from broker.domain.approvals.tool_kinds import FILE_KINDS, OTHER_SHELLS, ToolKind, tool_kind

_MAX_PATHS = 200
_PATH_MEMBER = re.compile(r"path|file|folder|dir|uri|^source$|^destination$|^target$", re.IGNORECASE)
_NO_PATH_MEMBER = re.compile(r"text|content|string|diff|patch|pattern|type|mode|limit|offset", re.IGNORECASE)
_COMMAND_MEMBERS = ("command", "cmd", "script")
_NESTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """What an agent wants to do."""

    tool: str
    """The vendor's own name."""
    command: str | None = None
    """A command line, of the language of bash unless the tool is another shell."""
    paths: tuple[str, ...] = ()
    """The files it is about, as far as it says."""
    folder: str | None = None
    """The agent's: relative paths are inside it."""
    widens: tuple[str, ...] = ()
    """What it asks for beyond this use, in words. Rules never allow such a request."""

    @property
    def kind(self) -> ToolKind:
        """What the tool does."""
        return tool_kind(self.tool)

    @property
    def is_bash(self) -> bool:
        """Whether its command can be read; what a tool of another program takes for one is not known."""
        return self.kind is ToolKind.SHELL and self.tool.lower() not in OTHER_SHELLS

    @property
    def hides_paths(self) -> bool:
        """It is about files and does not say which, or runs what is not told."""
        return self.has_more_paths or (self.kind in FILE_KINDS and not self.paths) or self.hides_command

    @property
    def hides_command(self) -> bool:
        """It runs a command and does not say which: its program showed nothing that surely is the command."""
        return self.kind is ToolKind.SHELL and self.command is None

    @property
    def has_more_paths(self) -> bool:
        """It may name more files than are kept here."""
        return len(self.paths) >= _MAX_PATHS


def tool_use(
    *,
    tool: str,
    command: str | None,
    paths: Iterable[str],
    given: Mapping[str, Any] | None,
    folder: str | None,
    widens: tuple[str, ...] = (),
) -> ToolUse:
    """A use of a tool from what a vendor's request says; its input counts too, by the names of its members."""
    kind, named = tool_kind(tool), dict.fromkeys(paths)
    if command is None and kind in {ToolKind.SHELL, ToolKind.MCP, ToolKind.OTHER}:
        command = next((text for name in _COMMAND_MEMBERS if isinstance(text := (given or {}).get(name), str)), None)
    if kind is not ToolKind.SHELL:
        named |= dict.fromkeys(paths_in(given))
    return ToolUse(tool=tool, command=command, paths=tuple(named)[:_MAX_PATHS], folder=folder, widens=widens)


def paths_in(given: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The paths in a tool's input, by the names of its members."""
    found = dict.fromkeys(_paths(given, depth=_NESTED)) if given else {}
    return tuple(found)[:_MAX_PATHS]


def absolute(path: str, folder: str | None) -> str:
    """A path without `.`, `..` and doubled slashes, inside `folder` where it is relative."""
    if folder and not path.startswith("/"):
        path = posixpath.join(folder, path)
    return re.sub("^//", "/", posixpath.normpath(path)) if path else ""


def likeness(use: ToolUse, given: Mapping[str, Any] | None, changes: Iterable[tuple[str, str]]) -> str:
    """A digest that two requests share when they are for the same: command, or changes, or tool and input.

    Of an edit what is done to which file counts, not the new text; `changes` are pairs of a path and how it changes.
    '' for a request that does not say what it is about, or asks for more than itself: no other is like it.
    """
    if use.widens or use.hides_paths or not (use.command or use.paths or given):
        return ""
    about: list[object] = [use.kind, use.tool.lower(), use.command, use.folder]
    if use.kind in {ToolKind.EDIT, ToolKind.DELETE, ToolKind.MOVE} and use.paths:
        changed = sorted({(absolute(path, use.folder), how) for path, how in changes})
        about += [sorted({absolute(path, use.folder) for path in use.paths}), changed]
    elif use.command is None:
        about.append(given)
    return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()


def _paths(given: object, *, depth: int, member: str = "") -> Iterator[str]:
    match given:
        case str() if given and _PATH_MEMBER.search(member) and not _NO_PATH_MEMBER.search(member):
            yield _local(given)
        case Mapping() if depth:
            for name, each in given.items():
                yield from _paths(each, depth=depth - 1, member=str(name))
        case list() | tuple() if depth:
            for each in given[:_MAX_PATHS]:
                yield from _paths(each, depth=depth, member=member) if not isinstance(each, list) else ()
        case _:
            return


def _local(path: str) -> str:
    """The path of a `file:` URL; anything else as it is."""
    return unquote(urlsplit(path).path) if path.lower().startswith("file:") else path
