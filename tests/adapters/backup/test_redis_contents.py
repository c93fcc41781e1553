"""What is in one Redis is made again in another, of any version, and logs go on as a branch."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from broker.adapters.backup.archive import BadBackup
from broker.adapters.backup.jobs import back_up, restore
from broker.adapters.backup.redis_contents import open_store, pause_writes, read_all, write_all
from broker.app import build_adapters
from broker.domain.errors import BadRequest, Conflict
from broker.domain.ids import WorkspaceId
from broker.domain.plans.plans import Plan
from broker.protocol.proxy import Deliver
from broker.settings import Settings
from tests.fixtures.desk import Desk, a_hello, live, open_desk
from tests.fixtures.redis_servers import Server, data_server


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[Server]:
    async with data_server(tmp_path / "source") as server:
        yield server


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Server]:
    async with data_server(tmp_path / "target") as server:
        yield server


async def lines_of(server: Server) -> list[bytes]:
    async with open_store(server.url) as store, pause_writes(store):
        return [line async for line in read_all(store)]


async def contents_of(server: Server) -> dict[str, object]:
    rows = [orjson.loads(line) for line in await lines_of(server)]
    return {row["key"]: {name: row[name] for name in ("type", "ends_at_ms", "value")} for row in rows}


async def fill(store: Redis) -> None:
    await store.set("rc:string", "ü\n", px=3_600_000)
    await store.hset("rc:{w}:hash", mapping={"a": "1", "b": ""})
    await store.sadd("rc:set", "x", "y")
    await store.zadd("rc:zset", {"low": -1.5, "high": 2e15})
    await store.rpush("rc:list", "1", "2", "1")
    await store.xadd("rc:stream", {"e": "first"}, id="1-0")
    await store.xadd("rc:stream", {"e": "gone"}, id="7-0")
    await store.xdel("rc:stream", "7-0")
    await store.xadd("rc:empty", {"e": "gone"}, id="3-0")
    await store.xdel("rc:empty", "3-0")
    await store.set("not-ours", "1")


async def test_every_kind_of_key_is_the_same_afterwards(source: Server, target: Server) -> None:
    async with open_store(source.url) as store:
        await fill(store)
    lines = await lines_of(source)
    async with open_store(target.url) as store:
        assert await write_all(store, lines) == 7
        with pytest.raises(ResponseError, match="equal or smaller"):
            await store.xadd("rc:empty", {"e": "1"}, id="3-0")
    assert await contents_of(target) == await contents_of(source)


async def test_writes_wait_while_a_store_is_paused_and_go_on_afterwards(source: Server) -> None:
    async with open_store(source.url) as store, open_store(source.url) as other:
        async with pause_writes(store):
            writing = asyncio.ensure_future(other.set("rc:a", "1"))
            assert await store.get("rc:a") is None
            assert [line async for line in read_all(store)] == []
            assert not writing.done()
        await writing
        assert await store.get("rc:a") == "1"


async def test_a_store_that_holds_an_installation_is_left_alone(source: Server, target: Server) -> None:
    async with open_store(target.url) as store:
        await store.set("rc:format", "x")
        with pytest.raises(Conflict, match="already"):
            await write_all(store, await lines_of(source))


async def test_a_store_that_holds_nothing_makes_no_backup(source: Server, tmp_path: Path) -> None:
    with pytest.raises(BadBackup, match="nothing in this Redis"):
        await back_up(Settings(data_dir=tmp_path / "data", redis_url=source.url), tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists()


async def test_shared_stores_are_backed_up_and_restored_by_url(source: Server, target: Server, tmp_path: Path) -> None:
    async with open_store(source.url) as store:
        await fill(store)
    made = await back_up(Settings(data_dir=tmp_path / "data", redis_url=source.url), tmp_path / "b.tar")
    assert (made.manifest.keys, made.manifest.has_logs) == (7, False)
    await restore(Settings(data_dir=tmp_path / "new", redis_url=target.url), tmp_path / "b.tar")
    assert await contents_of(target) == await contents_of(source)


async def test_a_cluster_is_refused(source: Server) -> None:
    with pytest.raises(BadRequest, match="Cluster"):
        async with open_store("redis+cluster://127.0.0.1:1"):
            pass


async def test_a_machine_takes_what_a_restored_store_orders_under_numbers_that_it_has_seen(
    source: Server, target: Server
) -> None:
    before = build_adapters(source.url)
    await before.workspaces.create(WorkspaceId("w"), name="w", plan=Plan.TEAM)
    desk: Desk = await open_desk(before, WorkspaceId("w"))
    agent = await desk.idle("Worker")
    lines = await lines_of(source)
    await desk.send("Worker")  # which the machine has seen, and the backup has not
    has_seen = len(await desk.commands())
    await before.redis.aclose()
    async with open_store(target.url) as store:
        await write_all(store, lines)
    desk.adapters = build_adapters(target.url)
    message, _ = await desk.send("Worker")  # before the machine is back: it gets the number of the other
    hello = a_hello(epoch="box-epoch", commands_seen=has_seen, agents=live(agent))
    again = await desk.attach(hello, epoch="another-epoch")
    assert again.epoch == "another-epoch"
    ordered = await desk.commands(after=again.commands_acked)
    assert [each.message_id for each in ordered if isinstance(each, Deliver)] == [message]
    # Once it has come back its numbers are compared as ever.
    assert (await desk.attach(a_hello(epoch="another-epoch", agents=live(agent)))).epoch == "another-epoch"
    await desk.adapters.redis.aclose()


async def test_a_restored_log_begins_a_branch_where_the_backup_ends(source: Server, target: Server) -> None:
    before = build_adapters(source.url)
    await before.workspaces.create(WorkspaceId("w"), name="w", plan=Plan.TEAM)
    desk: Desk = await open_desk(before, WorkspaceId("w"))
    head = await before.tail.head(desk.workspace, desk.session.id)
    lines = await lines_of(source)
    await before.redis.aclose()
    async with open_store(target.url) as store:
        await write_all(store, lines)
    desk.adapters = build_adapters(target.url)
    restored = await desk.adapters.tail.head(desk.workspace, desk.session.id)
    assert restored.offset == head.offset
    assert restored.epoch.startswith(f"{head.epoch}.{head.offset}-")
    await desk.attach()
    await desk.idle("Bob")
    events = await desk.events()
    assert [event["offset"] for event in events] == list(range(1, len(events) + 1))
    assert {event["epoch"] for event in events} == {head.epoch, restored.epoch}
    await desk.adapters.redis.aclose()
