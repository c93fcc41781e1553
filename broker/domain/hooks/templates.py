"""Command lines and texts with variables: `npm run lint -- ${file}`.

A command line is split into words when it is saved, as POSIX shells split one (XCU 2.3), and never meets a shell: what
a shell would do with it is refused. Values are put in after the splitting, so that none can make another word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

VARIABLES = frozenset(
    {
        *("event", "agent", "kind", "session", "workspace", "cwd", "project", "url"),
        *("file", "files", "command", "exit_code", "tool", "last_message", "reason"),
        *("approval_id", "question", "message_id", "text", "from"),
        *("reset_at", "percent", "run", "step"),
    }
)
OF_MACHINES = frozenset({"project"})
"""What only the agent's machine knows: the root of the git repository that the agent works in."""
FILE_LISTS = frozenset({"file", "files"})
"""As a whole word they become one word for each file."""
MAX_VALUE_BYTES = 4096
"""Of one value; longer ones are cut."""
MAX_FILES = 100
MAX_FILE_BYTES = 100_000
"""Of all file names of one call; more are a further call."""

_VARIABLE = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SHELL_CHARACTERS = "|&;<>()`\n*?[~"
_INSTEAD = {
    "|": "put the pipeline into a script and name that",
    "&": "every hook runs in the background anyway; for two commands write two hooks",
    ";": "for two commands write two hooks",
    "<": "the event is on standard input as JSON; for a file name it as an argument",
    ">": "the output is kept with the hook's run; write files in a script",
    "(": "put it into a script and name that",
    ")": "put it into a script and name that",
    "`": "put it into a script and name that",
    "\n": "for two commands write two hooks",
    "*": "files are named by ${file}; choose among them with `when: {glob: …}`",
    "?": "files are named by ${file}; choose among them with `when: {glob: …}`",
    "[": "files are named by ${file}; choose among them with `when: {glob: …}`",
    "~": "write the whole path",
}


