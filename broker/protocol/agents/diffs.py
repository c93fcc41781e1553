"""Unified diffs of what an agent wants to change."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import unified_diff
from itertools import takewhile

_MAX_CHARACTERS = 256 * 1024
_MAX_LINES = 2_000
"""difflib is quadratic in the worst case; beyond this only what both texts begin and end with is compared."""
_SHOWN_LINES = 200
"""Of what a large change removes, and of what it adds."""
_SHOWN_CHARACTERS = 16 * 1024


def unified(path: str, *, old: str, new: str) -> str:
    """A unified diff. Of a change too large to compare, its head, and a last line `\\ cut: …` with its whole size.

    Its hunk still says how long it is, so that nobody who draws diffs takes the head for all of it.
    """
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    if len(old) + len(new) > _MAX_CHARACTERS or len(before) + len(after) > _MAX_LINES:
        return _head(path, before, after)
    return "".join(_ended(line) for line in unified_diff(before, after, fromfile=path, tofile=path))


def _head(path: str, before: Sequence[str], after: Sequence[str]) -> str:
    first = _alike(before, after)
    last = min(_alike(before[::-1], after[::-1]), len(before) - first, len(after) - first)
    removed, added = before[first : len(before) - last], after[first : len(after) - last]
    if not removed and not added:
        return ""
    hunk = f"@@ -{_range(first, removed)} +{_range(first, added)} @@\n"
    size = sum(map(len, removed)) + sum(map(len, added))
    cut = f"\\ cut: {len(removed):,} lines are removed and {len(added):,} added, {size:,} characters in all\n"
    return "".join([f"--- {path}\n+++ {path}\n", hunk, *_shown("-", removed), *_shown("+", added), cut])


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _range(first: int, lines: Sequence[str]) -> str:
    return f"{first + 1 if lines else first},{len(lines)}"


def _shown(sign: str, lines: Sequence[str]) -> list[str]:
    shown, room = [], _SHOWN_CHARACTERS
    for line in lines[:_SHOWN_LINES]:
        if room <= 0:
            break
        shown.append(_ended(sign + line) if len(line) <= room else f"{sign}{line[:room]}…\n")
        room -= len(line)
    return shown


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
