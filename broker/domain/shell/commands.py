"""The simple commands of a shell command line, those in substitutions, loops and functions too.

It reads the language of bash, which is what vendors hand their commands to; where it is unsure it says so, for what
cannot be read is never allowed by itself. It looks at more rather than at less: what may be a command is one here.
Nothing is ever executed. Time and memory are in proportion to the text, which is read up to `MAX_CHARACTERS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from broker.domain.shell.lexer import Findings, Lexer
from broker.domain.shell.simple_command import SimpleCommand
from broker.domain.shell.words import Word

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

    def _substituted_commands(self) -> None:
        """The documents of the line around a substitution begin behind it."""
        awaited, self._awaited = self._awaited, []
        self._commands()
        self._awaited = [*awaited, *self._awaited]

    def _commands(self) -> None:
        """Commands up to a `)` that this level did not open, or the end."""
        text, brackets, cases = self._text, 0, 0
        current = SimpleCommand(substituted=self._substituted)
        while self._at < len(text):
            if simple := _WORD.match(text, self._at):
                self._at = simple.end()
                self._add(current, [Word(simple[1], simple[1], bare=True)])
                continue
            character = text[self._at]
            if character in " \t":
                self._at += 1
            elif text.startswith("\\\n", self._at):
                self._compound()
                self._at += 2
            elif character == "\n":
                self._compound()
                current, cases = self._finish(current, cases)
                self._at += 1
                self._read_documents()
            elif character == "#":
                self._compound()
                end = text.find("\n", self._at)
                self._at = end if end >= 0 else len(text)
            elif found := self._process_substitution():
                current.words.append(found)
            elif found_redirection := _REDIRECTION.match(text, self._at):
                self._redirect(current, found_redirection[0])
            elif character == "(":
                self._compound()
                current, cases = self._finish(current, cases)
                brackets += 1
                self._at += 1
            elif character == ")":
                self._compound()
                current, cases = self._finish(current, cases)
                if not brackets and not cases:
                    return
                brackets = max(0, brackets - 1)
                self._at += 1
            elif operator := _CONTROL.match(text, self._at):
                self._compound()
                self._spend(1)
                current, cases = self._finish(current, cases)
                current.piped = operator[0] in {"|", "|&"}
                self._at = operator.end()
            else:
                self._take_word(current)
        self._finish(current, cases)
        if brackets:
            self._unreadable()

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

    def _finish(self, command: SimpleCommand, cases: int) -> tuple[SimpleCommand, int]:
        """Keep a command that has ended, without the shell's keywords before it; and how many `case` are open."""
        words, cases = self._behind_keywords(command.words, cases)
        if len(words) != len(command.words):
            self._compound()
            command.words = words
            while words and words[0].assigns:
                command.assignments.append(words.pop(0))
        if not command.is_empty and len(self.findings.commands) <= _MAX_COMMANDS:
            self.findings.commands.append(command)
        return SimpleCommand(substituted=self._substituted), cases

    def _behind_keywords(self, words: list[Word], cases: int) -> tuple[list[Word], int]:
        words = list(words)
        while words and words[0].bare:
            first = words[0].value
            match first:
                case "esac":
                    cases = max(0, cases - 1)
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
                    cases += 1
                    del words[:3]
                    if words and words[0].value == "esac":
                        continue
                    words.clear()
                case _:
                    break
        return words, cases

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
            raw = self._text[start : self._at]
            expands = not set(raw) & set("'\"\\")
            self._compound()
            self._awaited.append(_Document(command, target.written, operator == "<<-", expands))
        elif operator == "<<<":
            command.documents += targets
        elif operator in {">&", "<&"} and (target.value.rstrip("-").isdigit() or target.value == "-"):
            return
        elif operator == "<":
            command.reads += targets
        else:
            command.writes += targets
        command.words += targets[1:]

    def _read_documents(self) -> None:
        """The here-documents that were announced on the line that has just ended."""
        awaited, self._awaited = self._awaited, []
        for document in awaited:
            lines: list[str] = []
            while self._at < len(self._text):
                end = self._text.find("\n", self._at)
                end = len(self._text) if end < 0 else end
                line = self._text[self._at : end]
                line = line.lstrip("\t") if document.indented else line
                self._at = min(end + 1, len(self._text))
                if line == document.end:
                    break
                lines.append(line)
            body = "\n".join(lines)
            document.command.documents.append(
                self._deeper(body).read_expansions() if document.expands else Word(body, body)
            )


def _begins(words: list[Word]) -> bool:
    """Whether nothing but keywords stands before what comes next."""
    return not words or all(word.bare and word.value in _BEFORE_COMMANDS for word in words)
