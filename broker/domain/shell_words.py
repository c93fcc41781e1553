"""A shell command line taken apart: the single commands in it, what they write to, and the texts it runs as commands.

Good enough to warn people, never to decide what is safe to run: what cannot be read says so. Nothing is ever executed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, takewhile

MAX_CHARACTERS = 4000
"""Longer ones, but for the documents in them, are not read to the end."""
_MAX_COMMANDS = 200
_OPERATORS = ";|&()<>\n"
_HEREDOC = re.compile(r"<<-?[ \t]*(['\"]?)(\w+)\1")
_KEYWORDS = frozenset({"{", "}", "!", "if", "then", "else", "elif", "fi", "while", "until", "do", "done", "time"})
_HEADERS = frozenset({"for", "case", "select", "function"})
"""What follows names no program; the body is a command of its own."""
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=.*", re.DOTALL)


@dataclass(slots=True)
class SimpleCommand:
    """One program with its arguments."""

    words: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    """Files its output is redirected to."""
    reads: list[str] = field(default_factory=list)
    piped: bool = False
    """Its input is what the command before it prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellText:
    """A command line."""

    commands: tuple[SimpleCommand, ...]
    substituted: tuple[str, ...]
    """What stands in `$(…)` and backticks: run first, and its output put in its place."""
    documents: tuple[str, ...]
    """What is given to a command in place (`<<EOF`)."""
    readable: bool
    """False when the quotes do not match: what it means is then the shell's to say."""


def shell_text(command: str) -> ShellText:
    """Take a command line apart; never raises."""
    text, documents = _without_documents(command.replace("\\\n", " "))
    shown = text[:MAX_CHARACTERS]
    try:
        tokens, readable = _tokens(shown), len(shown) == len(text)
    except ValueError:
        tokens, readable = re.findall(rf"[{re.escape(_OPERATORS)}]+|[^\s{re.escape(_OPERATORS)}]+", shown), False
    commands = tuple(islice(_commands(tokens), _MAX_COMMANDS + 1))
    return ShellText(
        commands=commands[:_MAX_COMMANDS],
        substituted=tuple(_substituted(shown)),
        documents=tuple(documents),
        readable=readable and len(commands) <= _MAX_COMMANDS,
    )


def _without_documents(text: str) -> tuple[str, list[str]]:
    """The lines that are commands, and the documents between them; one that does not end goes on to the end."""
    if "<<" not in text:
        return text, []
    kept: list[str] = []
    documents: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        tags = [found[2] for found in _HEREDOC.finditer(line)]
        kept.append(_HEREDOC.sub("", line))
        documents += ["\n".join(_until(tag, lines)) for tag in tags]
    return "\n".join(kept), documents


def _until(tag: str, lines: Iterator[str]) -> Iterator[str]:
    return takewhile(lambda line: line.strip() != tag, lines)


def _tokens(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    return list(lexer)


def _commands(tokens: list[str]) -> Iterator[SimpleCommand]:
    current, redirect = SimpleCommand(), ""
    for token in tokens:
        if token and not set(token) - set(_OPERATORS):
            redirect = token if ("<" in token or ">" in token) and "(" not in token else ""
            if not redirect:
                yield from _finished(current)
                current = SimpleCommand(piped="|" in token and "||" not in token)
        elif redirect:
            _redirected(current, redirect, token)
            redirect = ""
        else:
            current.words.append(token)
    yield from _finished(current)


def _redirected(command: SimpleCommand, operator: str, target: str) -> None:
    if ">" in operator and not (operator.endswith("&") and (target.isdigit() or target == "-")):
        command.writes.append(target)
    elif operator == "<":
        command.reads.append(target)


def _finished(command: SimpleCommand) -> Iterator[SimpleCommand]:
    while command.words and (command.words[0] in _KEYWORDS or _ASSIGNMENT.fullmatch(command.words[0])):
        del command.words[0]
    if command.words[:1] and command.words[0] in _HEADERS:
        command.words.clear()
    if command.words or command.writes:
        yield command


def _substituted(text: str) -> Iterator[str]:
    """Outside single quotes; nested ones are found when their text is taken apart in turn."""
    quoted, double, at = False, False, 0
    while at < len(text):
        character = text[at]
        if character == "\\" and not quoted:
            at += 1
        elif character == "'" and not double:
            quoted = not quoted
        elif character == '"' and not quoted:
            double = not double
        elif not quoted and (character == "`" or text.startswith("$(", at)):
            end = _end_of(text, at)
            yield text[at + (1 if character == "`" else 2) : end]
            at = end
        at += 1


def _end_of(text: str, at: int) -> int:
    if text[at] == "`":
        end = text.find("`", at + 1)
        return end if end >= 0 else len(text)
    depth = 0
    for place in range(at + 1, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return len(text)
