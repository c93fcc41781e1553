"""Text for a terminal: what agents say made harmless, wrapped by cells, put in boxes. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, split_graphemes

Span = tuple[str, str]
"""A style class and a piece of text."""
Line = tuple[Span, ...]

NARROWEST = 20
WIDEST = 100
"""Longer lines are hard to read, however wide the window."""
_TAB = "    "
_LINE_ENDS = re.compile(r"\r\n|[\r\n\v\f\x85\u2028\u2029]")
_PICTURES = 0x2400
"""Unicode's pictures of the control characters: ␛ for ESC."""
_DELETE_PICTURE = "\u2421"
_FLAG_AND_EMOJI_JOINERS = frozenset("\u200d")


def harmless(text: str) -> str:
    """`text` with tabs expanded and everything that could steer a terminal or hide text made visible."""
    return "\n".join("".join(map(_visible, line)) for line in _LINE_ENDS.split(text))


def one_line(text: str, *, limit: int = 200) -> str:
    """`text` made harmless, on one line, and cut at `limit` characters."""
    joined = " ".join(harmless(text).split())
    return joined if len(joined) <= limit else joined[: limit - 1] + "…"


def wrap(text: str, width: int) -> list[str]:
    """Harmless lines of at most `width` cells; breaks at spaces, keeps indentation and drawings as they are."""
    return [piece for line in harmless(text).split("\n") for piece in _wrap_line(line.rstrip(), width)]


def box(title: str, body: Iterable[Line], *, width: int, style: str = "class:frame") -> list[Line]:
    """`body` in a frame of `width` cells with `title` in its upper edge. Lines must fit `inner_width(width)`."""
    shown = _cut(one_line(title), width - 6)
    top = f"┌─ {shown} " + "─" * (width - 5 - cell_len(shown)) + "┐"
    lines: list[Line] = [((style, top),)]
    lines += [_framed(line, width=width, style=style) for line in body]
    lines.append(((style, "└" + "─" * (width - 2) + "┘"),))
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


def paragraph(text: str, width: int, *, style: str = "") -> list[Line]:
    """Wrapped text as lines of one style."""
    return [((style, piece),) for piece in wrap(text, width)]


def _framed(line: Line, *, width: int, style: str) -> Line:
    used = sum(cell_len(text) for _, text in line)
    padding = " " * max(0, inner_width(width) - used)
    return ((style, "│ "), *line, ("", padding), (style, " │"))


def _visible(character: str) -> str:
    code = ord(character)
    if character == "\t":
        return _TAB
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return _DELETE_PICTURE
    match unicodedata.category(character):
        # Cf holds the direction overrides that let text show in another order than it has.
        case "Cc" | "Cs" | "Cf" if character not in _FLAG_AND_EMOJI_JOINERS:
            return f"⟨U+{code:04X}⟩"
        case _:
            return character


def _wrap_line(line: str, width: int) -> Iterator[str]:
    if cell_len(line) <= width:
        yield line
        return
    current = ""
    for word in re.findall(r"\s+|\S+", line):
        if cell_len(current) + cell_len(word) <= width:
            current += word
            continue
        if current.strip():
            yield current.rstrip()
        *full, current = _chop(word, width) if word.strip() else [""]
        yield from full
    if current.strip():
        yield current.rstrip()


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


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else _chop(text, max(1, width - 1))[0] + "…"