class BadTemplate(ValueError):
    """A command or text that cannot be saved; says what to write instead. `at`: characters before the trouble."""

    def __init__(self, message: str, *, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class Variable:
    """`${name}` in a template."""

    name: str


Template = tuple[str | Variable, ...]
"""Literal text and variables in turns; one word of a command, or a whole text."""


def parse_text(text: str) -> Template:
    """A text with variables; raise `BadTemplate` for one that is not known."""
    parts: list[str | Variable] = []
    at = 0
    for found in _VARIABLE.finditer(text):
        parts.append(text[at : found.start()])
        parts.append("${" if found[0] == "$${" else _variable(found[1], found[0], at=found.start()))
        at = found.end()
    parts.append(text[at:])
    return tuple(part for part in parts if part)


def parse_command(line: str) -> tuple[Template, ...]:
    """The words of a command line; raise `BadTemplate` for none, and for what only a shell would understand."""
    words = [parse_text(word) for word in _split(line)]
    if not words:
        raise BadTemplate("the command is empty")
    return tuple(words)


def parse_words(words: Sequence[str]) -> tuple[Template, ...]:
    """A command given word by word: each is taken as it is, but for variables."""
    if not words:
        raise BadTemplate("the command is empty")
    return tuple(parse_text(word) for word in words)


def fill_text(template: Template, values: Mapping[str, str]) -> str:
    """The text with its values; what is not there is empty."""
    return "".join(part if isinstance(part, str) else _clean(values.get(part.name, "")) for part in template)


def fill_command(
    words: Sequence[Template], values: Mapping[str, str], *, files: Sequence[str]
) -> tuple[tuple[str, ...], ...] | str:
    """The calls to make, each a list of words; or why there is nothing to call.

    `files` are relative to the agent's folder. `${file}` or `${files}` as a whole word becomes a word for each file,
    as many as one call may have; inside a word it makes a call of its own for each file.
    """
    used = {part.name for word in words for part in word if isinstance(part, Variable)}
    for name in sorted(used - FILE_LISTS):
        if not values.get(name):
            return f"${{{name}}} is empty"
    if not used & FILE_LISTS:
        return (tuple(fill_text(word, values) for word in words),)
    names = [_safe_path(path) for path in files]
    if not names:
        return "there is no file to name"
    if any(_is_file_list(part) and len(word) > 1 for word in words for part in word):
        return tuple(_one_call(words, values, [name]) for name in names)
    return tuple(_one_call(words, values, batch) for batch in _batches(names))


def _one_call(words: Sequence[Template], values: Mapping[str, str], names: Sequence[str]) -> tuple[str, ...]:
    call: list[str] = []
    for word in words:
        if len(word) == 1 and _is_file_list(word[0]):
            call += names
        else:
            call.append(fill_text(word, {**values, "file": names[0], "files": names[0]}))
    return tuple(call)


def _batches(names: Sequence[str]) -> list[list[str]]:
    batches: list[list[str]] = [[]]
    taken = 0
    for name in names:
        size = len(name.encode())
        if batches[-1] and (len(batches[-1]) == MAX_FILES or taken + size > MAX_FILE_BYTES):
            batches.append([])
            taken = 0
        batches[-1].append(name)
        taken += size
    return batches


def _is_file_list(part: str | Variable) -> bool:
    return isinstance(part, Variable) and part.name in FILE_LISTS


def _safe_path(path: str) -> str:
    """A file name as an argument: no option, whatever it begins with."""
    return f"./{path}" if path.startswith("-") else path


def _clean(value: str) -> str:
    """A value without control characters, and no longer than one may be."""
    text = _CONTROL.sub("", value)
    cut = text.encode(errors="replace")[:MAX_VALUE_BYTES]
    return cut.decode(errors="ignore")


def _variable(name: str, written: str, *, at: int) -> Variable:
    if not written.endswith("}"):
        raise BadTemplate(f"{written!r} has no end: write ${{name}}, or $${{ for the characters themselves", at=at)
    if name in VARIABLES:
        return Variable(name)
    from difflib import get_close_matches  # noqa: PLC0415 - for a mistake

    near = get_close_matches(name, VARIABLES, n=1)
    raise BadTemplate(f"there is no variable ${{{name}}}" + (f"; did you mean ${{{near[0]}}}?" if near else ""), at=at)


def _split(line: str) -> list[str]:
    """Words by the quoting rules of POSIX; whatever would need a shell raises `BadTemplate`."""
    words: list[str] = []
    word: str | None = None
    at = 0
    while at < len(line):
        character = line[at]
        if character == "'":
            text, end = _quote(line, at)
            # A variable has no meaning between these quotes.
            word = (word or "") + text.replace("${", "$${")
            at = end
        elif character == '"':
            text, at = _double_quoted(line, at)
            word = (word or "") + text
        elif character == "\\":
            if at + 1 == len(line):
                raise BadTemplate("the command ends in a backslash", at=at)
            word = (word or "") + ("$$" if line[at + 1 : at + 3] == "${" else line[at + 1])
            at += 2
        elif character in " \t":
            words, word = ([*words, word], None) if word is not None else (words, None)
            at += 1
        else:
            text, end = _bare(line, at, begins=word is None, first=not words)
            word = (word or "") + text
            at = end
    return words if word is None else [*words, word]


def _bare(line: str, at: int, *, begins: bool, first: bool) -> tuple[str, int]:
    """What stands without quotes from here: a variable whole, or one character."""
    character = line[at]
    if begins and first and _ASSIGNMENT.match(line, at):
        raise BadTemplate("variables of the environment are named in `env`, not before the command", at=at)
    if found := _VARIABLE.match(line, at):
        return found[0], found.end()
    if character == "$" and line[at : at + 2] == "$(":
        raise BadTemplate(f"no shell reads this command: {_INSTEAD['`']}", at=at)
    if character == "$" and at + 1 < len(line) and (line[at + 1].isalpha() or line[at + 1] == "_"):
        raise BadTemplate("variables are written ${name}", at=at)
    if character in _SHELL_CHARACTERS and (character != "~" or begins):
        raise BadTemplate(f"no shell reads this command, so {character!r} means nothing: {_INSTEAD[character]}", at=at)
    return character, at + 1


def _quote(line: str, at: int) -> tuple[str, int]:
    end = line.find("'", at + 1)
    if end < 0:
        raise BadTemplate("the quote ' has no end", at=at)
    return line[at + 1 : end], end + 1


def _double_quoted(line: str, at: int) -> tuple[str, int]:
    text, here = "", at + 1
    while here < len(line) and line[here] != '"':
        if line[here] == "\\" and here + 1 < len(line) and line[here + 1] in '"\\$`':
            text += line[here + 1] if line[here + 1] != "$" else "$$" if line[here + 2 : here + 3] == "{" else "$"
            here += 2
        elif line[here] == "`" or line[here : here + 2] == "$(":
            raise BadTemplate(f"no shell reads this command: {_INSTEAD['`']}", at=here)
        else:
            text += line[here]
            here += 1
    if here == len(line):
        raise BadTemplate('the quote " has no end', at=at)
    return text, here + 1
