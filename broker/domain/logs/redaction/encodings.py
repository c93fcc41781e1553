"""Texts in which a secret's surroundings are spelled otherwise: escapes, percent signs, entities, colours, base64.

A text is read as it is meant, however often it was escaped, and what is found in the reading is told by its place in
the text.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

COLOUR = r"\x1b\[[0-9;]{0,32}[A-Za-z]"
"""A colour of terminals, or a move of their cursor, for regular expressions: what stands on both sides is one text."""
_ESCAPE = re.compile(  # each alternative begins with a literal: then `re` looks for these four alone
    r"\\\\{0,15}(?:u00[02-7][0-9A-Fa-f]|x[02-7][0-9A-Fa-f]|[nrtbfv\"'`/&=])"
    r"|\\\\{0,15}(?:u001[bB]|x1[bB]|033|e)\[[0-9;]{0,32}[A-Za-z]"
    r"|%(?:25){0,8}(?:[2-7][0-9A-Fa-f]|0[9AaDd])"
    r"|&(?:amp;){0,8}(?:#\d{1,3}|#[xX][0-9A-Fa-f]{1,2}|quot|amp|lt|gt|apos|nbsp|equals|colon);"
    rf"|{COLOUR}"
)
_MAY_ESCAPE = ("\\", "%", "&", "\x1b")
_LETTERS = {"n": "\n", "r": "\n", "t": "\t", "b": " ", "f": "\n", "v": "\n"}
_NAMED = {"equals": "=", "colon": ":", "nbsp": " "}

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_REACH = 16 * 1024
"""Characters on each side of a trigger that are decoded: a settings file is not longer."""
_LEAST_RUN = 24
_LEAST_TRIGGER = 4
"""Characters; three stand in too many words of plain text."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text means, and where in it each part of that stands."""

    text: str
    _begins: list[int]
    """Where in the meaning a part begins: by turns a part that is spelled as it is meant, and an escape."""
    _origins: list[int]
    """Where in the original it does."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of a part of the meaning."""
        last = bisect_right(self._begins, end - 1) - 1
        if last % 2:  # it ends with an escape
            return self._origin(start), self._origins[last + 1]
        return self._origin(start), self._origins[last] + end - self._begins[last]

    def _origin(self, place: int) -> int:
        part = bisect_right(self._begins, place) - 1
        return self._origins[part] if part % 2 else self._origins[part] + place - self._begins[part]


def read(text: str) -> Reading | None:
    """A text with its escapes spelled out; None when it has none."""
    if not any(sign in text for sign in _MAY_ESCAPE):
        return None
    parts, begins, origins = [], [0], [0]
    length = end = 0
    for escape in _ESCAPE.finditer(text):
        meant = _meaning(escape[0])
        parts += [text[end : escape.start()], meant]
        length += escape.start() - end
        begins += [length, length := length + len(meant)]
        end = escape.end()
        origins += [escape.start(), end]
    return Reading("".join([*parts, text[end:]]), begins, origins) if parts else None


def _meaning(escape: str) -> str:
    if "[" in escape:  # a colour, and whatever else terminals are told
        return ""
    if escape[0] == "&":
        name = escape.rpartition("&")[2].removeprefix("amp;").rpartition(";")[0] or "amp"
        import html  # noqa: PLC0415 - a table of two thousand names that are hardly ever met

        return _NAMED.get(name) or html.unescape(f"&{name};")
    if escape[0] == "%" or escape[-3:-2] in {"x", "0"}:
        return chr(int(escape[-2:], 16))
    return _LETTERS.get(escape[-1], escape[-1])


def base64_triggers(words: Iterable[str]) -> tuple[str, ...]:
    """What stands in base64 where one of the words is in the original, wherever in it."""
    spelled = (each for word in words for each in _alignments(word.encode()))
    return tuple(dict.fromkeys(each for each in spelled if len(each) >= _LEAST_TRIGGER))


def _alignments(word: bytes) -> Iterator[str]:
    """Base64 has three bytes in four characters, so a word has three spellings; the ends depend on its neighbours."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + word).decode().rstrip("=")
        first = (before * 8 + 5) // 6
        last = (before + len(word)) * 8 // 6
        yield encoded[first:last]


@dataclass(frozen=True, slots=True)
class Base64Run:
    """A run of base64 in a text; `said` is what it decodes to, one character for each byte, and None when that is no
    text."""

    start: int
    end: int
    said: str | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the text around it the decoded bytes from `start` to `end` stand."""
        return self.start + start * 8 // 6, min(self.end, self.start + -(-end * 8 // 6))


def base64_run(text: str, place: int) -> Base64Run:
    """The base64 about a place. Of one that reaches too far it says nothing: a picture, a file."""
    low = max(0, place - _REACH)
    before, behind = text[low:place], text[place : place + _REACH]
    start = place - (len(before) - len(before.rstrip(BASE64)))
    end = place + len(behind) - len(behind.lstrip(BASE64))
    if end - start < _LEAST_RUN or (start == low and low > 0):
        return Base64Run(start, end, None)
    run = text[start : end - 1 if (end - start) % 4 == 1 else end].translate(_STANDARD)
    said = base64.b64decode(run + "=" * (-len(run) % 4))
    return Base64Run(start, end, said.decode("latin-1") if _is_text(said) else None)


_STANDARD = str.maketrans("-_", "+/")
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\r\x1b")


def _is_text(said: bytes) -> bool:
    return len(said.translate(None, _CONTROLS)) == len(said)
