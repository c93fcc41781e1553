"""The conditions a search is written in: `-field:"a value"`, words, and where each stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from typing_extensions import override

from broker.domain.errors import BadRequest
from broker.domain.logs.search.fields import FIELDS, SearchField

_QUOTED = re.compile(r'"(?P<inside>(?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r"\S*")
_ESCAPED = re.compile(r'\\(["\\])')
_SHOWN_EACH_SIDE = 40
_CONDITION = re.compile(rf"(?P<minus>-?)(?:(?P<field>{'|'.join(FIELDS)}):)?", re.IGNORECASE | re.ASCII)


class InvalidQuery(BadRequest):
    """The search cannot be read; `column` counts from 1, and `pointer` shows the place."""

    code = "INVALID_QUERY"

    def __init__(self, problem: str, *, query: str, at: int) -> None:
        at = min(at, max(len(query) - 1, 0))  # what is missing at the end is shown at the last character
        self.problem = problem
        self.column = at + 1
        self.pointer = _pointer(query, at)
        super().__init__(f"{problem} (column {self.column})\n{self.pointer}")

    @property
    @override
    def details(self) -> dict[str, object]:
        """The place, for programs that show the query themselves."""
        return {"column": self.column, "problem": self.problem}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition as it is written."""

    at: int
    """Where it begins, from 0."""
    excluded: bool
    field: SearchField | None
    value: str
    value_at: int
    end: int
    """Behind its last character."""
    quoted: bool
    starred: bool
    """Between two stars: `*value*`."""


def conditions(query: str) -> list[Condition]:
    """Split a search into its conditions. Raises `InvalidQuery`."""
    found: list[Condition] = []
    place = _after_space(query, 0)
    while place < len(query):
        condition, end = _condition(query, place)
        found.append(condition)
        place = _after_space(query, end)
    return found


def write_quoted(text: str) -> str:
    """The text in quotes, so that it reads as itself."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _condition(query: str, place: int) -> tuple[Condition, int]:
    head = _CONDITION.match(query, place)
    assert head is not None  # every part of it is optional
    value, value_at, end, kind = _value(query, head.end(), quotes_inside=head["field"] is None)
    if not value.strip():
        missing = f"a value is missing after {head[0]!r}" if head[0] else "there is nothing to search for"
        if head["field"]:
            missing += "; to look for the text, put it in quotes"
        raise InvalidQuery(missing, query=query, at=value_at)
    condition = Condition(
        at=place,
        excluded=head["minus"] == "-",
        field=FIELDS[head["field"].lower()] if head["field"] else None,
        value=value,
        value_at=value_at,
        end=end,
        quoted=kind == "quoted",
        starred=kind == "starred",
    )
    return condition, end


def _value(query: str, at: int, *, quotes_inside: bool) -> tuple[str, int, int, str]:
    """The value that begins at `at`, where its text begins, where it ends, and how it is written."""
    if query.startswith('*"', at):
        inside, end = _quote(query, at + 1)
        if not query.startswith("*", end):
            raise InvalidQuery('a * is missing at the end: *"part"*', query=query, at=end - 1)
        _must_end(query, end + 1)
        return inside, at + 2, end + 1, "starred"
    if query.startswith('"', at):
        inside, end = _quote(query, at)
        _must_end(query, end)
        return inside, at + 1, end, "quoted"
    bare = _BARE.match(query, at)
    assert bare is not None
    if '"' in bare[0] and not quotes_inside:
        raise InvalidQuery("a quote stands at the beginning of a value only", query=query, at=query.index('"', at))
    return bare[0], at, bare.end(), "bare"


def _quote(query: str, at: int) -> tuple[str, int]:
    match = _QUOTED.match(query, at)
    if match is None:
        raise InvalidQuery("this quote is never closed", query=query, at=at)
    return _ESCAPED.sub(r"\1", match["inside"]), match.end()


def _must_end(query: str, at: int) -> None:
    if at < len(query) and not query[at].isspace():
        raise InvalidQuery("a space is missing after the quote", query=query, at=at)


def _after_space(query: str, at: int) -> int:
    while at < len(query) and query[at].isspace():
        at += 1
    return at


def _pointer(query: str, at: int) -> str:
    """The part of the query around `at`, and a caret under it."""
    start = max(0, at - _SHOWN_EACH_SIDE)
    shown = "".join(c if c.isprintable() else " " for c in query[start : at + _SHOWN_EACH_SIDE])
    return f"  {shown}\n  {' ' * (at - start)}^"
