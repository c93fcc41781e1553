"""What is left of a workspace that was deleted: nothing, wherever one looks, and all of its neighbour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.adapters.redis import keys
from broker.app import Adapters, build_adapters, build_services
from broker.domain.errors import Conflict
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import MemberRole
from broker.domain.people.token_families import Purpose
from broker.domain.people.token_kinds import TokenKind
from broker.domain.people.workspaces import HURRIED_MS, WorkspaceState
from broker.domain.plans.plans import Plan
from broker.services.operations.ending import WorkspaceEnding
from broker.settings import Settings
from broker.workers.ending import EndingWorker
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.log_store import ship


async def all_that_is_kept(adapters: Adapters, workspace: WorkspaceId) -> list[str]:
    """Keys of the whole store that are called after a workspace, or say something of it."""
    found, cursor = [], 0
    while True:
        cursor, names = await adapters.redis.scan(cursor, count=1000)
        found += [name for name in names if workspace in name]
        for name in names:
            if name.endswith(":memberships") and workspace in await adapters.redis.hgetall(name):
                found.append(name)
            if name.startswith(("rc:token:", "rc:sign-in:")) and workspace in (await adapters.redis.get(name) or ""):
                found += [name] if await outlives_removal(adapters, name) else []
        if cursor == 0:
            break
    for name in (keys.WORKSPACES, keys.key(keys.INSTALLATION_TAG, "ending")):
        if workspace in await adapters.redis.smembers(name):
            found.append(name)
    if workspace in await adapters.redis.hvals(keys.key(keys.INSTALLATION_TAG, "slugs")):
        found.append("slugs")
    return found


async def outlives_removal(adapters: Adapters, name: str) -> bool:
    """Whether it is there when the data of a workspace is removed at the earliest: what is short-lived has ended."""
    pipe = adapters.redis.pipeline(transaction=False)
    pipe.ttl(name)
    [life_s] = await pipe.execute()
    return not 0 <= life_s * 1000 <= HURRIED_MS


async def furnished(adapters: Adapters, logs: ClickHouseLogStore) -> Desk:
    """A workspace with people, tokens of every kind, an agent that works and a log in both stores."""
    services = build_services(Settings(), adapters)
    new = await services.workspaces.create(name=f"Acme {uuid4().hex}", slug=None, plan=Plan.TEAM, owner="Ada")
    owner = await services.access.authenticate(new.key)
    await services.access.mint(owner, kind=TokenKind.PROXY, name="m")
    await services.short_lived.exchange(owner, Purpose.TERMINAL)
    assert new.code is not None
    ada = await services.access.authenticate(await services.sign_in.redeem(new.code.code, address="here"))
    await services.short_lived.exchange(ada, Purpose.MACHINE, machine="m1")
    await services.members.add(ada, name="Bob", role=MemberRole.VIEWER)
    await services.workspaces.rename(ada, name=None, slug=f"{new.workspace.slug}-new")
    desk = await open_desk(adapters, new.workspace.id)
    agent = await desk.idle("Worker")
    await desk.send(agent.name, "secret words")
    await ship(desk, logs, keep=1)
    return desk


async def put_back(desk: Desk, field: str) -> None:
    """An instant of the workspace is long past."""
    await desk.adapters.redis.hset(keys.root(desk.workspace), field, "1")


async def deleted(desk: Desk) -> None:
    await desk.adapters.workspaces.move(desk.workspace, WorkspaceState.DELETED, life_ms=1)
    await put_back(desk, "ends")


async def ended(desk: Desk, logs: Any) -> bool:
    """What workers do until it is gone."""
    ending = WorkspaceEnding(desk.adapters.workspaces, desk.adapters.backlog, logs)
    assert not await ending.tend(desk.workspace)  # what was begun is left to end
    await put_back(desk, "since")
    return await ending.tend(desk.workspace)


async def rows(logs: ClickHouseLogStore, workspace: WorkspaceId) -> int:
    [(count,)] = await logs._clickhouse.query(f"SELECT count() FROM log_lines WHERE workspace = '{workspace}'")
    return int(count)


async def test_a_deleted_workspace_is_gone_from_both_stores_and_its_neighbour_is_whole(
    adapters: Adapters, logs: ClickHouseLogStore
) -> None:
    gone, stays = await furnished(adapters, logs), await furnished(adapters, logs)
    kept, lines = sorted(await all_that_is_kept(adapters, stays.workspace)), await rows(logs, stays.workspace)
    assert await rows(logs, gone.workspace) > 0
    await deleted(gone)
    assert await ended(gone, logs)
    assert await all_that_is_kept(adapters, gone.workspace) == []
    assert await rows(logs, gone.workspace) == 0
    assert sorted(await all_that_is_kept(adapters, stays.workspace)) == kept
    assert await rows(logs, stays.workspace) == lines > 0


async def test_a_workspace_that_can_be_restored_is_left_alone(adapters: Adapters, logs: ClickHouseLogStore) -> None:
    desk = await furnished(adapters, logs)
    ending = WorkspaceEnding(adapters.workspaces, adapters.backlog, logs, settle_ms=0)
    for state, life_ms in ((WorkspaceState.ARCHIVED, None), (WorkspaceState.DELETED, 60_000)):
        await adapters.workspaces.move(desk.workspace, state, life_ms=life_ms)
        assert not await ending.tend(desk.workspace)
    await adapters.workspaces.move(desk.workspace, WorkspaceState.ACTIVE)
    assert await rows(logs, desk.workspace) > 0
    assert (await adapters.registry.sessions(desk.workspace))[0].name == desk.session.name


async def test_what_is_ending_cannot_be_restored_and_no_worker_works_there(
    adapters: Adapters, logs: ClickHouseLogStore
) -> None:
    desk = await furnished(adapters, logs)
    await deleted(desk)
    await WorkspaceEnding(adapters.workspaces, adapters.backlog, logs).tend(desk.workspace)
    with pytest.raises(Conflict) as refused:
        await adapters.workspaces.move(desk.workspace, WorkspaceState.ACTIVE)
    assert refused.value.code == "WORKSPACE_ENDING"
    assert desk.workspace not in await adapters.timers.workspaces()
    assert desk.workspace in await adapters.workspaces.all()
    await put_back(desk, "since")
    assert await WorkspaceEnding(adapters.workspaces, adapters.backlog, logs).tend(desk.workspace)


@dataclass(slots=True)
class _DiesAt:
    """A part that a process dies in the middle of, once."""

    part: Any
    method: str
    after: bool
    died: bool = False

    def __getattr__(self, name: str) -> Any:
        if name != self.method or self.died:
            return getattr(self.part, name)

        async def die(*given: Any, **named: Any) -> Any:
            self.died = True
            if self.after:
                await getattr(self.part, name)(*given, **named)
            raise ConnectionError("killed")

        return die


@pytest.mark.parametrize("after", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("method", ["begin_ending", "sweep", "forget", "delete_workspace", "purge"])
async def test_a_removal_that_was_killed_is_finished_by_the_next_worker(
    adapters: Adapters, logs: ClickHouseLogStore, *, method: str, after: bool
) -> None:
    desk = await furnished(adapters, logs)
    await deleted(desk)
    records, store = _DiesAt(adapters.workspaces, method, after), _DiesAt(logs, method, after)
    worker = EndingWorker(records, WorkspaceEnding(records, adapters.backlog, store))
    for _ in range(3):
        if desk.workspace in await adapters.workspaces.all():
            worker._patience.note(desk.workspace, failed=False)  # its pause is over
            await worker.tend_all()
            if await adapters.workspaces.get(desk.workspace):
                await put_back(desk, "since")
    assert records.died or store.died
    assert await all_that_is_kept(adapters, desk.workspace) == []
    assert await rows(logs, desk.workspace) == 0


async def test_without_the_log_store_nothing_is_forgotten_that_has_rows_there(
    adapters: Adapters, logs: ClickHouseLogStore
) -> None:
    desk = await furnished(adapters, logs)
    await deleted(desk)
    assert not await ended(desk, None)
    assert await rows(logs, desk.workspace) > 0
    assert await WorkspaceEnding(adapters.workspaces, adapters.backlog, logs).tend(desk.workspace)
    assert await rows(logs, desk.workspace) == 0


async def test_two_workers_at_once_remove_one_workspace(
    adapters: Adapters, redis_url: str, logs: ClickHouseLogStore
) -> None:
    desk = await furnished(adapters, logs)
    await deleted(desk)
    other = build_adapters(redis_url)
    try:
        both = [WorkspaceEnding(each.workspaces, each.backlog, logs) for each in (adapters, other)]
        for ending in both:
            await ending.tend(desk.workspace)
        await put_back(desk, "since")
        for ending in both:
            await ending.tend(desk.workspace)
        assert await all_that_is_kept(adapters, desk.workspace) == []
    finally:
        await other.redis.aclose()
