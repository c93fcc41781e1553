"""Commands whose words are a program: `sh -c …`, `python -c …`. What those do no list of words can say. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from pathlib import PurePath

from broker.domain.approvals.risk.known_programs import INTERPRETERS, RUNS_TEXT, SHELLS, TEXT_OPTIONS, WRAPPERS
from broker.domain.hooks.templates import Template, Variable

OWN = frozenset({"cwd", "project"})
"""Variables that the machine fills in by itself; all others are the broker's, and through it often an agent's."""
_VERSIONED = re.compile(r"(python|perl|ruby|php|lua|node|pypy)[\d.]+|pypy|nodejs|tclsh|pwsh|powershell")
_SHELL_CODE = re.compile(r"[-+][a-zA-Z]*c[a-zA-Z]*|-.*[cC]ommand.*")
_CODE = re.compile(r"eval|-[a-zA-Z]*[ceEprR].*|--(eval|print|exec|run).*|-(Command|EncodedCommand).*")


class Code(IntEnum):
    """Where a command's program comes from; the later, the worse."""

    IN_FILES = 0
    """Its words are arguments."""
    INLINE = 1
    """It stands in the command's own words, or comes over standard input."""
    FROM_VALUES = 2
    """A value becomes a part of it or chooses it: whoever names a file decides what runs."""


def code_of(words: Sequence[Template]) -> Code:
    """What a command's words are to the program that gets them.

    A shell or interpreter behind a program that runs another one (`env`, `timeout`, …) counts as if it stood alone.
    """
    if _has_values(words[:1]):
        return Code.FROM_VALUES
    places = range(len(words)) if _name(words[0]) in WRAPPERS else range(1)
    interpreted = [_interpret(words[place], words[place + 1 :]) for place in places if is_interpreter(words[place])]
    return max(_text_of(words), *interpreted, Code.IN_FILES)


def is_interpreter(word: Template) -> bool:
    """Whether a word names a program that runs what it is given to read."""
    name = _name(word)
    return name in SHELLS | INTERPRETERS or _VERSIONED.fullmatch(name) is not None


def runs_files(word: Template) -> bool:
    """Whether a program runs what its arguments name: an interpreter its script, a wrapper another program."""
    return is_interpreter(word) or _name(word) in WRAPPERS


def as_written(words: Sequence[Template]) -> tuple[str, ...]:
    """The words with their variables as a hooks file has them."""
    return tuple(map(_text, words))


def has_values(word: Template) -> bool:
    """Whether a word holds anything that the machine does not know by itself."""
    return any(name not in OWN for name in _variables(word))


def _interpret(program: Template, arguments: Sequence[Template]) -> Code:
    shell = _name(program) in SHELLS
    for place, word in enumerate(arguments):
        text = _text(word)
        if _is_code_flag(program, text, shell=shell):
            # Of two words the second may be the code; what follows are its arguments.
            return Code.FROM_VALUES if _has_values(arguments[place : place + 2]) else Code.INLINE
        if text.startswith("-m") and not shell:
            return Code.FROM_VALUES if _has_values(arguments[place : place + 2]) else Code.IN_FILES
        if not text.startswith(("-", "+")):
            return Code.FROM_VALUES if has_values(word) else Code.IN_FILES
    return Code.INLINE  # it reads its program from standard input, where the event is


def _is_code_flag(program: Template, text: str, *, shell: bool) -> bool:
    if shell:
        return _SHELL_CODE.fullmatch(text) is not None
    return _CODE.fullmatch(text) is not None or (_name(program) == "php" and text in {"-B", "-F"})


def _text_of(words: Sequence[Template]) -> Code:
    """Of programs that hand words to a shell of their own."""
    name = _name(words[0])
    options = TEXT_OPTIONS.get(name, frozenset())
    if name in SHELLS or not (name in RUNS_TEXT or any(_text(word).partition("=")[0] in options for word in words[1:])):
        return Code.IN_FILES
    return Code.FROM_VALUES if _has_values(words[1:]) else Code.INLINE


def _has_values(words: Sequence[Template]) -> bool:
    return any(map(has_values, words))


def _variables(word: Template) -> Iterator[str]:
    return (part.name for part in word if isinstance(part, Variable))


def _text(word: Template) -> str:
    return "".join(part if isinstance(part, str) else f"${{{part.name}}}" for part in word)


def _name(word: Template) -> str:
    return PurePath(_text(word)).name.removesuffix(".exe")
