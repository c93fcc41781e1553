"""Shell text in which placeholders have become variables of the environment, so that no value is ever shell text.

What agents say is pasted into commands by files all over the world, mostly within double quotes. Here each placeholder
is replaced by `$RELAY_VALUE_n`, quoted as its place needs it: an expanded variable is not evaluated again. So the text
is the same whatever the values are, which is what a machine's consent is for. Where no quoting would do, it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from broker.domain.workflows.files.placeholders import Placeholder, placeholders

LONGEST_IN_ENVIRONMENT = 100_000
"""Bytes of a value; Linux takes 128 KiB for one variable. Longer ones are reached with `{{steps.S.file}}`."""
_HERE = re.compile(r"<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|(\\?)([A-Za-z_][A-Za-z0-9_]*))")
_AGAIN = re.compile(r"\b(eval|ssh|su\s+-c|(ba|da|k|z)?sh\s+(-\w+\s+)*-\w*c)\b")
"""Commands that take their arguments for shell text."""


class PlaceholderRefused(ValueError):
    """A value cannot stand there without becoming shell text; the message says what to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundCommand:
    """Text for `sh -c`, and what its environment needs."""

    text: str
    values: Mapping[str, Placeholder]
    """By name of the variable."""


class _Within(Enum):
    BARE = auto()
    SINGLE = auto()
    DOUBLE = auto()
    BACKTICKS = auto()
    ARITHMETIC = auto()
    ANSI_C = auto()
    COMMENT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Here:
    """A here-document whose body has not begun."""

    end: str
    tabs: bool
    literal: bool


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    stack: list[_Within] = field(default_factory=lambda: [_Within.BARE])
    depths: list[int] = field(default_factory=list)
    """Open parentheses within each substitution."""
    waiting: list[_Here] = field(default_factory=list)
    body: _Here | None = None

    @property
    def within(self) -> _Within:
        return self.stack[-1]

    def take(self) -> str:
        """The next piece of text, with what it means for the quoting noted."""
        start = self.at
        if self.body is not None:
            self._take_line()
        else:
            self._take_piece()
        return self.text[start : self.at]

    def _take_line(self) -> None:
        """One line of a here-document, up to the next placeholder."""
        assert self.body is not None
        end = self.text.find("\n", self.at)
        line = self.text[self.at : end if end >= 0 else len(self.text)]
        starts = self.at == 0 or self.text[self.at - 1] == "\n"
        if starts and (line.lstrip("\t") if self.body.tabs else line) == self.body.end:
            self.waiting.pop(0)
            self.body = self.waiting[0] if self.waiting else None
        self.at = end + 1 if end >= 0 else len(self.text)

    def _take_piece(self) -> None:
        character, following = self.text[self.at], self.text[self.at + 1 : self.at + 3]
        self.at += 1
        match self.within:
            case _Within.COMMENT:
                if character == "\n":
                    self.stack.pop()
                    self._end_line()
            case _Within.SINGLE:
                self._leave_at("'", character)
            case _Within.ANSI_C:
                self.at += character == "\\"
                self._leave_at("'", character)
            case _Within.BACKTICKS:
                self.at += character == "\\"
                self._leave_at("`", character)
            case _ if character == "\\":
                self.at += 1
            case _Within.DOUBLE if character == '"':
                self.stack.pop()
            case _ if character == "$" and following.startswith("("):
                arithmetic = following == "(("
                self.at += len(following) if arithmetic else 1
                self.stack.append(_Within.ARITHMETIC if arithmetic else _Within.BARE)
                self.depths.append(2 if arithmetic else 1)
            case _ if character == "`":
                self.stack.append(_Within.BACKTICKS)
            case _Within.BARE | _Within.ARITHMETIC:
                self._take_bare(character, following)
            case _:
                pass

    def _leave_at(self, end: str, character: str) -> None:
        if character == end:
            self.stack.pop()

    def _take_bare(self, character: str, following: str) -> None:
        before = self.text[self.at - 2 : self.at - 1]
        if character == "'":
            self.stack.append(_Within.SINGLE)
        elif character == '"':
            self.stack.append(_Within.DOUBLE)
        elif character == "$" and following.startswith("'"):
            self.at += 1
            self.stack.append(_Within.ANSI_C)
        elif character == "#" and before in {"", " ", "\t", "\n", ";", "(", "&", "|"}:
            self.stack.append(_Within.COMMENT)
        elif character in "()" and self.depths:
            self._count(1 if character == "(" else -1)
        elif character == "<" and following.startswith("<") and self.within is _Within.BARE:
            self._take_here()
        elif character == "\n":
            self._end_line()

    def _count(self, change: int) -> None:
        self.depths[-1] += change
        if self.depths[-1] == 0:
            self.depths.pop()
            self.stack.pop()

    def _take_here(self) -> None:
        if self.text.startswith("<<<", self.at - 1):
            self.at += 2
            return
        found = _HERE.match(self.text, self.at - 1)
        if found:
            quoted = found[2] or found[3]
            end = quoted or found[5]
            self.waiting.append(_Here(end=end, tabs=bool(found[1]), literal=bool(quoted or found[4])))
            self.at = found.end()

    def _end_line(self) -> None:
        if self.waiting:
            self.body = self.waiting[0]


def evaluates_again(command: str) -> bool:
    """Whether a shell within the command may take a value for shell text: no quoting out here reaches that one."""
    return _AGAIN.search(command) is not None and next(placeholders(command), None) is not None


def bind_command(command: str) -> BoundCommand:
    """Replace every placeholder of `command`; raise `PlaceholderRefused` where none can stand."""
    values: dict[str, Placeholder] = {}
    names: dict[str, str] = {}
    written: list[str] = []
    reader = _Reader(command)
    for each in placeholders(command):
        while reader.at < each.start:
            written.append(reader.take())
        if _is_escaped(command, each.start) and reader.within is not _Within.SINGLE:
            raise PlaceholderRefused("a backslash before a value would escape its quotes: leave it out")
        if reader.at > each.start:  # a line of a here-document is taken whole
            written[-1] = written[-1][: each.start - reader.at]
        source = command[each.start : each.end]
        name = names.setdefault(source, f"RELAY_VALUE_{len(names) + 1}")
        values[name] = each
        written.append(_reference(name, reader))
        reader.at = each.end
    written.append(command[reader.at :])
    return BoundCommand(text="".join(written), values=values)


def _is_escaped(text: str, at: int) -> bool:
    before = text[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _reference(name: str, reader: _Reader) -> str:
    if reader.body is not None:
        if reader.body.literal:
            raise PlaceholderRefused(
                f"nothing is replaced in a here-document whose end is quoted: write <<{reader.body.end}"
            )
        return f"${{{name}}}"
    match reader.within:
        case _Within.BARE:
            return f'"${{{name}}}"'
        case _Within.DOUBLE:
            return f"${{{name}}}"
        case _Within.SINGLE:
            return f"'\"${{{name}}}\"'"
        case _Within.COMMENT:
            return name
        case _Within.BACKTICKS:
            raise PlaceholderRefused("a value cannot be quoted within backticks: write $(…)")
        case _Within.ARITHMETIC:
            raise PlaceholderRefused("a shell evaluates the text of a value in $((…)): put it into a variable first")
        case _Within.ANSI_C:
            raise PlaceholderRefused("a value cannot stand within $'…': close the quotes before it")
