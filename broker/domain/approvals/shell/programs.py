"""Which programs a command line runs: those in it, and those that its programs run in turn.

`sudo env A=b timeout 5 rm x` runs four. Where a program is given text to run, that is read like the line itself; where
it is given something that only looks like a command, that may be run. What is run and cannot be read is `opaque`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

from broker.domain.approvals.risk.known_programs import (
    BUILDS,
    CLOUDS,
    GIT_OPTIONS,
    INTERPRETERS,
    OPERANDS,
    READ_ONLY,
    RUNS_TEXT,
    SHELLS,
    TEXT_OPTIONS,
    WRAPPERS,
)
from broker.domain.approvals.shell.commands import ShellText, shell_text
from broker.domain.approvals.shell.simple_command import SimpleCommand
from broker.domain.approvals.shell.words import NOTHING_KNOWN, Word

_DEPTH = 6
"""Of texts inside each other that are run."""
_MAX_RUNS = 400
_MAX_ARGUMENTS = 100
_MAX_SUFFIXES = 24
_MAX_PERHAPS = 64_000
"""Characters of what may be run; where there are more, the rest is not looked at."""
_SHELL_VALUES = frozenset({"--rcfile", "--init-file"})
_SSH_VALUES = frozenset(f"-{letter}" for letter in "bcDEeFIiJLlmOopQRSWw")
_INLINE = re.compile(r"-[A-Za-z]*[ceEnp]|--(eval|execute|print)(=.*)?")
_TELLS_OF_ITSELF = frozenset({"--version", "-V", "-v", "--help", "-h"})
_RUNS_COMMANDS = {
    **dict.fromkeys(("awk", "gawk", "mawk"), re.compile(r"system\s*\(|\||getline")),
    **dict.fromkeys(("hash", "enable"), re.compile(r"-[a-z]*[pf]")),
    "sed": re.compile(r"(^|[;{}\n0-9$/!,\s])e(\s|$)|/[gpiIm0-9]*e[gpiIm0-9]*(\s|;|$)"),
}
"""Languages with few ways to run commands, and those ways."""
_TAKES_TEXT = BUILDS | CLOUDS | {"sed", "awk", "gawk", "mawk", "rm", "touch", "mkdir"}
"""Their arguments are not taken for commands, but behind one of `_RUN_OTHERS`."""
_RUN_OTHERS = frozenset({"run", "exec", "dlx", "x", "ssh"})
_START_SHELLS = frozenset({"sudo", "doas", "chroot", "unshare", "nsenter", "script", "runuser", "sg"})
_READ_ALREADY = SHELLS | {"eval", "ssh", "trap", "alias", "find", "fd", "fdfind"}
_GIT_RUNS = frozenset({"-c", "-x", "--exec", "foreach", "run", "--tree-filter", "--index-filter", "--msg-filter"})
_FIND_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch"})


@dataclass(frozen=True, slots=True)
class Run:
    """A program with its arguments."""

    words: tuple[Word, ...]
    certain: bool = True
    """False where the line may run it."""

    @property
    def name(self) -> str:
        """The program without its folder."""
        return program_name(self.words[0].value)

    def texts(self) -> Iterator[str]:
        """It in one line, as it is, as it is written, and by the program's name alone; blanks are single."""
        for words in ([word.value for word in self.words], [word.written for word in self.words]):
            name, rest = program_name(words[0]), "".join(f" {word}" for word in words[1:])
            yield words[0] + rest
            yield name + rest
            yield name.lower() + rest  # the same program where the file system ignores case


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellLine:
    """A command line with all that it runs."""

    text: ShellText
    runs: tuple[Run, ...]
    certain: tuple[str, ...]
    """What it runs, each program in one line; see `Run.texts`."""
    perhaps: tuple[str, ...]
    """What it may run besides."""
    touched: tuple[SimpleCommand, ...]
    """Every simple command in it, for its redirections."""
    opaque: bool
    """It runs something that cannot be read here."""


@lru_cache(maxsize=256)
def shell_line(command: str) -> ShellLine:
    """Everything a command line runs, as far as that can be read; never raises."""
    resolver = _Resolver()
    resolver.read(command, certain=True, depth=_DEPTH)
    runs = tuple(resolver.runs[:_MAX_RUNS])
    certain = dict.fromkeys(text for run in runs if run.certain for text in run.texts())
    perhaps = list(dict.fromkeys(text for run in runs if not run.certain for text in run.texts()))
    within = [text for text, end in zip(perhaps, accumulate(map(len, perhaps)), strict=True) if end <= _MAX_PERHAPS]
    return ShellLine(
        text=shell_text(command),
        runs=runs,
        certain=tuple(certain),
        perhaps=tuple(text for text in within if text not in certain),
        touched=tuple(resolver.touched),
        opaque=resolver.opaque or len(resolver.runs) > _MAX_RUNS or len(within) < len(perhaps),
    )


def program_name(path: str) -> str:
    """What a program is called, whatever folder it is in; zsh takes `=rm` for where `rm` is."""
    return path.rpartition("/")[2].lstrip("=")


