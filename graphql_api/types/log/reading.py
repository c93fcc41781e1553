"""Readers of the JSON of a session's log. Each gives what its field may hold, whatever it finds."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

Json = dict[str, Any]
Read = Callable[[Json], Any]
"""From an object of the log to a field's value; for a field of objects, to their JSON."""
_Word = TypeVar("_Word", bound=Enum)
_INT32 = range(-(2**31), 2**31)
_MAX_COUNT = 2**53
"""The largest number that JSON readers keep exactly."""


def text(name: str) -> Read:
    """A string; '' for anything else."""
    return lambda source: value if isinstance(value := source.get(name), str) else ""


def text_or_none(name: str) -> Read:
    """A string; None for anything else."""
    return lambda source: value if isinstance(value := source.get(name), str) else None


def int_or_none(name: str) -> Read:
    """A number that GraphQL's Int can hold."""

    def read(source: Json) -> int | None:
        value = source.get(name)
        return value if type(value) is int and value in _INT32 else None

    return read


def count(name: str) -> Read:
    """A number of things; 0 for what can be none."""

    def read(source: Json) -> int:
        value = source.get(name)
        return min(max(value, 0), _MAX_COUNT) if type(value) is int else 0

    return read


def amount_or_none(name: str) -> Read:
    """A finite number."""

    def read(source: Json) -> float | None:
        value = source.get(name)
        return float(value) if type(value) is int or type(value) is float else None

    return read


def is_true(name: str) -> Read:
    """Whether it says true."""
    return lambda source: source.get(name) is True


def anything(name: str) -> Read:
    """Any JSON."""
    return lambda source: source.get(name)


def texts(name: str) -> Read:
    """The strings of a list."""
    return lambda source: [each for each in as_list(source.get(name)) if isinstance(each, str)]


def objects(name: str) -> Read:
    """The objects of a list."""
    return lambda source: [each for each in as_list(source.get(name)) if isinstance(each, dict)]


def word(kind: type[_Word], name: str, *, otherwise: _Word) -> Read:
    """A value of a closed set."""
    known: dict[object, _Word] = {each.value: each for each in kind}

    def read(source: Json) -> _Word:
        value = source.get(name)
        return known.get(value, otherwise) if isinstance(value, str) else otherwise

    return read


def as_list(value: object) -> list[Any]:
    """A list as it is; an empty one for anything else."""
    return value if isinstance(value, list) else []


def an_object(name: str) -> Read:
    """An object; an empty one for anything else."""
    return lambda source: value if isinstance(value := source.get(name), dict) else {}
