"""Rules that answer approvals without a person."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
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
    pattern = "*" if rule.command is None else rule.command
    if rule.effect is Effect.ALLOW:
        inner = allowable(command)
        return inner is not None and fnmatchcase(inner, pattern)
    return any(fnmatchcase(text, pattern) for text in _parts(command, _NESTED))


def allowable(command: str) -> str | None:
    """What an allow rule compares with its pattern; None for a compound command, which no allow rule covers."""
    inner = _unwrapped(command, trusted_shells_only=True)
    return inner if _is_simple(inner) else None


_SHELLS = {"bash", "sh", "zsh"}
_SHELL_FOLDERS = {".", "/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"}
"""Where a shell is one (`.` is what a bare name has for a parent); `./bash` may be anything."""
_NESTED = 4
"""How many shells inside each other a deny rule looks through."""


def _unwrapped(command: str, *, trusted_shells_only: bool) -> str:
    """The command inside `bash -lc '…'`, which is how codex shows every command."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    if len(words) != 3 or words[1] not in {"-lc", "-c"}:
        return command
    shell = PurePosixPath(words[0])
    trusted = not words[0].startswith("./") and str(shell.parent) in _SHELL_FOLDERS
    return words[2] if shell.name in _SHELLS and (trusted or not trusted_shells_only) else command


def _parts(command: str, depth: int) -> Iterator[str]:
    """A command and the single commands in it, so that `rm *` also denies `git status; bash -c 'rm -rf /'`."""
    yield command
    if depth == 0:
        return
    inner = _unwrapped(command, trusted_shells_only=False)
    segments = [part.strip() for part in re.split(r"&&|\|\||[;|&\n(){}`]|\$\(", inner)]
    for part in {inner, *segments} - {command, ""}:
        yield from _parts(part, depth - 1)


def _is_simple(command: str) -> bool:
    """Whether a command is one program with arguments: no control operators, substitutions, redirections or lines."""
    if any(mark in command for mark in ("`", "$(", "${", "\n", "\r", "\\")):
        return False
    quote = ""
    for character in command:  # without backslashes, a quote ends at the next one of its kind
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "();<>|&#":  # what follows a # may be a comment for the shell or not
            return False
    return not quote


def _paths_match(rule: Rule, paths: tuple[str, ...]) -> bool:
    if rule.path is None or not paths:
        return False
    pattern = rule.path
    if rule.effect is Effect.ALLOW:
        return all(".." not in PurePosixPath(p).parts and fnmatchcase(p, pattern) for p in paths)
    return any(fnmatchcase(text, pattern) for p in paths for text in (p, _normal(p)))


def _normal(path: str) -> str:
    """Without `.`, `..` and doubled slashes."""
    return re.sub("^//", "/", posixpath.normpath(path))
