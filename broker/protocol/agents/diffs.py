"""Unified diffs of what an agent wants to change."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher, unified_diff
from itertools import takewhile
from typing import NamedTuple

from broker.domain.approvals.changes import CUT_MARK

_MAX_CHARACTERS = 256 * 1024
"""Of both texts that are compared as they are."""
_MAX_DIFF = 512 * 1024
"""Of a diff: ten thousand lines of a usual length."""
_MAX_LINES = 2_000
"""difflib is quadratic in the worst case; longer texts are compared between the lines that each has once."""
_MAX_COMPARED = 400
"""Between two of those; a longer stretch is replaced as a whole."""
_MAX_ANCHORED = 200_000
"""Of both texts: beyond it only what both begin and end with is compared."""
_CONTEXT = 3
_HUNK_LINES = 400
"""A longer hunk takes no further change, so that a diff can be cut between hunks."""
_SHOWN_LINES = 200
"""Of what a hunk that is too large removes, and of what it adds."""
_SHOWN_CHARACTERS = 16 * 1024


class _Change(NamedTuple):
    """Lines that others take the place of."""

    old: range
    new: range


def render_diff(path: str, *, old: str, new: str) -> str:
    """A unified diff. A large one ends behind a whole hunk, with a last line `\\ cut: …` that tells of the rest.

    Of a hunk that is too large by itself, its head: it still says how long it is, so that nobody who draws diffs takes
    the head for all of it.
    """
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    if len(old) + len(new) > _MAX_CHARACTERS or len(before) + len(after) > _MAX_LINES:
        return _large(path, before, after)
    return "".join(_end_line(line) for line in unified_diff(before, after, fromfile=path, tofile=path))


def _large(path: str, before: Sequence[str], after: Sequence[str]) -> str:
    hunks = list(_hunks(_changes(before, after)))
    if not hunks:
        return ""
    ends = [*(hunk[0].old.start for hunk in hunks[1:]), len(before)]
    shown, room, told = [f"--- {path}\n+++ {path}\n"], _MAX_DIFF, 0
    for place, (hunk, end) in enumerate(zip(hunks, ends, strict=True)):
        around = range(max(hunk[0].old.start - _CONTEXT, told), min(hunk[-1].old.stop + _CONTEXT, end))
        text = _render(hunk, before, after, around=around)
        if len(text) > room:
            head = _head(hunk, before, after) if place == 0 else ""
            return "".join((*shown, head, _cut(hunks[place:], before, after)))
        shown.append(text)
        room -= len(text)
        told = around.stop
    return "".join(shown)


def _changes(before: Sequence[str], after: Sequence[str]) -> Iterator[_Change]:
    """What differs, from the beginning to the end."""
    first, old_end, new_end = _trim(before, after)
    between = _Change(range(first, old_end), range(first, new_end))
    if _is_comparable(between, before, after, most=_MAX_LINES) or _lines(between) > _MAX_ANCHORED:
        yield from _compare(between, before, after, most=_MAX_LINES)
        return
    old_at, new_at = first, first
    for old, new in [*_anchors(between, before, after), (old_end, new_end)]:
        if old > old_at or new > new_at:
            yield from _compare(_Change(range(old_at, old), range(new_at, new)), before, after, most=_MAX_COMPARED)
        old_at, new_at = old + 1, new + 1


def _trim(before: Sequence[str], after: Sequence[str]) -> tuple[int, int, int]:
    """Where they begin to differ, and where each of them ends to."""
    first = _alike(before, after)
    last = min(_alike(before[::-1], after[::-1]), len(before) - first, len(after) - first)
    return first, len(before) - last, len(after) - last


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _anchors(between: _Change, before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """Lines that both have exactly once, as many as stand in one order: there the two match (a patience diff)."""
    once = Counter(before[place] for place in between.old)
    places = {after[place]: place for place in between.new}
    counted = Counter(after[place] for place in between.new)
    pairs = [(old, places[line]) for old in between.old if once[line := before[old]] == 1 and counted[line] == 1]
    ends: list[int] = []
    lengths: list[int] = []
    for _, new in pairs:
        length = bisect_left(ends, new)
        ends[length : length + 1] = [new]
        lengths.append(length)
    found: list[tuple[int, int]] = []
    wanted = len(ends) - 1
    for pair, length in zip(reversed(pairs), reversed(lengths), strict=True):
        if length == wanted and (not found or pair[1] < found[-1][1]):
            found.append(pair)
            wanted -= 1
    return found[::-1]


def _compare(between: _Change, before: Sequence[str], after: Sequence[str], *, most: int) -> Iterator[_Change]:
    old, new = before[between.old.start : between.old.stop], after[between.new.start : between.new.stop]
    if not _is_comparable(between, before, after, most=most):
        yield between
        return
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new).get_opcodes():
        if tag != "equal":
            yield _Change(
                range(between.old.start + old_from, between.old.start + old_to),
                range(between.new.start + new_from, between.new.start + new_to),
            )


def _is_comparable(between: _Change, before: Sequence[str], after: Sequence[str], *, most: int) -> bool:
    return _lines(between) <= most and _characters(between, before, after) <= _MAX_CHARACTERS


def _lines(change: _Change) -> int:
    return len(change.old) + len(change.new)


def _characters(change: _Change, before: Sequence[str], after: Sequence[str]) -> int:
    old, new = before[change.old.start : change.old.stop], after[change.new.start : change.new.stop]
    return sum(map(len, old)) + sum(map(len, new))


def _hunks(changes: Iterator[_Change]) -> Iterator[list[_Change]]:
    """The changes that share the lines around them, as many as a hunk takes."""
    hunk: list[_Change] = []
    length = 0
    for change in changes:
        if hunk and (change.old.start - hunk[-1].old.stop > 2 * _CONTEXT or length > _HUNK_LINES):
            yield hunk
            hunk, length = [], 0
        hunk.append(change)
        length += _lines(change)
    if hunk:
        yield hunk


def _render(hunk: Sequence[_Change], before: Sequence[str], after: Sequence[str], *, around: range) -> str:
    """`around`: the old lines that the hunk shows, with those that stay."""
    new_from = hunk[0].new.start - (hunk[0].old.start - around.start)
    new_to = hunk[-1].new.stop + (around.stop - hunk[-1].old.stop)
    lines = [f"@@ -{_range(around)} +{_range(range(new_from, new_to))} @@\n"]
    at = around.start
    for change in hunk:
        lines += [_end_line(f" {before[place]}") for place in range(at, change.old.start)]
        lines += [_end_line(f"-{before[place]}") for place in change.old]
        lines += [_end_line(f"+{after[place]}") for place in change.new]
        at = change.old.stop
    lines += [_end_line(f" {before[place]}") for place in range(at, around.stop)]
    return "".join(lines)


def _head(hunk: Sequence[_Change], before: Sequence[str], after: Sequence[str]) -> str:
    old, new = range(hunk[0].old.start, hunk[-1].old.stop), range(hunk[0].new.start, hunk[-1].new.stop)
    removed, added = before[old.start : old.stop], after[new.start : new.stop]
    return "".join([f"@@ -{_range(old)} +{_range(new)} @@\n", *_show("-", removed), *_show("+", added)])


def _cut(hunks: Sequence[Sequence[_Change]], before: Sequence[str], after: Sequence[str]) -> str:
    changes = [change for hunk in hunks for change in hunk]
    removed, added = (sum(len(change[side]) for change in changes) for side in (0, 1))
    size = sum(_characters(change, before, after) for change in changes)
    rest = "1 hunk is" if len(hunks) == 1 else f"{len(hunks):,} hunks are"
    lines = f"{removed:,} lines are removed and {added:,} added, {size:,} characters in all"
    return f"{CUT_MARK}{rest} not shown whole, in which {lines}\n"


def _range(lines: range) -> str:
    return f"{lines.start + 1 if lines else lines.start},{len(lines)}"


def _show(sign: str, lines: Sequence[str]) -> list[str]:
    shown, room = [], _SHOWN_CHARACTERS
    for line in lines[:_SHOWN_LINES]:
        if room <= 0:
            break
        shown.append(_end_line(sign + line) if len(line) <= room else f"{sign}{line[:room]}…\n")
        room -= len(line)
    return shown


def _end_line(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
