"""The simple commands of a shell command line, those in substitutions, loops and functions too.

It reads the language of bash, which is what vendors hand their commands to; where it is unsure it says so, for what
cannot be read is never allowed by itself. It looks at more rather than at less: what may be a command is one here.
Nothing is ever executed. Time and memory are in proportion to the text, which is read up to `MAX_CHARACTERS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from broker.domain.approvals.shell.lexer import Findings, Lexer
from broker.domain.approvals.shell.simple_command import SimpleCommand
from broker.domain.approvals.shell.words import Word

MAX_CHARACTERS = 16_000
"""Longer ones are not read to the end; documents in them count."""
_MAX_COMMANDS = 300

_WORD = re.compile(r"[ \t]*([^ \t\n;|&()<>'\"\\$`{},*?\[~#=][^ \t\n;|&()<>'\"\\$`{},*?\[~=]*)(?=[ \t\n;|&)]|\Z)")
"""One that stands for itself, as most do."""
_REDIRECTION = re.compile(r"&>>|&>|>>|>\||>&|<>|<&|<<<|<<-|<<|>|<")
_CONTROL = re.compile(r";;&|;;|;&|&&|\|\||\|&|[;|&]")
_DESCRIPTOR = re.compile(r"[0-9]+|\{[A-Za-z_][A-Za-z0-9_]*\}")
_KEYWORDS = frozenset({"{", "}", "!", "if", "then", "else", "elif", "fi", "while", "until", "do", "done", "esac"})
"""What follows is a command."""
_BEFORE_COMMANDS = _KEYWORDS | {"time", "-p"}
_DOCUMENT_END = re.compile(r"(['\"\\]?)([A-Za-z0-9_.+-]+)['\"]?")
_EMPTY_BRACKETS = re.compile(r"\(\s*\)")
_NOT_READABLE_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellText:
    """A command line."""

    commands: tuple[SimpleCommand, ...]
    """In the order in which they begin, substituted ones first."""
    plain: bool
    """It is one simple command and nothing else: no operator, keyword, assignment, substitution or comment."""
    readable: bool
    """False where only the shell can say what it means."""


@lru_cache(maxsize=256)
def shell_text(command: str) -> ShellText:
    """Take a command line apart; never raises."""
    reader = _Reader(command[:MAX_CHARACTERS], findings=Findings())
    reader.read()
    findings, commands = reader.findings, reader.findings.commands
    if len(command) > MAX_CHARACTERS or len(commands) > _MAX_COMMANDS or _NOT_READABLE_IN_TEXT.search(command):
        findings.readable = False
    plain = findings.plain and findings.readable and len(commands) == 1 and not commands[0].assignments
    return ShellText(commands=tuple(commands[:_MAX_COMMANDS]), plain=plain, readable=findings.readable)


@dataclass(slots=True)
class _Document:
    """A here-document whose text begins on the next line."""

    command: SimpleCommand
    end: str
    indented: bool
    expands: bool


@dataclass(slots=True)
class _Level:
    """What is open between a bracket and its end."""

    command: SimpleCommand
    brackets: int = 0
    cases: int = 0
    """Of `case` without `esac`: the bracket behind a pattern closes nothing."""
    arithmetic: int = -1
    """How many brackets were open before `((`."""


class _Reader(Lexer):
    """The grammar: what separates commands, and what stands around them."""

    def __init__(self, text: str, *, findings: Findings, depth: int = 0, substituted: bool = False) -> None:
        super().__init__(text, findings=findings, depth=depth, substituted=substituted)
        self._awaited: list[_Document] = []

    def read(self) -> None:
        """All commands up to the end."""
        while self._at < len(self._text):
            self._commands()
            if self._at < len(self._text):  # a closing bracket of nothing
                self._unreadable()
                self._at += 1
        if self._awaited:
            self._read_documents()

    def _substitute_commands(self) -> None:
        """The documents of the line around a substitution begin behind it."""
        awaited, self._awaited = self._awaited, []
        self._commands()
        self._awaited = [*awaited, *self._awaited]

    def _commands(self) -> None:
        """Commands up to a `)` that this level did not open, or the end."""
        text, level = self._text, _Level(SimpleCommand(substituted=self._substituted))
        while self._at < len(text):
            if simple := _WORD.match(text, self._at):
                self._at = simple.end()
                self._add(level.command, [Word(simple[1], simple[1], bare=True)])
                continue
            character = text[self._at]
            if character in " \t":
                self._at += 1
            elif text.startswith("\\\n", self._at):
                self._compound()
                self._at += 2
            elif character == "\n":
                self._finish(level)
                self._at += 1
                self._read_documents()
            elif character == "#":
                self._compound()
                end = text.find("\n", self._at)
                self._at = end if end >= 0 else len(text)
            elif found := self._process_substitution():
                level.command.words.append(found)
            elif found_redirection := _REDIRECTION.match(text, self._at):
                self._redirect(level.command, found_redirection[0])
            elif character == "(":
                self._open(level)
            elif character == ")":
                if not self._closes(level):
                    return
            elif operator := _CONTROL.match(text, self._at):
                self._spend(1)
                self._finish(level)
                level.command.piped = operator[0] in {"|", "|&"}
                self._at = operator.end()
            else:
                self._take_word(level.command)
        self._keep(level)
        if level.brackets:
            self._unreadable()

    def _open(self, level: _Level) -> None:
        self._finish(level)
        if self._text.startswith("((", self._at) and not self._in_arithmetic:
            self._in_arithmetic, level.arithmetic = True, level.brackets
        level.brackets += 1
        self._at += 1

    def _closes(self, level: _Level) -> bool:
        """Whether a bracket closes one of this level, or a pattern of `case`. It is taken then."""
        self._finish(level)
        if not level.brackets and not level.cases:
            return False
        level.brackets = max(0, level.brackets - 1)
        if level.brackets == level.arithmetic:
            self._in_arithmetic, level.arithmetic = False, -1
        self._at += 1
        return True

    def _take_word(self, command: SimpleCommand) -> None:
        start = self._at
        words = self._word()
        following = self._text[self._at : self._at + 1]
        if following == "(" and words and not (words[-1].assigns or _EMPTY_BRACKETS.match(self._text, self._at)):
            self._unreadable()  # a pattern of zsh's, or one of bash's extended ones
        if following in {"<", ">"} and _DESCRIPTOR.fullmatch(self._text, start, self._at):
            return
        self._add(command, words)
        if words and words[0].bare and words[0].value == "[[" and _begins(command.words[:-1]):
            self._compound()
            self._test(command)

    def _add(self, command: SimpleCommand, words: list[Word]) -> None:
        for word in words:
            (command.assignments if word.assigns and _begins(command.words) else command.words).append(word)
        self._spend(len(words))

    def _test(self, command: SimpleCommand) -> None:
        """`[[ … ]]`, whose operators are not the shell's."""
        while self._at < len(self._text):
            words = self._word()
            if not words:
                self._at += 1
            command.words += words
            if words and words[-1].bare and words[-1].value == "]]":
                return
        self._unreadable()

    def _finish(self, level: _Level) -> None:
        """A command has ended, and it is not the only thing there is."""
        self._compound()
        self._keep(level)
        level.command = SimpleCommand(substituted=self._substituted)

    def _keep(self, level: _Level) -> None:
        """Keep a command that has ended, without the shell's keywords before it."""
        command = level.command
        words = self._behind_keywords(command.words, level)
        if len(words) != len(command.words):
            self._compound()
            command.words = words
            while words and words[0].assigns:
                command.assignments.append(words.pop(0))
        if not command.is_empty and len(self.findings.commands) <= _MAX_COMMANDS:
            self.findings.commands.append(command)

    def _behind_keywords(self, words: list[Word], level: _Level) -> list[Word]:
        words = list(words)
        while words and words[0].bare:
            first = words[0].value
            match first:
                case "esac":
                    level.cases = max(0, level.cases - 1)
                    del words[0]
                case keyword if keyword in _KEYWORDS:
                    del words[0]
                case "time":
                    del words[0]
                    while words and words[0].value in {"-p", "--"}:
                        del words[0]
                case "function":
                    del words[:2]
                case "coproc":
                    named = len(words) > 2 and words[2].bare and words[2].value in _KEYWORDS | {"("}
                    del words[: 2 if named else 1]
                case "for" | "select":
                    del words[:2]
                    if words and words[0].value == "in":
                        words.clear()
                case "case":
                    level.cases += 1
                    del words[:3]
                    if words and words[0].value == "esac":
                        continue
                    words.clear()
                case _:
                    break
        return words

    def _redirect(self, command: SimpleCommand, operator: str) -> None:
        self._at += len(operator)
        while self._text[self._at : self._at + 1] in {" ", "\t"}:
            self._at += 1
        start = self._at
        found = self._process_substitution()
        targets = [found] if found else self._word()
        if not targets:
            self._unreadable()
            return
        target = targets[0]
        if operator in {"<<", "<<-"}:
            self._compound()
            self._await_document(command, self._text[start : self._at], indented=operator == "<<-")
        elif operator == "<<<":
            command.documents += targets
        elif operator in {">&", "<&"} and (target.value.rstrip("-").isdigit() or target.value == "-"):
            return
        elif operator == "<":
            command.reads += targets
        else:
            command.writes += targets
        command.words += targets[1:]

    def _await_document(self, command: SimpleCommand, word: str, *, indented: bool) -> None:
        """A document begins on the next line. Where that, or its end, is doubtful, the lines are commands."""
        line = self._text[self._text.rfind("\n", 0, self._at) + 1 : self._at]
        end = _DOCUMENT_END.fullmatch(word)
        if end is None or self._in_arithmetic or line.count("[") > line.count("]"):
            self._unreadable()
            return
        self._awaited.append(_Document(command, end[2], indented, word == end[2]))

    def _read_documents(self) -> None:
        """The here-documents that were announced on the line that has just ended."""
        awaited, self._awaited = self._awaited, []
        for document in awaited:
            lines: list[str] = []
            while self._at < len(self._text):
                line = self._line(joined=document.expands)
                line = line.lstrip("\t") if document.indented else line
                if line == document.end:
                    break
                lines.append(line)
            body = "\n".join(lines)
            document.command.documents.append(
                self._deeper(body).read_expansions() if document.expands else Word(body, body)
            )

    def _line(self, *, joined: bool) -> str:
        """The rest of the line, taken; `joined` with the next where it ends in a backslash."""
        parts = []
        while self._at < len(self._text):
            end = self._text.find("\n", self._at)
            end = len(self._text) if end < 0 else end
            part = self._text[self._at : end]
            self._at = min(end + 1, len(self._text))
            continues = joined and (len(part) - len(part.rstrip("\\"))) % 2 == 1
            parts.append(part[:-1] if continues else part)
            if not continues:
                break
        return "".join(parts)


def _begins(words: list[Word]) -> bool:
    """Whether nothing but keywords stands before what comes next."""
    return not words or all(word.bare and word.value in _BEFORE_COMMANDS for word in words)
