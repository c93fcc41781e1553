"""Words of a command line and what stands in them: quotes, expansions, and substitutions, which hold commands again."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Self

from broker.domain.approvals.patterns import UNKNOWN
from broker.domain.approvals.shell.simple_command import SimpleCommand
from broker.domain.approvals.shell.words import Piece, Word, decode, words_of

_MAX_DEPTH = 24
"""Of substitutions inside each other."""
_MAX_EFFORT = 2500
"""Of words, quotes and expansions together; a line with more is not read to the end."""
_READER_EFFORT = 8

_RUN = re.compile(r"[^ \t\n;|&()<>'\"\\$`{},*?\[~]+")
_QUOTED_RUN = re.compile(r'[^"\\$`]+')
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[[^\]\s]*\])?\+?=")


@dataclass(slots=True)
class Findings:
    """What has been found so far, at all levels of a text."""

    commands: list[SimpleCommand] = field(default_factory=list)
    readable: bool = True
    plain: bool = True
    """There is nothing but one simple command."""
    effort: int = 0


class Lexer(ABC):
    """Reads one text from left to right. Substitutions are read by the same reader, one level deeper."""

    def __init__(self, text: str, *, findings: Findings, depth: int = 0, substituted: bool = False) -> None:
        self.findings = findings
        self._text = text
        self._at = 0
        self._depth = depth
        self._substituted = substituted
        self._in_arithmetic = False
        """What begins with two brackets may be arithmetic: `<<` is then no document."""

    @abstractmethod
    def read(self) -> None:
        """All commands up to the end."""

    @abstractmethod
    def _substitute_commands(self) -> None:
        """Commands up to the bracket that ends a substitution, which is not taken."""

    def read_expansions(self) -> Word:
        """All of the text as if it stood between double quotes."""
        pieces: list[Piece] = []
        while self._at < len(self._text):
            self._in_double_quotes(pieces)
            if self._at < len(self._text):
                pieces.append(Piece('"', '"'))
                self._at += 1
        return words_of(pieces, assigns=False)[0]

    def _unreadable(self) -> None:
        self.findings.readable = False

    def _spend(self, effort: int) -> None:
        self.findings.effort += effort
        if self.findings.effort > _MAX_EFFORT:
            self._unreadable()
            self._at = len(self._text)

    def _compound(self) -> None:
        self.findings.plain = False

    def _word(self) -> list[Word]:
        """The word that begins here; nothing where none does."""
        text, start = self._text, self._at
        pieces: list[Piece] = []
        while self._at < len(text):
            if run := _RUN.match(text, self._at):
                pieces.append(Piece(run[0], run[0]))
                self._at = run.end()
                continue
            character = text[self._at]
            if character in " \t\n;|&()<>":
                break
            self._special(character, pieces, at_start=self._at == start)
        if self._at == start:
            return []
        return words_of(pieces, assigns=_ASSIGNMENT.match(text, start, self._at) is not None)

    def _special(self, character: str, pieces: list[Piece], *, at_start: bool) -> None:
        """One character that means something, or what begins with it."""
        self._at += 1
        self._spend(1)
        match character:
            case "'":
                pieces.append(self._until_quote())
            case '"':
                pieces.append(Piece("", "", bare=False))
                self._in_double_quotes(pieces)
                self._close('"')
            case "\\":
                pieces += self._escape()
            case "$":
                self._dollar(pieces, quoted=False)
            case "`":
                pieces.append(self._backticks())
            case "{" | "," | "}":
                pieces.append(Piece(character, character, character))
            case "~":
                behind_colon = bool(pieces) and pieces[-1].bare and pieces[-1].value.endswith(("=", ":"))
                pieces.append(Piece(UNKNOWN if at_start or behind_colon else "~", "~", bare=not at_start))
            case "[":
                pieces.append(Piece("[", "[", "" if self._is_test() else "["))
            case _:  # `*`, `?`: whatever files there are, or themselves
                pieces.append(Piece(UNKNOWN, character))

    def _is_test(self) -> bool:
        """`[` and `[[` are programs where they stand alone."""
        behind = self._text[self._at : self._at + 1]
        before = self._text[self._at - 2] if self._at > 1 else " "
        return behind in {"", " ", "\t", "\n", "["} and before in " \t\n;|&(!["

    def _escape(self) -> list[Piece]:
        character = self._text[self._at : self._at + 1]
        self._at += 1
        if not character:
            self._at = len(self._text)
            return [Piece("\\", "\\", bare=False)]
        if character == "\n":  # the line goes on
            self._compound()
            return []
        return [Piece(character, character, bare=False)]

    def _until_quote(self) -> Piece:
        end = self._text.find("'", self._at)
        if end < 0:
            self._unreadable()
            end = len(self._text)
        quoted = self._text[self._at : end]
        self._at = min(end + 1, len(self._text))
        return Piece(quoted, quoted, bare=False)

    def _in_double_quotes(self, pieces: list[Piece]) -> None:
        """Up to the quote that ends it, which is not taken."""
        while self._at < len(self._text):
            if run := _QUOTED_RUN.match(self._text, self._at):
                pieces.append(Piece(run[0], run[0], bare=False))
                self._at = run.end()
                continue
            character = self._text[self._at]
            if character == '"':
                return
            self._at += 1
            if character == "\\":
                following = self._text[self._at : self._at + 1]
                self._at += len(following)
                kept = following if following in {"$", "`", '"', "\\"} else f"\\{following}"
                pieces.append(Piece("" if following == "\n" else kept, "" if following == "\n" else kept, bare=False))
            elif character == "$":
                self._dollar(pieces, quoted=True)
            else:
                pieces.append(self._backticks())

    def _close(self, character: str) -> None:
        if self._text[self._at : self._at + 1] == character:
            self._at += 1
        else:
            self._unreadable()

    def _dollar(self, pieces: list[Piece], *, quoted: bool) -> None:
        text, start = self._text, self._at - 1
        character = text[self._at : self._at + 1]
        if character == "{" or _NAME.match(text, self._at):
            self._compound()
        if character == "(":
            self._substitution(start + 2)
            pieces.append(Piece(UNKNOWN, text[start : self._at], bare=False))
        elif character == "{":
            pieces.append(self._parameter(start, quoted=quoted))
        elif character == "[":
            self._unreadable()  # arithmetic of old
            pieces.append(Piece(UNKNOWN, "$", bare=False))
        elif character == "'" and not quoted:
            pieces.append(self._ansi_quoted())
        elif character == '"' and not quoted:
            pieces.append(Piece("", "", bare=False))
        elif name := _NAME.match(text, self._at):
            self._at = name.end()
            blank = name[0] == "IFS" and not quoted
            pieces.append(Piece(" " if blank else UNKNOWN, f"${name[0]}", " " if blank else "", bare=False))
        else:
            pieces.append(Piece("$", "$"))

    def _ansi_quoted(self) -> Piece:
        end = self._at + 1
        while end < len(self._text) and self._text[end] != "'":
            end += 2 if self._text[end] == "\\" else 1
        if end >= len(self._text):
            self._unreadable()
        value = decode(self._text[self._at + 1 : end]).partition("\0")[0]
        self._at = min(end + 1, len(self._text))
        return Piece(value, value, bare=False)

    def _parameter(self, start: int, *, quoted: bool) -> Piece:
        """`${…}`: its value is not known, and what stands in it may run commands."""
        self._at += 1
        name = _NAME.match(self._text, self._at)
        inner: list[Piece] = []
        depth = self._depth
        while self._at < len(self._text) and self._text[self._at] != "}":
            character = self._text[self._at]
            self._at += 1
            if character == "'" and not quoted:
                self._until_quote()
            elif character == '"':
                self._nest_quotes(inner)
            elif character == "\\":
                self._at += 1
            elif character == "$":
                self._enter()
                self._dollar(inner, quoted=quoted)
                self._depth = depth
            elif character == "`":
                inner.append(self._backticks())
        self._at = min(self._at, len(self._text))
        self._close("}")
        blank = name is not None and name[0] == "IFS" and not quoted
        written = self._text[start : self._at]
        return Piece(" " if blank else UNKNOWN, written, " " if blank else "", bare=False)

    def _nest_quotes(self, pieces: list[Piece]) -> None:
        self._enter()
        self._in_double_quotes(pieces)
        self._close('"')
        self._depth -= 1

    def _enter(self) -> None:
        """One level deeper; beyond the last nothing is read."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self._unreadable()
            self._at = len(self._text)

    def _substitution(self, begin: int) -> None:
        """`$(…)`, `<(…)`, `>(…)`: its commands are commands, in arithmetic too."""
        self._compound()
        self._at = begin
        kept = self._depth, self._substituted, self._in_arithmetic
        self._substituted, self._in_arithmetic = True, self._text.startswith("(", begin)
        self._enter()
        self._substitute_commands()
        self._close(")")
        self._depth, self._substituted, self._in_arithmetic = kept

    def _process_substitution(self) -> Word | None:
        start = self._at
        if not self._text.startswith(("<(", ">("), start):
            return None
        self._substitution(start + 2)
        return Word(UNKNOWN, self._text[start : self._at])

    def _backticks(self) -> Piece:
        self._compound()
        start, end = self._at, self._at
        while end < len(self._text) and self._text[end] != "`":
            end += 2 if self._text[end] == "\\" else 1
        if end >= len(self._text):
            self._unreadable()
        inner = re.sub(r"\\([`$\\])", r"\1", self._text[start:end])
        self._at = min(end + 1, len(self._text))
        self._deeper(inner, substituted=True).read()
        return Piece(UNKNOWN, f"`{inner}`", bare=False)

    def _deeper(self, text: str, *, substituted: bool = False) -> Self:
        """A reader for a text inside this one."""
        self._spend(_READER_EFFORT)
        if self._depth >= _MAX_DEPTH or self.findings.effort > _MAX_EFFORT:
            self._unreadable()
            text = ""
        substituted = substituted or self._substituted
        return type(self)(text, findings=self.findings, depth=self._depth + 1, substituted=substituted)
