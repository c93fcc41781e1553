"""What a folder itself tells agents to run: files of a repository that the vendors' programs load by themselves."""

from __future__ import annotations

from pathlib import Path

_LOADED = (
    ".mcp.json",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/hooks",
    ".codex/config.toml",
    ".codex/hooks.json",
    ".gemini/settings.json",
    ".gemini/extensions",
    ".gemini/.env",
)
"""Servers of tools, hooks and variables: each can start a program before anybody was asked."""


def find_loaded_by_agents(folder: Path) -> list[str]:
    """Those files that `folder` has. To allow a folder is to trust them.

    Gemini could be started without trust, but then it has no tools at all, the relay's included; the others have no
    such choice where nobody sits in front of them.
    """
    return [name for name in _LOADED if (folder / name).exists()]
