"""Usage: each event once, running totals as differences, whatever the engine."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from broker.domain.ids import AgentId, SessionId, WorkspaceId
from broker.domain.logs.rows import LogRow
from broker.domain.plans.prices import NO_PRICES, ModelPrice, PriceTable
from broker.domain.plans.usage import Counts, Usage, UsageBy
from broker.services.ports import LogStore
from tests.contracts.conftest import Engine
from tests.fixtures.log_rows import log_row

TODAY = datetime.now(UTC).date()
NOON = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)


@pytest.fixture
def store(engine: Engine) -> LogStore:
    return engine.store


def a_row(workspace: WorkspaceId, offset: int, event: str = "agent.frame", *, days_ago: int = 0, **more: Any) -> LogRow:
    at = NOON - timedelta(days=days_ago) + timedelta(seconds=offset)
    return log_row(workspace, offset, event=event, at=at, **{"agent_id": AgentId("a1"), "body": "12345", **more})


def a_total(workspace: WorkspaceId, offset: int, tokens: int, cost: float, **more: Any) -> LogRow:
    return a_row(workspace, offset, input_tokens=tokens, output_tokens=1, cost_usd=cost, cumulative=True, **more)


def ready(workspace: WorkspaceId, offset: int, native: str, *, resumed: bool = False, **more: Any) -> LogRow:
    told = "true" if resumed else "false"
    body = f'{{"data":{{"native_id":"{native}","resumed":{told}}}}}'
    return a_row(workspace, offset, "agent.ready", body=body, **more)


async def used(
    store: LogStore, workspace: WorkspaceId, *, by: UsageBy, since: date = TODAY, prices: PriceTable = NO_PRICES
) -> list[Usage]:
    return (await store.usage(workspace, since=since, until=TODAY, by=(by,), prices=prices))[by]


async def total(store: LogStore, workspace: WorkspaceId, *, since: date = TODAY - timedelta(days=30)) -> Counts:
    lines = await used(store, workspace, since=since, by=UsageBy.DAY)
    return sum((line.counts for line in lines), Counts())


async def test_every_event_counts_once_however_often_it_is_shipped(store: LogStore, workspace: WorkspaceId) -> None:
    rows = [
        a_row(workspace, 1, "message.accepted"),
        a_row(workspace, 2),
        a_row(workspace, 3, input_tokens=5, output_tokens=2, cached_tokens=1, cost_usd=0.5),
        a_row(workspace, 4, "turn.ended"),
        a_total(workspace, 5, 100, 1.0, agent_id=AgentId("a2")),
    ]
    for batch, token in ((rows, "1"), (rows, "1"), (rows[:3], "2"), (rows[2:], "3")):
        await store.insert(workspace, batch, token=token, days=7)
    assert await total(store, workspace) == Counts(
        messages=1, frames=3, bytes=25, turns=1, input_tokens=105, output_tokens=3, cached_tokens=1, cost_usd=1.5
    )


async def test_what_some_sessions_used_is_the_same_as_among_all(store: LogStore, workspace: WorkspaceId) -> None:
    one, other, third = SessionId("one"), SessionId("other"), SessionId("third")
    rows = [
        a_total(workspace, 1, 100, 1.0, session=one),
        a_total(workspace, 2, 150, 1.5, session=one),
        a_row(workspace, 3, input_tokens=7, session=other),
        a_total(workspace, 4, 900, 9.0, session=third),
    ]
    await store.insert(workspace, rows, token="1", days=7)
    every = await used(store, workspace, by=UsageBy.AGENT)
    for sessions in ([one], [one, other], [SessionId("none")], []):
        found = await store.usage(workspace, since=TODAY, until=TODAY, by=(UsageBy.AGENT,), sessions=sessions)
        assert found[UsageBy.AGENT] == [each for each in every if each.session in sessions]
    assert len(every) == 3


async def test_a_running_total_adds_what_it_grew_by(store: LogStore, workspace: WorkspaceId) -> None:
    rows = [ready(workspace, 1, "c1"), a_total(workspace, 2, 100, 1.0), a_total(workspace, 3, 250, 1.5)]
    await store.insert(workspace, rows, token="1", days=7)
    counts = await total(store, workspace)
    assert (counts.input_tokens, counts.cost_usd) == (250, 1.5)


async def test_a_resumed_conversation_goes_on_and_a_new_one_starts_at_nothing(
    store: LogStore, workspace: WorkspaceId
) -> None:
    rows = [
        ready(workspace, 1, "c1"),
        a_total(workspace, 2, 100, 1.0),
        ready(workspace, 3, "c1", resumed=True),
        a_total(workspace, 4, 150, 1.5),
        ready(workspace, 5, "c1"),  # the same conversation over a new connection
        a_total(workspace, 6, 160, 1.75),
        ready(workspace, 7, "c2"),  # another one, whose first total happens to be larger
        a_total(workspace, 8, 200, 2.0),
    ]
    await store.insert(workspace, rows, token="1", days=7)
    counts = await total(store, workspace)
    assert (counts.input_tokens, counts.cost_usd) == (360, 3.75)


async def test_a_total_that_went_down_has_started_again(store: LogStore, workspace: WorkspaceId) -> None:
    rows = [ready(workspace, 1, "c1"), a_total(workspace, 2, 100, 1.0), a_total(workspace, 3, 30, 0.25)]
    await store.insert(workspace, rows, token="1", days=7)
    counts = await total(store, workspace)
    assert (counts.input_tokens, counts.cost_usd) == (130, 1.25)


async def test_a_day_has_what_was_added_on_it(store: LogStore, workspace: WorkspaceId) -> None:
    rows = [
        ready(workspace, 1, "c1", days_ago=1),
        a_total(workspace, 2, 100, 1.0, days_ago=1),
        a_total(workspace, 3, 140, 1.25),
    ]
    await store.insert(workspace, rows, token="1", days=7)
    lines = await used(store, workspace, since=TODAY - timedelta(days=1), by=UsageBy.DAY)
    assert [(line.day, line.counts.input_tokens) for line in lines] == [(TODAY - timedelta(days=1), 100), (TODAY, 40)]
    assert (await total(store, workspace, since=TODAY)).input_tokens == 40


async def test_sessions_and_agents_are_told_apart(store: LogStore, workspace: WorkspaceId) -> None:
    rows = [
        a_total(workspace, 1, 100, 1.0),
        a_total(workspace, 2, 10, 0.5, agent="Aid", agent_id=AgentId("a2")),
        a_total(workspace, 1, 7, 0.25, session=SessionId("ses_2")),
        a_row(workspace, 3, "message.accepted", agent="operator", agent_id=AgentId("")),
    ]
    await store.insert(workspace, rows, token="1", days=7)
    by_session = await used(store, workspace, since=TODAY, by=UsageBy.SESSION)
    assert [(line.session, line.counts.input_tokens) for line in by_session] == [("ses_1", 110), ("ses_2", 7)]
    by_agent = await used(store, workspace, since=TODAY, by=UsageBy.AGENT)
    assert [(line.session, line.agent, line.counts.messages) for line in by_agent] == [
        ("ses_1", "Aid", 0),
        ("ses_1", "Lead", 0),
        ("ses_1", "operator", 1),
        ("ses_2", "Lead", 0),
    ]


def spawned(workspace: WorkspaceId, offset: int, person: str, **more: Any) -> LogRow:
    return a_row(workspace, offset, "agent.spawning", body=f'{{"data":{{"person":"{person}"}}}}', **more)


def ready_with(workspace: WorkspaceId, offset: int, model: str, **more: Any) -> LogRow:
    body = f'{{"data":{{"native_id":"c","resumed":false,"model":"{model}"}}}}'
    return a_row(workspace, offset, "agent.ready", body=body, **more)


async def test_usage_is_of_who_is_behind_an_agent_and_of_its_model(store: LogStore, workspace: WorkspaceId) -> None:
    second: dict[str, Any] = {"agent": "Aid", "agent_id": AgentId("a2")}
    rows = [
        spawned(workspace, 1, "Ada", days_ago=3),
        ready_with(workspace, 2, "gpt-5-codex", days_ago=3),
        spawned(workspace, 3, "Grace", **second),
        ready_with(workspace, 4, "opus", **second),
        a_total(workspace, 5, 100, 0),
        a_total(workspace, 6, 300, 0),
        a_row(workspace, 7, input_tokens=7, cost_usd=0.5, **second),
        a_row(workspace, 8, "message.accepted", agent="Ada", agent_id=AgentId("")),
        a_row(workspace, 9, "proxy.attached", agent="laptop", agent_id=AgentId("")),
    ]
    await store.insert(workspace, rows, token="1", days=7)
    people = await used(store, workspace, since=TODAY, by=UsageBy.PERSON)
    assert [(each.person, each.counts.input_tokens, each.counts.messages) for each in people] == [
        ("", 0, 0),
        ("Ada", 300, 1),
        ("Grace", 7, 0),
    ]
    models = await used(store, workspace, since=TODAY, by=UsageBy.MODEL)
    assert [(each.model, each.counts.input_tokens, each.counts.cost_usd) for each in models] == [
        ("", 0, 0),
        ("gpt-5-codex", 300, 0),
        ("opus", 7, 0.5),
    ]


async def test_what_has_no_cost_is_estimated_by_its_models_price_and_never_added_to_what_was_reported(
    store: LogStore, workspace: WorkspaceId
) -> None:
    prices = PriceTable(models={"gpt": ModelPrice(input=2, output=10, cached=1)})
    rows = [
        ready_with(workspace, 1, "gpt-5"),
        a_row(workspace, 2, input_tokens=1_000_000, output_tokens=100_000, cached_tokens=500_000),
        a_row(workspace, 3, input_tokens=1_000_000, cost_usd=0.25),
        a_row(workspace, 4, input_tokens=1_000_000, agent="Aid", agent_id=AgentId("a2")),  # of no model that is known
        a_total(workspace, 5, 1_000_000, 0),
        a_total(workspace, 6, 3_000_000, 0),
    ]
    await store.insert(workspace, rows, token="1", days=7)
    for by in UsageBy:
        lines = await used(store, workspace, since=TODAY, by=by, prices=prices)
        counts = sum((line.counts for line in lines), Counts())
        assert counts.cost_usd == 0.25
        assert counts.estimated_usd == pytest.approx(0.5 * 2 + 0.5 * 1 + 0.1 * 10 + 3 * 2 + 1e-5)


async def test_all_ways_at_once_tell_what_each_tells_alone(store: LogStore, workspace: WorkspaceId) -> None:
    prices = PriceTable(models={"gpt": ModelPrice(input=2, output=10, cached=1)})
    rows = [
        spawned(workspace, 1, "Ada", days_ago=3),
        ready_with(workspace, 2, "gpt-5", days_ago=3),
        a_total(workspace, 3, 100, 0, days_ago=1),
        a_total(workspace, 4, 300, 0),
        a_row(workspace, 5, input_tokens=7, agent="Aid", agent_id=AgentId("a2")),
        # As keys that a way has not are told: no session, no agent, nobody.
        a_row(workspace, 6, "message.accepted", agent="", agent_id=AgentId("")),
        a_row(workspace, 1, "turn.ended", session=SessionId("ses_2"), agent="Grace"),
    ]
    await store.insert(workspace, rows, token="1", days=7)
    since = TODAY - timedelta(days=30)
    at_once = await store.usage(workspace, since=since, until=TODAY, by=list(UsageBy), prices=prices)
    assert {by: len(lines) for by, lines in at_once.items()} == {
        UsageBy.DAY: 3,
        UsageBy.SESSION: 2,
        UsageBy.AGENT: 4,
        UsageBy.PERSON: 2,
        UsageBy.MODEL: 2,
    }
    for by, lines in at_once.items():
        assert lines == await used(store, workspace, by=by, since=since, prices=prices)
    assert await store.usage(workspace, since=since, until=TODAY, by=[]) == {}


async def test_usage_outlives_the_log_and_redating_does_not_change_it(store: LogStore, workspace: WorkspaceId) -> None:
    rows = [ready(workspace, 1, "c1", days_ago=5), a_total(workspace, 2, 100, 1.0, days_ago=5), a_row(workspace, 3)]
    await store.insert(workspace, rows, token="1", days=7)
    before = await total(store, workspace)
    await store.redate(workspace, days=30)
    assert await total(store, workspace) == before
    await store.redate(workspace, days=1)
    assert await total(store, workspace) == before
    await store.delete_session(workspace, SessionId("ses_1"))
    assert await total(store, workspace) == before


async def test_another_workspaces_usage_is_not_seen(store: LogStore, workspace: WorkspaceId) -> None:
    await store.insert(workspace, [a_total(workspace, 1, 100, 1.0)], token="1", days=7)
    assert await total(store, WorkspaceId(f"{workspace}-other")) == Counts()
