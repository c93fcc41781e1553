"""A search as text: what the reading of searches is compared with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from typing import assert_never

from broker.domain.logs.search.fields import FIELDS
from broker.domain.logs.search.lexer import write_quoted
from broker.domain.logs.search.query import LogQuery, Phrase, Substring, Term, Wanted, Word

_BARE_VALUE = re.compile(r'[^\s",]+')
_BARE_PATTERN = re.compile(r'[^\s"]+')
_BARE_PART = re.compile(r'[^\s"*]+')


def having(name: str, *values: str) -> Wanted:
    """A field's values; `-kind` are excluded ones."""
    return Wanted(FIELDS[name.removeprefix("-")], values, excluded=name.startswith("-"))


def to_text(query: LogQuery) -> str:
    """A search as text that `parse` reads as the same search."""
    parts = [
        *(_written(term) for term in query.terms),
        *(f"-{_written(term)}" for term in query.without),
        *(part for wanted in query.fields for part in _field(wanted)),
    ]
    parts += [f"{name}:{_time(at)}" for name, at in (("since", query.since), ("until", query.until)) if at]
    return " ".join(parts)


def _field(wanted: Wanted) -> list[str]:
    name = f"{'-' if wanted.excluded else ''}{wanted.field.word}"
    return _enumerated(name, wanted.values) if wanted.field.is_list else [_pattern(name, v) for v in wanted.values]


def _written(term: Term) -> str:
    match term:
        case Word(text):
            return text
        case Phrase(text):
            return write_quoted(text)
        case Substring(text):
            return f"*{text}*" if _BARE_PART.fullmatch(text) else f"*{write_quoted(text)}*"
        case _ as other:
            assert_never(other)


def _enumerated(name: str, values: Iterable[str]) -> list[str]:
    """One condition for each run of values that need no quotes, one for each other value."""
    shown: list[str] = []
    for bare, run in groupby(values, lambda value: _BARE_VALUE.fullmatch(value) is not None):
        shown += [f"{name}:{part}" for part in ([",".join(run)] if bare else map(write_quoted, run))]
    return shown


def _pattern(name: str, pattern: str) -> str:
    return f"{name}:{pattern if _BARE_PATTERN.fullmatch(pattern) else write_quoted(pattern)}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
