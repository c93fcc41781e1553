"""Members of a hooks file one by one: what each may hold, and what is said where it holds another thing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from broker.domain.hooks.definitions import MAX_TIMEOUT_S
from broker.domain.secrets.references import find_reference
from broker.protocol.yaml_document import Document, Path, Position

MAX_DEBOUNCE_S = 600.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something that is wrong in a file, both numbers from 1."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


def problem_at(position: Position, message: str) -> Problem:
    """A problem at a place."""
    return Problem(position.line, position.column, message)


def duration_s(value: object) -> float:
    """Seconds of `5s`, `500ms`, `2m`; a bare number is refused, as vendors mean different units by one."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError(f"{value!r} is no time: write a number with its unit, as in 5s, 500ms or 2m")
    return float(found[1]) * _UNITS_S[found[2]]


def as_list(value: Any) -> list[Any]:
    """A member that may stand alone or in a list."""
    return [] if value is None else value if isinstance(value, list) else [value]


@dataclass(slots=True)
class Fields:
    """Reads members of one document and collects what is wrong with them."""

    document: Document
    problems: list[Problem] = field(default_factory=list)

    def timeout(self, given: Mapping[str, Any], path: Path, *, default_s: float) -> float:
        """Seconds that a command gets."""
        if "timeout" not in given:
            return default_s
        try:
            seconds = duration_s(given["timeout"])
        except ValueError as bad:
            self.say((*path, "timeout"), str(bad))
            return default_s
        if not 0 < seconds <= MAX_TIMEOUT_S:
            self.say((*path, "timeout"), f"more than nothing, and {MAX_TIMEOUT_S / 60:.0f} minutes at most")
        return seconds

    def debounce(self, given: Mapping[str, Any], path: Path) -> float:
        """Seconds of quiet that a hook waits for."""
        if "debounce" not in given:
            return 0
        where = (*path, "debounce")
        try:
            seconds = duration_s(given["debounce"])
        except ValueError as bad:
            self.say(where, str(bad))
            return 0
        if not 0 < seconds <= MAX_DEBOUNCE_S:
            self.say(where, f"more than nothing, and {MAX_DEBOUNCE_S / 60:.0f} minutes at most")
        return seconds

    def number(self, given: Mapping[str, Any], name: str, path: Path, *, default: int, most: int) -> int:
        """A whole number within bounds."""
        value = given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            self.say((*path, name), f"a number from 1 to {most}")
            return default
        return value

    def flag(self, given: Mapping[str, Any], name: str, path: Path, *, default: bool) -> bool:
        """True or false."""
        value = given.get(name, default)
        if not isinstance(value, bool):
            self.say((*path, name), "true or false")
        return bool(value)

    def texts(self, given: Mapping[str, Any], name: str, path: Path) -> tuple[str, ...]:
        """One pattern, or several."""
        found = as_list(given.get(name))
        if not all(isinstance(each, str) and each for each in found):
            self.say((*path, name), "a pattern, or a list of patterns")
            return ()
        return tuple(found)

    def text(self, given: Mapping[str, Any], name: str, path: Path) -> str | None:
        """One pattern."""
        value = given.get(name)
        if value is not None and not isinstance(value, str):
            self.say((*path, name), 'a pattern, such as "Worker-*"')
            return None
        return value

    def secret(self, given: Any, path: Path) -> str | None:
        """The name that a reference has."""
        name = find_reference(given) if isinstance(given, str) else None
        if name is None:
            hint = "`relaycast secrets set NAME --generate` makes one, and here it is `secret:NAME`"
            self.say(path, f"no value stands in a hooks file: {hint}")
        return name

    def only(self, given: Mapping[str, Any], known: tuple[str, ...], path: Path) -> None:
        """Say which members are not known here."""
        for name in given:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
                self.say_of_key((*path, name), f"{name!r} is not known here{hint}")

    def not_with(self, given: Mapping[str, Any], names: tuple[str, ...], action: str, path: Path) -> None:
        """Say which members mean nothing beside an action."""
        for name in names:
            if name in given:
                self.say_of_key((*path, name), f"{name!r} means nothing with `{action}`")

    def say(self, path: Path, message: str) -> None:
        """Something is wrong with a value."""
        self.problems.append(problem_at(self.document.position(path), message))

    def say_of_key(self, path: Path, message: str) -> None:
        """Something is wrong with the name of a member."""
        self.problems.append(problem_at(self.document.key_position(path), message))
