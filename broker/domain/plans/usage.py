"""What a workspace used."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from broker.domain.ids import SessionId


class UsageBy(StrEnum):
    """What one line of usage is about."""

    DAY = "day"
    SESSION = "session"
    AGENT = "agent"
    """An agent's name in one session; people and programs who only write are there by theirs."""
    PERSON = "person"
    """Who is behind the agents: who spawned them, or the agents that did; and who writes."""
    MODEL = "model"
    """As agents name theirs when they are ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The counters. Each event is counted once, however often it was shipped."""

    messages: int = 0
    frames: int = 0
    """Native frames in the log; streaming fragments, which a later frame repeats whole, are not."""
    bytes: int = 0
    """Of all events as they are kept."""
    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    """As vendors report it, and no less was spent: vendors that report none add nothing, and older versions of
    Claude Code begin their totals anew after a crash, so that a part is hidden where the new total is not lower."""
    estimated_usd: float = 0.0
    """By the operator's prices for models, of what no vendor reported a cost for."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(Counts)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The counters of one day, session, agent, person or model; what it is not about is None."""

    day: date | None = None
    session: SessionId | None = None
    agent: str | None = None
    person: str | None = None
    """"" where nobody is known."""
    model: str | None = None
    """"" where none was named."""
    counts: Counts


_LEAST_PART = 0.05
"""Of a month: from less than a day and a half nothing is concluded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCost:
    """What agents have cost since the first of the month, UTC, and what that comes to if it goes on as it went."""

    month: date
    """Its first day."""
    cost_usd: float
    """As vendors report it."""
    estimated_usd: float
    """By prices for models, beside that."""
    projected_usd: float | None
    """Of both, at the end of the month; None as long as too little of it is over."""


def month_cost(counts: Counts, *, now: datetime) -> MonthCost:
    """`counts`: of the days of the month that `now` is in."""
    first = first_of_month(now)
    since = _midnight(first)
    part = (now - since) / (_midnight(first_of_month(since + timedelta(days=31))) - since)
    spent = counts.cost_usd + counts.estimated_usd
    return MonthCost(
        month=first,
        cost_usd=counts.cost_usd,
        estimated_usd=counts.estimated_usd,
        projected_usd=spent / part if part >= _LEAST_PART else None,
    )


def first_of_month(at: datetime) -> date:
    """In UTC."""
    return at.astimezone(UTC).date().replace(day=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=UTC)


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for one."""


def show_csv(lines: Iterable[Usage]) -> str:
    """Usage as a table that spreadsheets read (RFC 4180). What anybody is called is no formula."""
    text = io.StringIO()
    table = csv.writer(text)
    about = [each.name for each in fields(Usage) if each.name != "counts"]
    table.writerow([*about, *(each.name for each in fields(Counts))])
    for line in lines:
        names = ("" if (value := getattr(line, name)) is None else str(value) for name in about)
        safe = (f"'{name}" if name.startswith(_FORMULA) else name for name in names)
        table.writerow([*safe, *(getattr(line.counts, each.name) for each in fields(Counts))])
    return text.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesToday:
    """What was accepted today against what the plan allows."""

    count: int
    limit: int | None
    """None: as many as you like."""
    resets_at: datetime


def messages_today(count: int, *, limit: int, now: datetime) -> MessagesToday:
    """Days are UTC days, as the scripts that count have them. A `limit` of 0 is none."""
    midnight = _midnight(now.astimezone(UTC).date() + timedelta(days=1))
    return MessagesToday(count=count, limit=limit or None, resets_at=midnight)