@dataclass(slots=True)
class _Resolver:
    runs: list[Run] = field(default_factory=list)
    touched: list[SimpleCommand] = field(default_factory=list)
    opaque: bool = False

    def read(self, text: str, *, certain: bool, depth: int) -> None:
        """A text that is run as commands."""
        if depth < 0 or len(self.runs) > _MAX_RUNS:
            self.opaque = True
            return
        found = shell_text(text)
        if certain and not found.readable:
            self.opaque = True
        before: dict[bool, SimpleCommand] = {}
        for command in found.commands:
            self.touched.append(command)
            if command.words:
                first = len(self.runs)
                self._run(command.words, certain=certain, depth=depth)
                source = before.get(command.substituted) if command.piped else None
                self._read_fed(command, source, readers=self.runs[first:], depth=depth)
            for assigned in command.assignments:  # `PAGER='a b' git log` runs it
                self._embedded(assigned, depth=depth)
            before[command.substituted] = command

    def _run(self, words: Sequence[Word], *, certain: bool, depth: int) -> None:
        """One program, and what it runs in turn."""
        if not words or len(self.runs) > _MAX_RUNS:
            return
        if len(words) > _MAX_ARGUMENTS:
            words = [*words[:_MAX_ARGUMENTS], NOTHING_KNOWN]
        run = Run(tuple(words), certain)
        self.runs.append(run)
        name, arguments = run.name.lower(), list(words[1:])
        if not words[0].is_known:
            self._not_readable(certain)
        if depth <= 0:
            self._not_readable(certain)
            return
        if name in SHELLS:
            self._shell(name, arguments, certain=certain, depth=depth)
        elif name in {"eval", "parallel", "watch", "hyperfine"}:
            operands = arguments if name == "eval" else _behind_options(arguments, WRAPPERS.get(name, frozenset()))
            self._text(operands, certain=certain, depth=depth)
        elif name == "ssh":
            self._text(_behind_options(arguments, _SSH_VALUES)[1:], certain=certain, depth=depth)
        elif name in {"trap", "alias"}:
            for argument in arguments[:1] if name == "trap" else arguments:
                value = argument.value if name == "trap" else argument.value.partition("=")[2]
                self.read(value, certain=certain, depth=depth - 1)
        elif name in {"find", "fd", "fdfind"}:
            self._note_found(arguments, certain=certain, depth=depth)
        elif name in WRAPPERS:
            self._wrap(name, arguments, certain=certain, depth=depth)
        elif name in INTERPRETERS or name in {"source", "."}:
            self._interpret(name, arguments, certain=certain)
        elif (runs := _RUNS_COMMANDS.get(name)) and any(runs.search(word.value) for word in arguments):
            self._not_readable(certain)
        self._behind_own_options(run, certain=certain)
        self._perhaps(name, arguments, depth=depth)

    def _behind_own_options(self, run: Run, *, certain: bool) -> None:
        """`git -C x push` is `git push`; of other programs it is not known which options take a value."""
        program, arguments = run.words[0], run.words[1:]
        if run.name.lower() == "git":
            rest = _behind_options(arguments, GIT_OPTIONS)
            if len(rest) < len(arguments):
                self.runs.append(Run((program, *rest), certain))
        elif run.name.lower() not in WRAPPERS.keys() | SHELLS:
            behind = [place for place in range(1, len(arguments)) if arguments[place - 1].value.startswith("-")]
            for place in (each for at, each in enumerate(behind) if each <= 2 * at + 2):
                for start in (place, place + 1):
                    self.runs.append(Run((program, *arguments[start:]), certain=False))

    def _not_readable(self, certain: bool) -> None:
        self.opaque = self.opaque or certain

    def _text(self, words: Sequence[Word], *, certain: bool, depth: int) -> None:
        self.read(" ".join(word.value for word in words), certain=certain, depth=depth - 1)

    def _shell(self, name: str, arguments: Sequence[Word], *, certain: bool, depth: int) -> None:
        """`-c text`, wherever the option stands and whatever stands beside it; a script's text is not known."""
        operand, is_text = _shell_operand(arguments)
        if name == "fish" or operand is None or not is_text:
            self._not_readable(certain)
        if operand is not None and is_text:
            self.read(operand.value, certain=certain, depth=depth - 1)

    def _note_found(self, arguments: Sequence[Word], *, certain: bool, depth: int) -> None:
        for place, word in enumerate(arguments):
            if word.value in _FIND_RUNS:
                inner = list(arguments[place + 1 :])
                end = next((at for at, each in enumerate(inner) if each.value in {";", "+"}), len(inner))
                words = [NOTHING_KNOWN if "{}" in each.value else each for each in inner[:end]]
                self._run(
                    words if NOTHING_KNOWN in words else [*words, NOTHING_KNOWN], certain=certain, depth=depth - 1
                )

    def _wrap(self, name: str, arguments: list[Word], *, certain: bool, depth: int) -> None:
        """The program behind the wrapper's options, or the text that one of them holds."""
        for place, word in enumerate(arguments):
            if text := _text_option(name, word.value):
                value = [Word(text[1], text[1])] if text[1] else arguments[place + 1 : place + 2]
                rest = arguments[place + (1 if text[1] else 2) :] if name == "env" else []
                self._text([*value, *rest], certain=certain, depth=depth)
        inner = _behind_options(arguments, WRAPPERS[name])[OPERANDS.get(name, 0) :]
        if name == "command" and any(word.value in {"-v", "-V"} for word in arguments[:1]):
            return
        if name == "xargs":
            inner = [*inner, NOTHING_KNOWN] if inner else []
        if name == "su" or (name in _START_SHELLS and not inner):  # a shell that reads what it is given
            self._not_readable(certain)
        self._run(inner, certain=certain, depth=depth - 1)

    def _interpret(self, name: str, arguments: Sequence[Word], *, certain: bool) -> None:
        """Programs in other languages cannot be read here; a file of them is a program like any other."""
        tells = any(not word.value.startswith("-") or word.value in _TELLS_OF_ITSELF for word in arguments)
        if name in {"source", "."} or not tells or any(_INLINE.fullmatch(word.value) for word in arguments):
            self._not_readable(certain)

    def _read_fed(
        self, command: SimpleCommand, before: SimpleCommand | None, *, readers: Sequence[Run], depth: int
    ) -> None:
        """What a shell is given to read it runs: documents, and what another program prints."""
        shells = [run for run in readers if run.name.lower() in RUNS_TEXT]
        if not shells:
            return
        certain = any(run.certain for run in shells)
        documents = [*command.documents, *(before.documents if before else ())]
        printed = before.words[1:] if before and before.words and before.words[0].value in {"echo", "printf"} else []
        for document in (*documents, *printed):
            self.read(document.value, certain=certain, depth=depth - 1)
        if printed:
            self._text(printed, certain=certain, depth=depth)

    def _perhaps(self, name: str, arguments: Sequence[Word], *, depth: int) -> None:
        """What an argument or the rest of the arguments would run, if the program should run them."""
        if name in _READ_ALREADY:
            return
        runs_others = any(word.value in _RUN_OTHERS for word in arguments[:_MAX_SUFFIXES])
        if name == "git":
            self.opaque = self.opaque or any(word.value.startswith("alias.") for word in arguments)
            if not any(word.value in _GIT_RUNS for word in arguments):
                return
        elif name in READ_ONLY or (name in _TAKES_TEXT and not runs_others):
            if name in BUILDS | {"export"}:
                for word in arguments[:_MAX_SUFFIXES]:
                    if word.assigns or "=" in word.value:
                        self._embedded(word, depth=depth)
            return
        else:
            for start in range(min(len(arguments), _MAX_SUFFIXES)):
                if not arguments[start].value.startswith("-"):
                    perhaps = Run(tuple(arguments[start:]), certain=False)
                    self.runs.append(perhaps)
                    # What a shell is told by a program that nobody knows is not known.
                    self.opaque = self.opaque or (name not in WRAPPERS and perhaps.name.lower() in SHELLS)
        for word in arguments[:_MAX_SUFFIXES]:
            self._embedded(word, depth=depth)

    def _embedded(self, word: Word, *, depth: int) -> None:
        """A text in an argument that looks like more than one word: `!a b`, `x=!a b`, `X=a b`."""
        _, assigned, value = word.value.partition("=")
        text = (value if assigned and " " not in word.value.partition("=")[0] else word.value).lstrip("!:")
        if " " in text or "\t" in text or text != word.value:
            self.read(text, certain=False, depth=depth - 2)


