"""The fields of a search: one entry for each. Its reading, its SQL and what people are told of it follow from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto


class Match(Enum):
    """What values a field has, and when a line's own value is one of them."""

    WORD = auto()
    """The same text."""
    NAME = auto()
    """The same text, in any case."""
    KIND = auto()
    """A `LineKind`."""
    PATTERN = auto()
    """A shell-style pattern, in any case."""
    PATH = auto()
    """A shell-style pattern for one of several paths; a relative one fits below any folder."""
    STATUS = auto()
    """The same number."""
    FAILURE = auto()
    """`true` or `false`; the column says the opposite: whether it went well."""
    SINCE = auto()
    """A time, or an age, that the line is not before."""
    UNTIL = auto()
    """Likewise, that it is before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchField:
    """What stands before a colon."""

    word: str
    match: Match
    column: str
    """Of the log store's table."""
    excludable: bool = False
    """Whether a minus may stand before it."""

    @property
    def is_list(self) -> bool:
        """Whether commas part several values; in patterns and times a comma is a character."""
        return self.match in {Match.WORD, Match.NAME, Match.KIND, Match.STATUS}

    @property
    def is_time(self) -> bool:
        """Whether it bounds the time of lines, once."""
        return self.match in {Match.SINCE, Match.UNTIL}


FIELDS: Mapping[str, SearchField] = {
    field.word: field
    for field in (
        SearchField(word="session", match=Match.WORD, column="session"),
        SearchField(word="agent", match=Match.NAME, column="agent", excludable=True),
        SearchField(word="cli", match=Match.WORD, column="cli"),
        SearchField(word="kind", match=Match.KIND, column="kind", excludable=True),
        SearchField(word="tool", match=Match.PATTERN, column="tool"),
        SearchField(word="command", match=Match.PATTERN, column="command"),
        SearchField(word="path", match=Match.PATH, column="paths"),
        SearchField(word="exit", match=Match.STATUS, column="exit_code"),
        SearchField(word="failed", match=Match.FAILURE, column="ok"),
        SearchField(word="since", match=Match.SINCE, column="at"),
        SearchField(word="until", match=Match.UNTIL, column="at"),
    )
}
"""By word. Any other word before a colon is a part of a text: `TypeError: x`, `localhost:8080`."""
SESSION, FAILED = FIELDS["session"], FIELDS["failed"]
EXCLUDABLE = tuple(f"{field.word}:" for field in FIELDS.values() if field.excludable)
