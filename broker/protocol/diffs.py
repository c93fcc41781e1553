"""Unified diffs of what an agent wants to change."""

from __future__ import annotations

from difflib import unified_diff

_MAX_CHARACTERS = 256 * 1024
_MAX_LINES = 2_000
"""difflib is quadratic in the worst case; beyond this a person reads the file itself rather than a diff."""


def unified(path: str, *, old: str, new: str) -> str | None:
    """A unified diff, or None when the texts are too large to compare."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    if len(old) + len(new) > _MAX_CHARACTERS or len(before) + len(after) > _MAX_LINES:
        return None
    lines = unified_diff(before, after, fromfile=path, tofile=path)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
