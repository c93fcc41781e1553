"""Which files a command line names, and what is done with them, as far as the names of programs tell."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from broker.domain.approvals.patterns import UNKNOWN
from broker.domain.approvals.risk.known_programs import READ_ONLY
from broker.domain.approvals.shell.programs import Run, ShellLine, shell_line
from broker.domain.approvals.shell.words import Word
from broker.domain.approvals.tool_kinds import FILE_KINDS, ToolKind

_MAX_FILES = 100

_READS = frozenset({ToolKind.READ, ToolKind.SEARCH})
_WRITES = frozenset({ToolKind.EDIT})
_ACCESS: dict[str, frozenset[ToolKind]] = {
    **dict.fromkeys(READ_ONLY | {"base64", "xxd", "od", "hexdump", "strings", "zcat", "sha256sum", "md5sum"}, _READS),
    **dict.fromkeys(("ls", "find", "fd", "tree", "du", "stat", "test", "["), frozenset({ToolKind.LIST})),
    **dict.fromkeys(("rm", "unlink", "rmdir", "shred"), frozenset({ToolKind.DELETE})),
    **dict.fromkeys(("touch", "mkdir", "chmod", "chown", "tee", "truncate"), _WRITES),
    **dict.fromkeys(("echo", "printf", "true", "false", "which", "type", "pwd", "whoami"), frozenset()),
}
"""What a program does with the files that it is given the names of; others may do anything."""
_WHOLE_FOLDERS = {
    **dict.fromkeys(("rg", "ag", "ack", "tar", "rsync", "zip"), ""),
    **dict.fromkeys(("grep", "egrep", "fgrep"), "rR"),
    **dict.fromkeys(("cp", "scp"), "rRa"),
}
"""Programs that read all that is in a folder, and the letters of the options that make them; '' when they always do."""
_IN_OPTION = re.compile(r"(-{1,2}[\w-]*[=@]|[\w.-]+[=:]@?|@|-[A-Za-z])(?=.)")


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that a command line names."""

    path: str
    access: frozenset[ToolKind]
    """The kinds of tools that do the same."""
    certain: bool
    """False for what only may be run."""


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """All of them."""

    files: tuple[NamedFile, ...]
    complete: bool
    """False where there are more than are looked at, or some that cannot be read."""


@lru_cache(maxsize=256)
def find_named_files(command: str) -> NamedFiles:
    """The files that a command line names."""
    line = shell_line(command)
    files = list(islice(dict.fromkeys(_find_named(line)), _MAX_FILES + 1))
    complete = len(files) <= _MAX_FILES and not line.opaque
    return NamedFiles(tuple(files[:_MAX_FILES]), complete)


def _find_named(line: ShellLine) -> Iterator[NamedFile]:
    for command in line.touched:
        yield from (NamedFile(word.value, _READS, True) for word in command.reads)
        yield from (NamedFile(word.value, _WRITES, True) for word in command.writes)
    folders = [word.value for run in line.runs if run.name in {"cd", "pushd"} for word in run.words[1:2]]
    for run in line.runs:
        access = _ACCESS.get(run.name, FILE_KINDS)
        for path in _arguments(run) if access else ():
            yield NamedFile(path, access, run.certain)
            if folders and not path.startswith(("/", UNKNOWN, "-")):
                yield from (NamedFile(posixpath.join(folder, path), access, run.certain) for folder in folders)


def _arguments(run: Run) -> Iterator[str]:
    """What may be a path in a program's arguments: `x`, `--file=x`, `-fx`, `@x`, `host:x`."""
    operands = [word.value for word in run.words[1:]]
    for value in operands:
        yield value
        if found := _IN_OPTION.match(value):
            yield value[found.end() :]
    letters = _WHOLE_FOLDERS.get(run.name)
    if letters is not None and (not letters or _has_letter(run.words[1:], letters)):
        folders = [value for value in operands if not value.startswith("-")]
        yield from (f"{folder.rstrip('/')}/{UNKNOWN}" for folder in (*folders, "."))


def _has_letter(words: Iterable[Word], letters: str) -> bool:
    return any(re.match(r"-[A-Za-z]", word.value) and set(letters) & set(word.value[1:]) for word in words)
