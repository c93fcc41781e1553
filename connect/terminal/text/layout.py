"""Text for a terminal: what agents say made harmless, wrapped by cells, put in boxes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, split_graphemes

from connect.terminal.text.characters import visible

Span = tuple[str, str]
"""A style class and a piece of text."""
Line = tuple[Span, ...]

NARROWEST = 20
WIDEST = 100
"""Longer lines are hard to read, however wide the window."""
_TAB = "    "
_LINE_ENDS = re.compile(r"\r\n|[\r\n\v\f\x85\u2028\u2029]")
_WORDS = re.compile(
    # A text without spaces may end a line between any two of its signs, but no line begins with a closing one.
    r"\s+|[\u3040-\u30ff\u3400-\u9fff\uff01-\uff60][\u3001\u3002\u300d\u300f\uff01\uff0c\uff1f\u30fc]*"
    r"|[^\s\u3040-\u30ff\u3400-\u9fff\uff01-\uff60]+"
)
_COLUMNS = re.compile(r" {0,4}\S+(?: \S+)* {2,}(?=\S)")
_MARK = re.compile(r" *(?:[✓✗!·…⚙±$] )?")


def harmless(text: str, *, exact: bool = False) -> str:
    """`text` with tabs expanded and everything that could steer a terminal or hide text made visible.

    `exact`: for what a person decides about, a command or a path: spaces that are none are made visible too.
    """
    return "\n".join(visible(line, exact=exact).replace("\t", _TAB) for line in _LINE_ENDS.split(text))


def one_line(text: str, *, limit: int = 200) -> str:
    """`text` made harmless, on one line, and cut at `limit` characters."""
    joined = " ".join(harmless(text).split())
    return joined if len(joined) <= limit else joined[: limit - 1] + "…"


def wrap(text: str, width: int, *, exact: bool = False) -> list[str]:
    """Harmless lines of at most `width` cells; breaks at spaces, keeps indentation and drawings as they are."""
    lines = harmless(text, exact=exact).split("\n")
    return [line[start:end] for line in map(str.rstrip, lines) for start, end in _breaks(line, width, hang=0)]


def fold(line: Line, width: int, *, hang: int | None = None) -> list[Line]:
    """A line of harmless text in lines of at most `width` cells; all but the first are set in by `hang`.

    By default below the text that follows a mark, or the second column of a list.
    """
    text = "".join(piece for _, piece in line)
    if cell_len(text) <= width or any("://" in word and cell_len(word) > width for word in text.split()):
        return [line]  # half an address leads nowhere: the terminal breaks it so that it can be taken as a whole
    hang = _hang(text, width) if hang is None else hang
    (start, end), *others = _breaks(text, width, hang=hang)
    indent: Line = (("", " " * hang),) if hang else ()
    return [_cut_out(line, start, end), *((*indent, *_cut_out(line, *place)) for place in others)]


def fit(lines: Iterable[Line], width: int) -> list[Line]:
    """All lines folded."""
    return [piece for line in lines for piece in fold(line, width)]


def box(title: str, body: Iterable[Line], *, width: int, style: str = "class:frame", foot: str = "") -> list[Line]:
    """`body` in a frame of `width` cells with `title` in its upper edge. Lines must fit `inner_width(width)`.

    `foot` stands at the right of the lower edge.
    """
    shown = cut(one_line(title), width - 6)
    top = f"┌─ {shown} " + "─" * (width - 5 - cell_len(shown)) + "┐"
    lines: list[Line] = [((style, top),)]
    lines += [_frame(line, width=width, style=style) for line in body]
    below = f" {foot} ─" if foot else ""
    lines.append(((style, "└" + "─" * (width - 2 - cell_len(below)) + below + "┘"),))
    return lines


def inner_width(width: int) -> int:
    """The cells of a line inside a box."""
    return width - 4


def usable_width(columns: int) -> int:
    """The width to draw in for a terminal of `columns`."""
    return max(NARROWEST, min(columns - 1, WIDEST))


def plain(lines: Iterable[Line]) -> str:
    """The lines without their styles."""
    return "\n".join("".join(text for _, text in line) for line in lines)


def paragraph(text: str, width: int, *, style: str = "", exact: bool = False) -> list[Line]:
    """Wrapped text as lines of one style."""
    return [((style, piece),) for piece in wrap(text, width, exact=exact)]


def _frame(line: Line, *, width: int, style: str) -> Line:
    used = sum(cell_len(text) for _, text in line)
    padding = " " * max(0, inner_width(width) - used)
    return ((style, "│ "), *line, ("", padding), (style, " │"))


def _breaks(text: str, width: int, *, hang: int) -> Iterator[tuple[int, int]]:
    """Where each line begins and ends: at most `width` cells, and `hang` less from the second on."""
    start = end = used = 0
    room = width
    for token in _WORDS.finditer(text):
        cells = cell_len(token[0])
        if token[0].isspace() or used + cells <= room:
            used += cells
            end = end if token[0].isspace() else token.end()
            continue
        if end > start:
            yield start, end
            room = width - hang
        start = end = token.start()
        used = cells
        *full, last = _chop(token[0], room)
        for piece in full:
            yield start, start + len(piece)
            start += len(piece)
            room = width - hang
        if full:
            used = cell_len(last)
        end = token.end()
    if end > start or not text:
        yield start, end


def _hang(text: str, width: int) -> int:
    mark = _MARK.match(text)
    indent = cell_len(mark[0]) if mark else 0
    columns = _COLUMNS.match(text)
    if columns is not None:
        second = cell_len(columns[0])
        indent = second if second <= width // 2 else indent + 2
    return min(indent, width // 2)


def _cut_out(line: Line, start: int, end: int) -> Line:
    spans: list[Span] = []
    at = 0
    for style, piece in line:
        part = piece[max(0, start - at) : max(0, end - at)]
        if part:
            spans.append((style, part))
        at += len(piece)
    return tuple(spans)


def _chop(word: str, width: int) -> list[str]:
    """A word in pieces of at most `width` cells, never through a character and its accents."""
    pieces = [""]
    room = width
    for start, end, cells in split_graphemes(word)[0]:
        if cells > room:
            pieces.append("")
            room = width
        pieces[-1] += word[start:end]
        room -= cells
    return pieces


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells."""
    return text if cell_len(text) <= width else _chop(text, max(1, width - 1))[0] + "…"
