"""One vocabulary for what vendors call their tools: `Bash`, `commandExecution` and `execute` are one thing.

The names are those of Claude Code (its tool list), Codex (the types of its thread items), the Agent Client Protocol
(`ToolKind`, version 1) and Gemini's own tools.
"""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum


class ToolKind(StrEnum):
    """What a tool does."""

    SHELL = "shell"
    READ = "read"
    SEARCH = "search"
    """Shows what is in files that it finds itself."""
    LIST = "list"
    """Shows the names of files."""
    EDIT = "edit"
    DELETE = "delete"
    MOVE = "move"
    FETCH = "fetch"
    MCP = "mcp"
    """A tool of another program, `mcp__<server>__<tool>`."""
    OTHER = "other"


_NAMES: dict[ToolKind, str] = {
    ToolKind.SHELL: "Bash commandExecution execute run_shell_command shell local_shell exec_command Monitor PowerShell",
    ToolKind.READ: "Read NotebookRead read_file read_many_files view imageView",
    ToolKind.SEARCH: "Grep search search_file_content",
    ToolKind.LIST: "Glob LS list_directory",
    ToolKind.EDIT: "Write Edit MultiEdit NotebookEdit fileChange write_file replace apply_patch",
    ToolKind.DELETE: "delete",
    ToolKind.MOVE: "move",
    ToolKind.FETCH: "WebFetch fetch web_fetch",
}
_KINDS = {name.lower(): kind for kind, names in _NAMES.items() for name in f"{kind} {names}".split()}
_SYNONYMS: dict[ToolKind, tuple[str, ...]] = defaultdict(
    tuple, {kind: tuple(f"{kind} {names}".lower().split()) for kind, names in _NAMES.items()}
)
_MCP_PREFIX = "mcp__"

FILE_KINDS = frozenset({ToolKind.READ, ToolKind.SEARCH, ToolKind.LIST, ToolKind.EDIT, ToolKind.DELETE, ToolKind.MOVE})
"""Those that are about files, whose paths a request of them has to name."""
OTHER_SHELLS = frozenset({"powershell"})
"""Tools of the kind `shell` whose language is not that of bash: what they are given cannot be read here."""


def tool_kind(tool: str) -> ToolKind:
    """What a tool does, by any vendor's name for it."""
    name = tool.lower()
    if name.startswith(_MCP_PREFIX):
        return ToolKind.MCP
    return _KINDS.get(name, ToolKind.OTHER)


def tool_names(tool: str) -> tuple[str, ...]:
    """All names of a tool, in lower case: its own, its kind's, and other vendors' for the same kind."""
    return tuple(dict.fromkeys((tool.lower(), *_SYNONYMS[tool_kind(tool)])))
