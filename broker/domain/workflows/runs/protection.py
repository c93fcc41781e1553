"""What a repair agent must leave as it is: the paths that the file protects, and the scripts that judge its work."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from broker.domain.workflows.files.definition import StepEntry, StepType, VerificationType, WorkflowFile

_RUN_SCRIPTS = frozenset({"sh", "bash", "dash", "zsh", "python", "python3", "node", "ruby", "perl"})
_BY_COMMAND = frozenset({VerificationType.CUSTOM, VerificationType.TESTS_PASS})
_NAMED = 5


def protected_paths(file: WorkflowFile, step: StepEntry) -> tuple[str, ...]:
    """Patterns, below the step's folder: those of the file, and each script that the step or its verification runs."""
    said = (file.repair_protection or {}).get("protectedPaths") or ()
    commands = [str(each.value) for each in step.conditions if each.type in _BY_COMMAND and each.value]
    if step.kind is StepType.DETERMINISTIC and step.command:
        commands.append(step.command)
    scripts = (script for each in commands for script in _scripts(each))
    return tuple(dict.fromkeys([*said, *scripts]))


def _scripts(command: str) -> Iterator[str]:
    """The file that a command begins with, if it is one of the step's folder: `./check.sh`, `python tests/check.py`."""
    try:
        lexer = shlex.shlex(command.partition("\n")[0], posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        return
    if words and words[0] in _RUN_SCRIPTS:
        words = words[1:]
    elif not words or "/" not in words[0]:
        return
    if words and not words[0].startswith(("-", "/", "~", "$", "{")) and ".." not in words[0].split("/"):
        yield words[0].removeprefix("./")


def changed_paths(before: str, after: str) -> str:
    """Which paths are not as they were, as two looks at them have told; '' for none."""
    changed = sorted({path for _, path in _read(before) ^ _read(after)})
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    return ", ".join(changed[:_NAMED]) + more


def _read(told: str) -> set[tuple[str, str]]:
    """What a machine says of the files: the paths of each content, by its hash."""
    return {(digest, path) for digest, paths in json.loads(told or "{}").items() for path in paths}