def _text_option(name: str, word: str) -> tuple[str, str] | None:
    """An option whose value is a command line, and the value where it is part of the same word."""
    option, _, value = word.partition("=")
    if option in TEXT_OPTIONS.get(name, ()):
        return option, value
    joined = re.fullmatch(r"-[iv0]*S(.+)", word, re.DOTALL) if name == "env" else None
    return (word, joined[1]) if joined else None


def _shell_operand(arguments: Sequence[Word]) -> tuple[Word | None, bool]:
    """The first argument that is no option, and whether it is the text to run rather than a file."""
    is_text, at = False, 0
    while at < len(arguments):
        word = arguments[at].value
        if word in _SHELL_VALUES:
            at += 1
        elif word.startswith("--command="):
            return Word(word.partition("=")[2], ""), True
        elif word == "--command":
            is_text = True
        elif word in {"-", "--"}:
            return (arguments[at + 1], is_text) if at + 1 < len(arguments) else (None, is_text)
        elif word[:1] in {"-", "+"} and not word.startswith("--"):
            is_text = is_text or (word[0] == "-" and "c" in word)
            at += word[-1] in "oO"
        elif not word.startswith("--"):
            return arguments[at], is_text
        at += 1
    return None, is_text


def _behind_options(words: Sequence[Word], with_value: frozenset[str]) -> list[Word]:
    at = 0
    while at < len(words):
        value = words[at].value
        if value == "--":
            return list(words[at + 1 :])
        if value in with_value:
            at += 2
        elif value.startswith("-") or words[at].assigns or re.match(r"[A-Za-z_]\w*=", value):
            at += 1
        else:
            break
    return list(words[at:])
