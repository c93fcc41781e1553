"""Meters of a workspace: what was counted, and the same counted again from the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import orjson

from broker.domain.errors import BadRequest, NotFound
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.logs.event_filter import EventFilter
from broker.domain.logs.meters import (
    COUNTED_KINDS,
    MINUTE_MS,
    Counted,
    Difference,
    MeterFold,
    day_of,
    days_of,
    differences,
)
from broker.domain.people.access import Permission, Principal
from broker.domain.timings import TIMINGS
from broker.services.permissions import requires
from broker.services.ports import EventLog, MeterCounters, Registry

MAX_DAYS = TIMINGS.usage_kept_s // 86400
_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DayMeters:
    """What is counted of one UTC day."""

    day: date
    messages: int
    hook_runs: int
    workflow_runs: int
    agent_minutes: int
    """Begun ones, of all agents together; those that run count until now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMeters:
    """What an agent, or who only writes, used on a day in a session: as the log tells it."""

    day: date
    session: SessionId
    agent: str
    counted: Counted
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Counters against the log."""

    sessions: int
    lines: tuple[SessionMeters, ...]
    differences: tuple[Difference, ...]
    incomplete: tuple[SessionId, ...]
    """Sessions whose log does not begin at its beginning any more: they may have been more."""
    removed: int
    """Sessions deleted lately: what they counted stays counted, and cannot be counted again."""


class Metering:
    """Reads meters; `log`: the whole one, with what is no longer in the store."""

    def __init__(self, counters: MeterCounters, log: EventLog, registry: Registry) -> None:
        self._counters = counters
        self._log = log
        self._registry = registry

    @requires(Permission.METER)
    async def days(self, principal: Principal, *, since: date, until: date) -> list[DayMeters]:
        """What was counted from one UTC day to another. Raises `NotPermitted`, `BadRequest`."""
        days = _days(since, until)
        counted = dict(await self._counters.read_counts(principal.workspace, days))
        for since_ms, now_ms in await self._counters.running_ms(principal.workspace):
            for start_ms, length_ms in days_of(since_ms, now_ms):
                key = (day_of(start_ms), Counted.AGENT_MS)
                counted[key] = counted.get(key, 0) + length_ms
        return [_day(day, counted) for day in days]

    @requires(Permission.METER)
    async def reconcile(self, principal: Principal, *, since: date, until: date) -> Reconciliation:
        """Count again what the log has of those days, and compare. Raises `NotPermitted`, `BadRequest`, `Unavailable`.

        What goes on meanwhile is no difference: the counters are read ahead of the log and behind it.
        """
        days, workspace = _days(since, until), principal.workspace
        before = await self._counters.read_counts(workspace, days)
        fold, incomplete, sessions = MeterFold(), [], await self._registry.sessions(workspace)
        for session in sessions:
            if not await self._fold(workspace, session.id, fold):
                incomplete.append(session.id)
        after = await self._counters.read_counts(workspace, days)
        log = {key: number for key, number in fold.by_day().items() if since <= key[0] <= until}
        lines = [
            SessionMeters(day=key.day, session=key.session, agent=key.agent, counted=key.counted, number=number)
            for key, number in fold.numbers.items()
            if since <= key.day <= until and principal.sees(key.session)
        ]
        return Reconciliation(
            sessions=len(sessions),
            lines=tuple(sorted(lines, key=lambda each: (each.day, each.session, each.agent, each.counted))),
            differences=tuple(differences(before, log, after)),
            incomplete=tuple(each for each in incomplete if principal.sees(each)),
            removed=await self._counters.count_removed_sessions(workspace),
        )

    async def _fold(self, workspace: WorkspaceId, session: SessionId, fold: MeterFold) -> bool:
        """Take a session's events; whether they begin at its beginning."""
        after, whole, only = None, True, EventFilter(kinds=frozenset(COUNTED_KINDS))
        while True:
            try:
                page = await self._log.read(workspace, session, after=after, limit=_PAGE, only=only)
            except NotFound:  # deleted meanwhile
                return False
            if after is None:
                whole = page.first.offset <= 1
            whole = whole and not page.reset
            for text in page.events:
                fold.take(session, orjson.loads(text))
            if page.next.offset >= page.head.offset or page.next == after:
                return whole
            after = page.next


def _days(since: date, until: date) -> list[date]:
    length = (until - since).days + 1
    if not 1 <= length <= MAX_DAYS:
        raise BadRequest(f"from and to: 1 to {MAX_DAYS} days, the first one first; counters are kept for so long")
    return [since + timedelta(days=number) for number in range(length)]


def _day(day: date, counted: Mapping[tuple[date, Counted], int]) -> DayMeters:
    return DayMeters(
        day=day,
        messages=counted.get((day, Counted.MESSAGES), 0),
        hook_runs=counted.get((day, Counted.HOOK_RUNS), 0),
        workflow_runs=counted.get((day, Counted.WORKFLOW_RUNS), 0),
        agent_minutes=-(-counted.get((day, Counted.AGENT_MS), 0) // MINUTE_MS),
    )
