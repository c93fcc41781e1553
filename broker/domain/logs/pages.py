"""What the long history answers with: pages, positions in a search, counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from broker.domain.errors import BadRequest
from broker.domain.ids import SessionId
from broker.domain.instants import from_ms, to_ms
from broker.domain.logs.rows import LogRow

MAX_PAGE = 1000
"""Rows of one answer. Turning more into objects at once would stall the event loop for tens of milliseconds."""
MAX_PAGE_BYTES = 4_000_000
"""Of text in one answer: a page ends behind the line that reaches it. One line may have up to 16 MiB."""
_LARGEST_MS = 2**53


class Direction(StrEnum):
    """Which way a page goes from its position."""

    FORWARDS = "forwards"
    BACKWARDS = "backwards"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRows:
    """Rows in ascending order of offset, and whether there are more in the direction of reading."""

    rows: list[LogRow]
    more: bool


@dataclass(frozen=True, slots=True, order=True)
class SearchCursor:
    """A place in newest-first order. Rows that arrive later never move it."""

    at: datetime
    session: SessionId
    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{to_ms(self.at)}~{self.session}~{self.epoch}~{self.offset}"


def parse_search_cursor(text: str) -> SearchCursor:
    """Read `<ms>~<session>~<epoch>~<offset>`; raise `BadRequest` otherwise."""
    found = re.fullmatch(r"([0-9]{1,16})~([^~]+)~([^~]*)~([0-9]{1,19})", text)
    if not found or int(found[1]) > _LARGEST_MS:
        raise BadRequest(f"{text[:80]!r} is not a place in a search; leave it out to begin with the newest")
    return SearchCursor(from_ms(int(found[1])), SessionId(found[2]), found[3], int(found[4]))


def cursor_of(row: LogRow) -> SearchCursor:
    """Where a row stands."""
    return SearchCursor(row.at, row.session, row.epoch, row.offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHits:
    """Matching rows, newest first; `next` continues after the last one, None when there are no more."""

    rows: list[LogRow]
    next: SearchCursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBucket:
    """How many rows fall in a span that begins at `at`."""

    at: datetime
    span: timedelta
    count: int
    failed: int


class Facet(StrEnum):
    """Fields whose values can be counted."""

    SESSION = "session"
    AGENT = "agent"
    CLI = "cli"
    KIND = "kind"
    EVENT = "event"
    TOOL = "tool"
    FRAME_TYPE = "frame_type"
    EXIT_CODE = "exit_code"
    OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetCount:
    """A value and how many rows have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogExtent:
    """One life of a session's log, as far as it is kept."""

    session: SessionId
    epoch: str
    first: int
    last: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSize:
    """What is kept. `bytes` counts the text before compression."""

    rows: int
    bytes: int
