"""What is risky about a shell command, program by program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from broker.domain.approvals.risk.builds import TASK_RUNNERS, build_findings
from broker.domain.approvals.risk.findings import Finding, Risk, shorten
from broker.domain.approvals.risk.git import git_findings
from broker.domain.approvals.risk.known_programs import (
    ANY_ARGUMENTS,
    AS_ROOT,
    BUILDS,
    DECODERS,
    FETCHERS,
    INTERPRETERS,
    OPERANDS,
    READ_ONLY,
    SHELLS,
    SHOWS_NO_CONTENT,
    WRAPPERS,
)
from broker.domain.approvals.risk.options import option_findings, variable_findings
from broker.domain.approvals.risk.paths import is_secret, reading_findings, writing_findings
from broker.domain.approvals.risk.programs import JUDGES, bare_path, reads
from broker.domain.approvals.shell.commands import shell_text
from broker.domain.approvals.shell.simple_command import SimpleCommand
from broker.domain.approvals.shell.words import Word

_DEPTH = 4

_RUN_TEXT = SHELLS | {"eval", "source", "."}
_HARMLESS_BEGINNINGS = tuple(f"{command} " for command in ANY_ARGUMENTS)
_DISKS = re.compile(r"mkfs(\..+)?|fdisk|sfdisk|parted|wipefs|shred|diskutil|format")
_FORK_BOMB = re.compile(r":\s*\(\s*\)\s*\{\s*:\s*\|\s*:")


def command_findings(command: str, cwd: str | None, *, depth: int = _DEPTH) -> Iterator[Finding]:
    """Everything there is to say about a command line; of programs nobody knows, that they are not known."""
    if _FORK_BOMB.search(command):
        yield Finding(Risk.HIGH, "starts itself without end until the machine stops")
    text = shell_text(command)
    if not text.readable:
        yield Finding(Risk.MEDIUM, "cannot be read to its end: look at it closely")
    before: dict[bool, list[str]] = {}
    for each in text.commands:
        words = _spell(each.words)
        yield from _redirections(each, cwd)
        yield from variable_findings([*_spell(each.assignments), *_given_by_env(words)])
        yield from _simple(words, cwd, depth=depth)
        if each.piped and each.substituted in before:
            yield from _pipe(before[each.substituted], words)
        before[each.substituted] = words
    programs = [(_program(_spell(each.words)), each) for each in text.commands]
    if any(program in _RUN_TEXT for program, _ in programs):
        if any(each.substituted and program in FETCHERS for program, each in programs):
            yield Finding(Risk.HIGH, "runs a program from the network that nobody has looked at")
        for document in _spell(document for each in text.commands for document in each.documents):
            yield from command_findings(document, cwd, depth=depth - 1) if depth else ()


def _given_by_env(words: Sequence[str]) -> list[str]:
    """`env A=b program`: what it sets."""
    return [word for word in words if "=" in word] if words and _name(words[0]) == "env" else []


def _spell(words: Iterable[Word]) -> list[str]:
    """As they are written, so that people recognise `$HOME` and `*.py`."""
    return [word.written for word in words]


def _redirections(command: SimpleCommand, cwd: str | None) -> Iterator[Finding]:
    for path in _spell(command.writes):
        yield from writing_findings(path, cwd)
    for path in _spell(command.reads):
        yield from reading_findings(path, cwd)


def _simple(words: Sequence[str], cwd: str | None, *, depth: int) -> Iterator[Finding]:
    if any(_name(word) in AS_ROOT for word in words[:3]) and _program(words[:1]) not in READ_ONLY:
        yield Finding(Risk.HIGH, "runs with the rights of another user, most likely the administrator")
    bare = _unwrap(words)
    if bare:
        yield from _of_program(bare, cwd, depth=depth)


def _of_program(words: Sequence[str], cwd: str | None, *, depth: int) -> Iterator[Finding]:
    program, arguments = _name(words[0]), words[1:]
    if program not in SHOWS_NO_CONTENT and not " ".join([*words, ""]).startswith(_HARMLESS_BEGINNINGS):
        secrets = [word for word in arguments if is_secret(bare_path(word))]
        yield from (Finding(Risk.HIGH, f"reads keys or passwords: {shorten(secret)}") for secret in secrets)
    yield from option_findings(program, arguments, cwd)
    yield from build_findings([program, *arguments])
    if program in SHELLS | {"su", "eval"}:
        yield from _shell(program, arguments, cwd, depth=depth)
    elif program == "find":
        yield from _find(arguments, cwd, depth=depth)
    elif program == "git":
        yield from git_findings(arguments, cwd)
    elif judge := JUDGES.get(program):
        yield from judge([program, *arguments], cwd)
    elif program in READ_ONLY:
        yield from reads(arguments, cwd)
    elif program not in BUILDS | TASK_RUNNERS:
        yield Finding(Risk.MEDIUM, f"runs {shorten(words[0])}, of which nothing is known here")


def _shell(program: str, arguments: Sequence[str], cwd: str | None, *, depth: int) -> Iterator[Finding]:
    if program == "eval":
        yield Finding(Risk.MEDIUM, "runs a text that is only known when it runs")
        inner = " ".join(arguments)
    else:
        inner = next((after for word, after in pairwise(arguments) if _runs(word)), "")
    if inner and depth:
        yield from command_findings(inner, cwd, depth=depth - 1)
    elif script := next((word for word in arguments if not word.startswith("-")), ""):
        yield Finding(Risk.MEDIUM, f"runs a script: {shorten(script)}")


def _find(arguments: Sequence[str], cwd: str | None, *, depth: int) -> Iterator[Finding]:
    if "-delete" in arguments:
        yield Finding(Risk.HIGH, "deletes all files that it finds")
    for place, word in enumerate(arguments):
        if word in {"-exec", "-execdir", "-ok", "-okdir"} and depth:
            inner = [each for each in arguments[place + 1 :] if each not in {"{}", ";", "+"}]
            yield from _simple(inner, cwd, depth=depth - 1)
    paths = [word for word in arguments if not word.startswith("-")][:1]
    yield from reads(paths, cwd)


def _pipe(source: Sequence[str], target: Sequence[str]) -> Iterator[Finding]:
    to, words = _program(target), _unwrap(target)
    if to not in SHELLS | INTERPRETERS or any(not word.startswith("-") for word in words[1:]):
        return
    if _program(source) in FETCHERS:
        yield Finding(Risk.HIGH, "runs a program from the network that nobody has looked at")
    elif _program(source) in DECODERS:
        yield Finding(Risk.HIGH, "runs a program that is hidden in encoded text")
    else:
        yield Finding(Risk.MEDIUM, "runs what another command prints")


def _unwrap(words: Sequence[str]) -> list[str]:
    """The program that is really run: without `sudo`, `env A=b`, `timeout 5`, `xargs -n1`."""
    rest = list(words)
    for _ in range(8):
        if len(rest) < 2 or _name(rest[0]) not in WRAPPERS:
            break
        wrapper = _name(rest[0])
        inner = _behind_options(rest[1:], WRAPPERS[wrapper])[OPERANDS.get(wrapper, 0) :]
        if not inner:
            break
        rest = inner
    return rest


def _behind_options(words: list[str], with_value: frozenset[str]) -> list[str]:
    at = 0
    while at < len(words):
        if words[at] in with_value:
            at += 2
        elif words[at].startswith("-") or re.match(r"[A-Za-z_]\w*=", words[at]):
            at += 1
        else:
            break
    return words[at:]


def _program(words: Sequence[str]) -> str:
    bare = _unwrap(words)
    return _name(bare[0]) if bare else ""


def _name(word: str) -> str:
    name = word.rpartition("/")[2]
    if _DISKS.fullmatch(name):
        return "mkfs"
    return re.sub(r"^(python|pip)[\d.]+$", r"\1", name)


def _runs(option: str) -> bool:
    return re.fullmatch(r"-[a-z]*c|--command", option) is not None
