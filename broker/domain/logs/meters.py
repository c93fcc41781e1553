"""Meters as a fold of the log: what the scripts count while they act can be counted again from what they wrote down.

Each counted act writes one event in the same script, so the two agree to the unit, however often a request is repeated
and whatever dies. An agent's time is from `agent.spawning` to its end, by the store's clock, cut at midnight UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from broker.domain.ids import SessionId
from broker.domain.logs.events import EventKind
from broker.domain.plans.plans import Meter

DAY_MS = 86_400_000
MINUTE_MS = 60_000


class Counted(StrEnum):
    """What is counted while it happens: the fields of a day's counters."""

    MESSAGES = "messages"
    HOOK_RUNS = "hook_runs"
    WORKFLOW_RUNS = "workflow_runs"
    AGENT_MS = "agent_ms"


COUNTERS: Mapping[Meter, tuple[Counted, int]] = {
    Meter.MESSAGES: (Counted.MESSAGES, 1),
    Meter.AGENT_MINUTES: (Counted.AGENT_MS, MINUTE_MS),
    Meter.HOOK_RUNS: (Counted.HOOK_RUNS, 1),
    Meter.WORKFLOW_RUNS: (Counted.WORKFLOW_RUNS, 1),
}
"""What each meter that can be billed is counted by, and how much of that is one unit."""

COUNTED_KINDS = frozenset(
    {
        EventKind.MESSAGE_ACCEPTED,
        EventKind.HOOK_ORDERED,
        EventKind.WORKFLOW_STARTED,
        EventKind.AGENT_SPAWNING,
        EventKind.AGENT_RELEASED,
        EventKind.AGENT_FAILED,
    }
)
"""The events that a meter is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterKey:
    """What a number is about."""

    day: date
    session: SessionId
    agent: str
    """Its name, or that of who only writes."""
    counted: Counted


@dataclass(slots=True)
class MeterFold:
    """Takes the events of sessions, each session's in order, and knows what they add up to."""

    numbers: Counter[MeterKey] = field(default_factory=Counter)
    _since_ms: dict[str, int] = field(default_factory=dict)

    def take(self, session: SessionId, event: Mapping[str, Any]) -> None:
        """One event; other kinds than the counted ones add nothing."""
        name, at_ms = event["name"] or "", event["at_ms"]
        match event["kind"]:
            case EventKind.MESSAGE_ACCEPTED:
                self._add(session, name, Counted.MESSAGES, at_ms, 1)
            case EventKind.HOOK_ORDERED:
                self._add(session, name, Counted.HOOK_RUNS, at_ms, 1)
            case EventKind.WORKFLOW_STARTED:
                self._add(session, name, Counted.WORKFLOW_RUNS, at_ms, 1)
            case EventKind.AGENT_SPAWNING:
                self._since_ms[event["agent"]] = at_ms
            case EventKind.AGENT_RELEASED | EventKind.AGENT_FAILED:
                since_ms = self._since_ms.pop(event["agent"], at_ms)
                for start_ms, length_ms in days_of(since_ms, at_ms):
                    self._add(session, name, Counted.AGENT_MS, start_ms, length_ms)
            case _:
                pass

    def by_day(self) -> dict[tuple[date, Counted], int]:
        """Sums of the workspace."""
        sums: Counter[tuple[date, Counted]] = Counter()
        for key, number in self.numbers.items():
            sums[key.day, key.counted] += number
        return dict(sums)

    def _add(self, session: SessionId, agent: str, counted: Counted, at_ms: int, number: int) -> None:
        self.numbers[MeterKey(day=day_of(at_ms), session=session, agent=agent, counted=counted)] += number


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A day's counter that is not what the log says."""

    day: date
    counted: Counted
    counter: int
    log: int


def differences(
    before: Mapping[tuple[date, Counted], int],
    log: Mapping[tuple[date, Counted], int],
    after: Mapping[tuple[date, Counted], int],
) -> Iterator[Difference]:
    """Where the log says less than the counters had before it was read, or more than they had behind that."""
    for day, counted in sorted({*log, *after}):
        told = log.get((day, counted), 0)
        most = after.get((day, counted), 0)
        if not before.get((day, counted), 0) <= told <= most:
            yield Difference(day=day, counted=counted, counter=most, log=told)


def days_of(since_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
    """A span cut at midnight UTC: where each part begins, and its length."""
    while since_ms < until_ms:
        midnight_ms = (since_ms // DAY_MS + 1) * DAY_MS
        end_ms = min(midnight_ms, until_ms)
        yield since_ms, end_ms - since_ms
        since_ms = end_ms


def day_of(at_ms: int) -> date:
    """The UTC day of an instant."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()
