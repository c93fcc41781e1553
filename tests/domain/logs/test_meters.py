"""Meters as a fold of the log."""

from datetime import UTC, date, datetime
from typing import Any

from broker.domain.ids import SessionId
from broker.domain.logs.meters import Counted, Difference, MeterFold, days_of, differences

S = SessionId("s")
DAY = date(2026, 1, 31)


def at(hour: int, day: int = 31) -> int:
    return int(datetime(2026, 1, day, hour, tzinfo=UTC).timestamp() * 1000)


def event(kind: str, at_ms: int, *, agent: str | None = "a1", name: str = "Worker") -> dict[str, Any]:
    return {"kind": kind, "at_ms": at_ms, "agent": agent, "name": name, "data": {}}


def test_an_agents_time_is_cut_at_midnight_and_each_life_of_it_counts() -> None:
    fold = MeterFold()
    for each in (
        event("agent.spawning", at(23, 30)),
        event("agent.restarting", at(23, 30)),
        event("agent.failed", at(2)),
        event("agent.spawning", at(10)),
        event("agent.released", at(11)),
        event("agent.spawning", at(12)),
    ):
        fold.take(S, each)
    hour = 3_600_000
    assert fold.by_day() == {(date(2026, 1, 30), Counted.AGENT_MS): hour, (DAY, Counted.AGENT_MS): 3 * hour}


def test_messages_and_runs_are_told_apart_by_who_and_where() -> None:
    fold = MeterFold()
    fold.take(S, event("message.accepted", at(1), agent=None, name="operator"))
    fold.take(SessionId("t"), event("message.accepted", at(1), agent=None, name="operator"))
    fold.take(S, event("hook.ordered", at(1)))
    fold.take(S, event("hook.skipped", at(1)))
    fold.take(S, event("workflow.started", at(1), agent=None, name=""))
    assert sorted(f"{key.session} {key.agent} {key.counted} {n}" for key, n in fold.numbers.items()) == [
        "s  workflow_runs 1",
        "s Worker hook_runs 1",
        "s operator messages 1",
        "t operator messages 1",
    ]
    assert fold.by_day() == {(DAY, Counted.MESSAGES): 2, (DAY, Counted.HOOK_RUNS): 1, (DAY, Counted.WORKFLOW_RUNS): 1}


def test_an_end_without_a_beginning_adds_no_time() -> None:
    fold = MeterFold()
    fold.take(S, event("agent.released", at(1)))
    assert fold.by_day() == {}


def test_a_span_of_days_is_cut_without_a_gap() -> None:
    parts = list(days_of(at(23, 29), at(1)))
    assert [length for _, length in parts] == [3_600_000, 86_400_000, 3_600_000]
    assert list(days_of(5, 5)) == []


def test_what_goes_on_while_it_is_compared_is_no_difference() -> None:
    key = (DAY, Counted.MESSAGES)
    assert list(differences({key: 3}, {key: 4}, {key: 5})) == []
    assert list(differences({key: 3}, {key: 2}, {key: 5})) == [
        Difference(day=DAY, counted=Counted.MESSAGES, counter=5, log=2)
    ]
    assert list(differences({}, {key: 1}, {})) == [Difference(day=DAY, counted=Counted.MESSAGES, counter=0, log=1)]
