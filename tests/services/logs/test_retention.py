"""Logs are kept as long as promised and forgotten when asked, also when a step dies half-way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.adapters.redis.logs.retention import RedisRetention
from broker.domain.errors import BadRequest, Conflict, NotFound, NotPermitted, Unavailable
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.plans.plans import Plan
from broker.domain.plans.retention import Retention
from broker.protocol.agents.events import TurnEnded, TurnOutcome
from broker.services.logs.retention import LogRetention, RetentionKeeper
from broker.services.logs.shipping import Shipper
from tests.fixtures.desk import Desk
from tests.fixtures.log_rows import log_row

DAY_MS = 86_400_000


@dataclass(slots=True)
class _Failing:
    """A log store that is away for one of its methods."""

    store: ClickHouseLogStore
    method: str

    def __getattr__(self, name: str) -> Any:
        if name != self.method:
            return getattr(self.store, name)

        async def away(*_: object, **__: object) -> None:
            raise Unavailable("away")

        return away


@dataclass(slots=True)
class _Later:
    """A workspace's retention when the store's clock is further on."""

    state: RedisRetention
    later_s: float

    def __getattr__(self, name: str) -> Any:
        return getattr(self.state, name)

    async def now_ms(self, workspace: WorkspaceId) -> int:
        return await self.state.now_ms(workspace) + int(self.later_s * 1000)


def services(desk: Desk, logs: Any) -> LogRetention:
    adapters = desk.adapters
    return LogRetention(adapters.retention, logs, adapters.registry, adapters.backlog, audit=adapters.audit)


def keeper(desk: Desk, logs: Any, *, later_s: float = 0) -> RetentionKeeper:
    state: Any = _Later(desk.adapters.retention, later_s)
    return RetentionKeeper(state, logs, desk.adapters.registry)


async def shipped(desk: Desk, logs: ClickHouseLogStore) -> int:
    """Ship everything; how many rows the store has."""
    await desk.adapters.backlog.begin(desk.workspace)
    shipper = Shipper(desk.adapters.tail, desk.adapters.backlog, logs, desk.adapters.registry)
    while (await shipper.ship([desk.workspace])).events:
        pass
    return (await logs.size(desk.workspace)).rows


async def on_plan(desk: Desk, plan: Plan) -> None:
    await desk.adapters.workspaces.create(desk.workspace, name="w", plan=plan)
    await desk.adapters.workspaces.set_plan(desk.workspace, plan)


async def ages(desk: Desk, logs: ClickHouseLogStore) -> list[int]:
    page = await logs.page(desk.workspace, desk.session.id, "old", start=0, limit=100)
    return [row.offset for row in page.rows]


async def insert_aged(desk: Desk, logs: ClickHouseLogStore, *days: int, kept: int) -> None:
    """One row for each age; its offset is its age."""
    now = datetime.now(UTC)
    rows = [
        log_row(desk.workspace, n, session=desk.session.id, epoch="old", at=now - timedelta(days=n, hours=-1))
        for n in days
    ]
    await logs.insert(desk.workspace, rows, token=f"aged {days}", days=kept)


def test_a_wish_never_goes_beyond_the_plan() -> None:
    assert Retention(plan_days=90, own_days=None).days == 90
    assert Retention(plan_days=90, own_days=30).days == 30
    assert Retention(plan_days=7, own_days=30).days == 7
    for wrong in (0, 91, -1):
        with pytest.raises(BadRequest):
            Retention(plan_days=90, own_days=None).check(wrong)


async def test_a_workspace_sets_its_own_days_and_takes_them_back(desk: Desk, logs: ClickHouseLogStore) -> None:
    await on_plan(desk, Plan.PRO)
    retention = services(desk, logs)
    assert (await retention.set(desk.person(), 30)).days == 30
    assert await desk.adapters.backlog.log_days(desk.workspace) == 30
    await on_plan(desk, Plan.FREE)
    assert await desk.adapters.backlog.log_days(desk.workspace) == 7
    assert (await retention.set(desk.person(), None)).days == 7
    with pytest.raises(BadRequest):
        await retention.set(desk.person(), 8)
    with pytest.raises(NotPermitted):
        await retention.set(desk.acting_as(await desk.spawn("Worker")), 1)


async def test_a_larger_plan_and_a_wish_date_what_is_there(desk: Desk, logs: ClickHouseLogStore) -> None:
    await on_plan(desk, Plan.PRO)
    await insert_aged(desk, logs, 1, 5, 40, kept=90)
    await keeper(desk, logs).tend(desk.workspace)
    assert await ages(desk, logs) == [1, 5, 40]
    await on_plan(desk, Plan.TEAM)
    await keeper(desk, logs).tend(desk.workspace)
    assert await ages(desk, logs) == [1, 5, 40]
    await services(desk, logs).set(desk.person(), 7)
    await keeper(desk, logs).tend(desk.workspace)
    assert await ages(desk, logs) == [1, 5]
    await services(desk, logs).set(desk.person(), None)
    await keeper(desk, logs).tend(desk.workspace)
    assert await ages(desk, logs) == [1, 5]


async def test_a_smaller_plan_destroys_nothing_now_or_later(desk: Desk, logs: ClickHouseLogStore) -> None:
    await on_plan(desk, Plan.TEAM)
    await insert_aged(desk, logs, 1, 40, 200, kept=365)
    await keeper(desk, logs).tend(desk.workspace)
    for smaller in (Plan.FREE, Plan.PRO):  # up again, but not as far as it was
        await on_plan(desk, smaller)
        await keeper(desk, logs).tend(desk.workspace)
        await keeper(desk, logs, later_s=3600).tend(desk.workspace)
        assert await ages(desk, logs) == [1, 40, 200]
    assert await desk.adapters.backlog.log_days(desk.workspace) == 90


async def test_what_was_there_stays_for_the_announced_days_when_a_plan_becomes_smaller(
    desk: Desk, logs: ClickHouseLogStore
) -> None:
    await on_plan(desk, Plan.PRO)
    await insert_aged(desk, logs, 1, 40, 85, kept=90)
    await keeper(desk, logs).tend(desk.workspace)
    await on_plan(desk, Plan.FREE)
    retention = await desk.adapters.retention.retention(desk.workspace)
    assert retention.shortened is not None
    assert retention.shortened.last_expires_ms - retention.shortened.at_ms == 90 * DAY_MS
    with pytest.raises(Unavailable):
        await keeper(desk, _Failing(logs, "keep_until")).tend(desk.workspace)
    await keeper(desk, logs).tend(desk.workspace)
    await insert_aged(desk, logs, 2, kept=7)
    await keeper(desk, logs, later_s=3600).tend(desk.workspace)
    dated = await desk.adapters.retention.read_dated(desk.workspace)
    assert dated is not None
    assert (dated.sure, dated.kept_until_ms) == (True, retention.kept_until_ms)
    size = await logs.size(desk.workspace)
    assert size.rows == 4
    await on_plan(desk, Plan.PRO)
    assert (await desk.adapters.retention.retention(desk.workspace)).kept_until_ms == 0


async def test_a_wish_of_the_workspaces_own_is_no_smaller_plan(desk: Desk, logs: ClickHouseLogStore) -> None:
    await on_plan(desk, Plan.PRO)
    await services(desk, logs).set(desk.person(), 5)
    await on_plan(desk, Plan.FREE)
    assert (await desk.adapters.retention.retention(desk.workspace)).kept_until_ms == 0


async def test_a_change_that_died_half_way_is_carried_out_by_the_next_round(
    desk: Desk, logs: ClickHouseLogStore
) -> None:
    await on_plan(desk, Plan.PRO)
    await insert_aged(desk, logs, 1, 40, kept=90)
    await keeper(desk, logs).tend(desk.workspace)
    await services(desk, logs).set(desk.person(), 7)
    with pytest.raises(Unavailable):
        await keeper(desk, _Failing(logs, "redate")).tend(desk.workspace)
    assert await ages(desk, logs) == [1, 40]
    await keeper(desk, logs).tend(desk.workspace)
    assert await ages(desk, logs) == [1]


async def test_what_was_inserted_under_the_old_days_meanwhile_is_dated_later(
    desk: Desk, logs: ClickHouseLogStore
) -> None:
    await services(desk, logs).set(desk.person(), 7)
    await keeper(desk, logs).tend(desk.workspace)
    await insert_aged(desk, logs, 1, 40, kept=90)  # its days were read before the wish
    await keeper(desk, logs).tend(desk.workspace)
    assert await ages(desk, logs) == [1, 40]
    await keeper(desk, logs, later_s=3600).tend(desk.workspace)
    assert await ages(desk, logs) == [1]
    dated = await desk.adapters.retention.read_dated(desk.workspace)
    assert dated is not None
    assert dated.sure


async def test_redis_lets_expired_events_go_once_they_are_shipped(desk: Desk, logs: ClickHouseLogStore) -> None:
    await desk.idle("Worker")
    log = f"rc:{{{desk.workspace}}}:s:{desk.session.id}:log"
    entries = await desk.adapters.redis.xrange(log)
    aged, cut = entries[:2], len(entries)
    pipe = desk.adapters.redis.pipeline()
    pipe.delete(log)
    for number, (entry, fields) in enumerate(entries):
        event = fields["e"]
        if number < len(aged):
            now = event.split('"at_ms":')[1].split(",")[0]
            event = event.replace(now, str(int(now) - 8 * DAY_MS), 1)
        pipe.xadd(log, {"e": event}, id=entry)
    await pipe.execute()
    await desk.adapters.retention.expire_tail(desk.workspace, desk.session.id, days=7)
    assert len(await desk.adapters.redis.xrange(log)) == cut
    await shipped(desk, logs)
    await desk.adapters.retention.expire_tail(desk.workspace, desk.session.id, days=7)
    assert len(await desk.adapters.redis.xrange(log)) == cut - len(aged)


async def every_value(desk: Desk) -> str:
    """All keys of the workspace with all they hold, but the note that the session is gone."""
    redis: Any = desk.adapters.redis
    told = []
    async for key in redis.scan_iter(match=f"rc:{{{desk.workspace}}}*"):
        # A machine remembers what it was told, and the audit trail that a session with this id was deleted.
        if not key.endswith((":removed", ":l:proxy-1", ":l:proxy-1:out", ":audit")):
            told.append(f"{key} {await read(redis, key)}")
    return "\n".join(told)


async def read(redis: Any, key: str) -> Any:
    match await redis.type(key):
        case "hash":
            return await redis.hgetall(key)
        case "stream":
            return await redis.xrange(key)
        case "set":
            return await redis.smembers(key)
        case "zset":
            return await redis.zrange(key, 0, -1)
        case "list":
            return await redis.lrange(key, 0, -1)
        case _:
            return await redis.get(key)


async def a_lived_session(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker", "the codeword is heron")
    await desk.ask(agent)
    ended = TurnEnded(turn_id="t", outcome=TurnOutcome.COMPLETED, message_ids=(message,), text="heron it is")
    await desk.state(agent, ended)
    await desk.adapters.mailroom.join_channel(
        desk.workspace, desk.session.id, channel="birds", agent=agent.id, by="ann"
    )
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="me")
    await desk.exited(agent, expected=True)


async def test_a_deleted_session_leaves_nothing(desk: Desk, logs: ClickHouseLogStore) -> None:
    await a_lived_session(desk)
    rows = await shipped(desk, logs)
    assert "heron" in await every_value(desk)
    forgotten = await services(desk, logs).delete_session(desk.person(), desk.session)
    assert forgotten.rows == rows > 5
    left = await every_value(desk)
    assert "heron" not in left
    assert desk.session.id not in left
    assert await logs.extents(desk.workspace) == []
    with pytest.raises(NotFound):
        await desk.adapters.registry.session(desk.workspace, "main")
    assert await shipped(desk, logs) == 0


async def test_a_session_with_running_agents_is_not_deleted(desk: Desk, logs: ClickHouseLogStore) -> None:
    await desk.idle("Worker")
    with pytest.raises(Conflict, match="release them first") as refused:
        await services(desk, logs).delete_session(desk.person(), desk.session)
    assert refused.value.code == "SESSION_HAS_AGENTS"
    assert await desk.events()


async def test_only_administrators_delete(desk: Desk, logs: ClickHouseLogStore) -> None:
    agent = desk.acting_as(await desk.spawn("Worker"))
    for attempt in (services(desk, logs).delete_session(agent, desk.session), services(desk, logs).delete_log(agent)):
        with pytest.raises(NotPermitted):
            await attempt


async def test_rows_that_arrive_behind_the_deletion_are_deleted_too(desk: Desk, logs: ClickHouseLogStore) -> None:
    await a_lived_session(desk)
    await services(desk, _Failing(logs, "delete_session")).delete_session(desk.person(), desk.session)
    await insert_aged(desk, logs, 1, 2, kept=30)
    await keeper(desk, logs).tend(desk.workspace)
    assert await logs.extents(desk.workspace) == []
    await insert_aged(desk, logs, 3, kept=30)
    await keeper(desk, logs, later_s=3600).tend(desk.workspace)
    assert await logs.extents(desk.workspace) == []
    assert await desk.adapters.retention.list_removed(desk.workspace) == {}


async def test_a_workspaces_log_is_forgotten_and_its_sessions_go_on(desk: Desk, logs: ClickHouseLogStore) -> None:
    agent = await desk.idle("Worker")
    await desk.send("Worker", "heron")
    await shipped(desk, logs)
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)
    assert (await services(desk, logs).delete_log(desk.person())).rows
    assert await desk.events() == []
    assert (await logs.size(desk.workspace)).rows == 0
    await desk.state(agent, TurnEnded(turn_id="t", outcome=TurnOutcome.COMPLETED))
    (first, *_) = await desk.events()
    assert first["offset"] == head.offset + 1
    assert await shipped(desk, logs) == len(await desk.events())


async def test_sessions_of_others_are_not_touched(desk: Desk, logs: ClickHouseLogStore) -> None:
    other = WorkspaceId(f"{desk.workspace}-2")
    await logs.insert(other, [log_row(other, 1, session=desk.session.id)], token="1", days=30)
    beside = await desk.adapters.registry.create_session(desk.workspace, SessionId("beside"), name="b", epoch="e")
    await services(desk, logs).delete_session(desk.person(), desk.session)
    assert (await logs.size(other)).rows == 1
    assert await desk.adapters.registry.session(desk.workspace, "b") == beside


async def test_a_machine_may_still_leave_a_session_that_was_deleted(desk: Desk, logs: ClickHouseLogStore) -> None:
    await a_lived_session(desk)
    await services(desk, logs).delete_session(desk.person(), desk.session)
    await desk.detach()
    await desk.attach()
    assert desk.session.id not in await every_value(desk)
