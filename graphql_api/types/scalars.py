"""The scalars of the schema, and the one way each of them is written.

Fields are annotated with the types below; the schema's `scalar_map` says what GraphQL makes of them.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from broker.domain.errors import BadRequest
from broker.domain.instants import from_ms, to_ms
from broker.domain.logs.events import Cursor, parse_cursor

DateTime = NewType("DateTime", int)
"""An instant, in milliseconds since 1970."""
BigInt = NewType("BigInt", int)
"""A whole number that every JSON reader keeps exactly: up to 2^53."""
JSON = NewType("JSON", object)
"""Anything JSON can say."""

BEGINNING = Cursor("", 0)
"""What the text "0" reads as: ahead of the first event that is kept. No log has an empty epoch."""
LARGEST_EXACT = 2**53
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def write_time(at_ms: int) -> str:
    """ISO 8601, UTC, with milliseconds: `2026-01-31T10:00:00.123Z`."""
    return f"{from_ms(at_ms).isoformat(timespec='milliseconds')[:-6]}Z"


def read_time(text: object) -> DateTime:
    """An instant from ISO 8601; without an offset it is UTC. Raises `BadRequest`."""
    try:
        at = datetime.fromisoformat(_text(text))
        return DateTime(to_ms(at if at.tzinfo else at.replace(tzinfo=UTC)))
    except (ValueError, OverflowError):
        raise BadRequest("a time is written like 2026-01-31T10:00:00Z") from None


def read_day(text: object) -> date:
    """A day from `2026-01-31`. Raises `BadRequest`."""
    try:
        if _DAY.fullmatch(_text(text)):
            return date.fromisoformat(_text(text))
    except ValueError:
        pass
    raise BadRequest("a day is written like 2026-01-31")


def read_cursor(text: object) -> Cursor:
    """A place in a log. Raises `BadRequest`."""
    return BEGINNING if text == "0" else parse_cursor(_text(text))


def _big(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_EXACT:
        raise BadRequest("a whole number, up to 2^53")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadRequest("a text is expected here")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    Cursor: strawberry.scalar(
        name="Cursor",
        description="A place in a session's log, `<epoch>:<offset>`. As `after`, the text `0` stands ahead of the first"
        " event that is kept.",
        serialize=str,
        parse_value=read_cursor,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="An instant in ISO 8601, UTC, with milliseconds: `2026-01-31T10:00:00.123Z`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=write_time,
        parse_value=read_time,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day in UTC: `2026-01-31`.",
        serialize=date.isoformat,
        parse_value=read_day,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number that may be larger than an Int: up to 2^53, which every JSON reader keeps exactly.",
        serialize=_big,
        parse_value=_big,
    ),
    JSON: strawberry.scalar(name="JSON", description="Any JSON value."),
}
