"""Words of a shell command line, in pieces, and what the shell makes of them before it runs a program.

Protocol source: the Bash Reference Manual 5.2, "Quoting" and "Shell Expansions".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from broker.domain.approvals.patterns import UNKNOWN

_MAX_BRACES = 64
"""How many words one pair of braces may make; more are not known."""
_MAX_PAIRS = 12
_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c(.)|(.))", re.DOTALL
)
_ESCAPED = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a word."""

    value: str
    """What it becomes; `UNKNOWN` where the shell alone can say."""
    written: str
    """The same with expansions as they are written: `$HOME`, `*.py`."""
    mark: str = ""
    """`{`, `,` or `}` of a brace expansion; a blank where the word is split in two."""
    bare: bool = True
    """Neither quoted nor expanded."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as a program gets it."""

    value: str
    written: str
    bare: bool = False
    """Written without quotes and expansions: only such a word can be a keyword of the shell."""
    assigns: bool = False
    """It has the form `name=value`."""

    @property
    def is_known(self) -> bool:
        """Whether the shell would make exactly this of it."""
        return UNKNOWN not in self.value


NOTHING_KNOWN = Word(UNKNOWN, "…")


def words_of(pieces: Sequence[Piece], *, assigns: bool) -> list[Word]:
    """The words that pieces make: braces expanded, then split where a value is known to be blank."""
    if any(piece.mark == "[" for piece in pieces):
        pieces = list(_without_classes(pieces))
    if not any(piece.mark for piece in pieces):
        return [_join(pieces, assigns=assigns)]
    if sum(piece.mark == "{" for piece in pieces) > _MAX_PAIRS:
        return [NOTHING_KNOWN]
    expanded = [list(pieces)] if assigns else list(islice(_expand(list(pieces)), _MAX_BRACES + 1))
    if len(expanded) > _MAX_BRACES:
        return [NOTHING_KNOWN]
    return [_join(part, assigns=assigns) for each in expanded for part in _split(each) if part]


def _without_classes(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """`[…]` stands for a character that is not known; without an end, the bracket is one itself."""
    rest = list(pieces)
    while rest:
        piece = rest.pop(0)
        if piece.mark != "[":
            yield piece
            continue
        end = next((at for at, each in enumerate(rest) if each.bare and "]" in each.value), None)
        if end is None:
            yield Piece("[", "[")
            continue
        inside, behind = rest[: end + 1], rest[end].value.rpartition("]")[2]
        yield Piece(UNKNOWN, "[" + "".join(each.written for each in inside).removesuffix(behind), bare=False)
        rest[: end + 1] = [Piece(behind, behind)] if behind else []


def _join(pieces: Sequence[Piece], *, assigns: bool) -> Word:
    value, written = "".join(p.value for p in pieces), "".join(p.written for p in pieces)
    return Word(value, written, all(p.bare for p in pieces), assigns)


def _split(pieces: list[Piece]) -> Iterator[list[Piece]]:
    part: list[Piece] = []
    for piece in pieces:
        if piece.mark == " ":
            yield part
            part = []
        else:
            part.append(piece)
    yield part


def _expand(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """`a{b,c}d` is `abd` and `acd`; braces without a comma stand for themselves, but for `{1..9}`."""
    found = _first_braces(pieces)
    if found is None:
        yield pieces
        return
    start, commas, end = found
    edges = [start, *commas, end]
    for before, after in pairwise(edges):
        yield from _expand([*pieces[:start], *pieces[before + 1 : after], *pieces[end + 1 :]])


def _first_braces(pieces: list[Piece]) -> tuple[int, list[int], int] | None:
    """Where the first pair of braces that expands begins, has its commas, and ends. A sequence becomes unknown."""
    opened: list[tuple[int, list[int]]] = []
    pairs: list[tuple[int, list[int], int]] = []
    for place, piece in enumerate(pieces):
        if piece.mark == "{":
            opened.append((place, []))
        elif piece.mark == "," and opened:
            opened[-1][1].append(place)
        elif piece.mark == "}" and opened:
            start, commas = opened.pop()
            if commas:
                pairs.append((start, commas, place))
            elif ".." in "".join(each.value for each in pieces[start + 1 : place]):
                pieces[start : place + 1] = [Piece(UNKNOWN, "{…}", bare=False)]
                return _first_braces(pieces)
    return min(pairs, default=None)


def decode(text: str) -> str:
    """What stands in `$'…'`, its escapes resolved."""
    return _ESCAPE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    hexadecimal, four, eight, octal, control, other = found.groups()
    if code := hexadecimal or four or eight:
        number = int(code, 16)
        return chr(number) if number < 0x110000 else UNKNOWN
    if octal:
        return chr(int(octal, 8) & 0xFF)
    if control:
        return chr(ord(control) & 0x1F)
    return _ESCAPED.get(other, other if other in "\\'\"?" else f"\\{other}")
