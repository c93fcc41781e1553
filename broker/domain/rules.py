"""Rules that answer approvals without a person."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import PurePosixPath


class Effect(StrEnum):
    """What a matching rule does."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Matches when every given pattern (shell-style, `*` and `?`) matches."""

    effect: Effect
    tool: str = "*"
    command: str | None = None
    path: str | None = None

    @property
    def name(self) -> str:
        """How the log names it."""
        parts = [self.tool, *(x for x in (self.command, self.path) if x)]
        return f"rule {self.effect} {' '.join(parts)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an approval is about, as far as rules look at it."""

    tool: str
    command: str | None = None
    paths: tuple[str, ...] = ()


def decide(rules: Iterable[Rule], asked: Asked) -> Rule | None:
    """The rule that applies: any deny, else any ask, else any allow; None when no rule matches (a person is asked).

    An allow rule with a command pattern never covers a compound command: `git *` must not allow `git status; rm -rf /`.
    """
    matching = [rule for rule in rules if _matches(rule, asked)]
    for effect in (Effect.DENY, Effect.ASK, Effect.ALLOW):
        for rule in matching:
            if rule.effect is effect:
                return rule
    return None


def _matches(rule: Rule, asked: Asked) -> bool:
    if not fnmatchcase(asked.tool.lower(), rule.tool.lower()):
        return False
    if rule.command is not None and not _command_matches(rule, asked.command):
        return False
    return rule.path is None or _paths_match(rule, asked.paths)


def _command_matches(rule: Rule, command: str | None) -> bool:
    if command is None:
        return False
    inner = _unwrapped(command)
    pattern = rule.command or "*"
    if rule.effect is Effect.ALLOW:
        return _is_simple(inner) and fnmatchcase(inner, pattern)
    return any(fnmatchcase(text, pattern) for text in (command, inner, *_segments(inner)))


def _unwrapped(command: str) -> str:
    """The command inside `bash -lc '…'`, which is how codex shows every command."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    shells = {"bash", "sh", "zsh"}
    if len(words) == 3 and PurePosixPath(words[0]).name in shells and words[1] in {"-lc", "-c"}:
        return words[2]
    return command


def _segments(command: str) -> list[str]:
    """The single commands of a compound one, so that `rm *` also denies `git status; rm -rf /`."""
    return [part.strip() for part in re.split(r"&&|\|\||[;|&\n(){}`]|\$\(", command) if part.strip()]


def _is_simple(command: str) -> bool:
    """Whether a command is one program with arguments: no control operators, substitutions, redirections or lines."""
    if any(mark in command for mark in ("`", "$(", "${", "\n", "\r", "\\")):
        return False
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return False
    return not any(word and set(word) <= set("();<>|&") for word in words)


def _paths_match(rule: Rule, paths: tuple[str, ...]) -> bool:
    if rule.path is None or not paths:
        return False
    pattern = rule.path
    if rule.effect is Effect.ALLOW:
        return all(".." not in PurePosixPath(p).parts and fnmatchcase(p, pattern) for p in paths)
    return any(fnmatchcase(p, pattern) for p in paths)
