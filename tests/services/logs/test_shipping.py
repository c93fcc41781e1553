"""Moving a session's log to the log store, batch by batch."""

import asyncio
from collections.abc import Sequence

import pytest

from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.domain.errors import Unavailable
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.logs.rows import WorkspaceRows
from broker.services.logs import shipping
from broker.services.logs.shipping import Shipper
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.log_appender import log_appender, text_frame

BATCH = 4


@pytest.fixture
async def desk(desk: Desk) -> Desk:
    """Its log is kept for the log store, and has several batches in it."""
    await desk.adapters.backlog.begin(desk.workspace)
    await desk.idle("Bob")
    for number in range(3 * BATCH):
        await desk.send("Bob", f"message {number}")
    return desk


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "BATCH", BATCH)


def shipper(desk: Desk, logs: ClickHouseLogStore) -> Shipper:
    return Shipper(desk.adapters.tail, desk.adapters.backlog, logs, desk.adapters.registry)


async def stored(desk: Desk, logs: ClickHouseLogStore) -> list[int]:
    page = await logs.page(desk.workspace, desk.session.id, "log-epoch", start=0, limit=1000, max_bytes=1 << 30)
    return [row.offset for row in page.rows]


async def appended(desk: Desk) -> list[int]:
    head = await desk.adapters.tail.head(desk.workspace, desk.session.id)
    return list(range(1, head.offset + 1))


async def test_all_that_waits_is_shipped_in_order_and_nothing_waits_then(desk: Desk, logs: ClickHouseLogStore) -> None:
    assert (await shipper(desk, logs).ship([desk.workspace])).events == len(await appended(desk))
    assert await stored(desk, logs) == await appended(desk)
    assert await desk.adapters.backlog.waiting(desk.workspace) == []
    assert (await shipper(desk, logs).ship([desk.workspace])).events == 0


async def test_one_call_ends_after_some_batches_and_the_next_goes_on(
    desk: Desk, logs: ClickHouseLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "_BATCHES", 2)
    one = shipper(desk, logs)
    shipped = await one.ship([desk.workspace])
    assert (shipped.events, shipped.full, shipped.waiting) == (2 * BATCH, True, {desk.workspace})
    assert await stored(desk, logs) == (await appended(desk))[: 2 * BATCH]
    while (await one.ship([desk.workspace])).events:
        pass
    assert await stored(desk, logs) == await appended(desk)


async def test_several_sessions_share_batches(desk: Desk, logs: ClickHouseLogStore) -> None:
    first, want = desk.session, await appended(desk)
    desk.session = await desk.adapters.registry.create_session(
        desk.workspace, SessionId("0-other"), name="other", epoch="log-epoch"
    )
    await desk.attach()
    await desk.idle("Eve")
    one, events = shipper(desk, logs), 0
    while shipped := (await one.ship([desk.workspace])).events:
        events += shipped
    assert events == len(want) + len(await appended(desk))
    assert await stored(desk, logs) == await appended(desk)
    desk.session = first
    assert await stored(desk, logs) == want


async def test_what_a_store_refused_is_shipped_by_the_next_call(
    desk: Desk, logs: ClickHouseLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert, calls = logs.insert_batch, 0

    async def refusing(*args: object, **named: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Unavailable("away")
        await insert(*args, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(logs, "insert_batch", refusing)
        with pytest.raises(Unavailable, match="away"):
            await shipper(desk, logs).ship([desk.workspace])
    assert await stored(desk, logs) == (await appended(desk))[:BATCH]
    await shipper(desk, logs).ship([desk.workspace])
    assert await stored(desk, logs) == await appended(desk)


async def test_the_next_batch_is_read_while_the_store_takes_one(
    desk: Desk, logs: ClickHouseLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, insert = desk.adapters.tail.read, logs.insert_batch
    read_twice = asyncio.Event()
    reads = 0

    async def counting(*args: object, **named: object) -> object:
        nonlocal reads
        reads += 1
        if reads == 2:
            read_twice.set()
        return await read(*args, **named)  # type: ignore[arg-type]

    async def waiting(*args: object, **named: object) -> None:
        async with asyncio.timeout(10):
            await read_twice.wait()
        await insert(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.adapters.tail, "read", counting)
    monkeypatch.setattr(logs, "insert_batch", waiting)
    await shipper(desk, logs).ship([desk.workspace])
    assert await stored(desk, logs) == await appended(desk)


async def test_a_batch_ends_at_its_bytes_and_takes_the_largest_event_alone(
    desk: Desk, logs: ClickHouseLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "BATCH", 1000)
    monkeypatch.setattr(shipping, "BATCH_BYTES", 3_000_000)
    one = shipper(desk, logs)
    while (await one.ship([desk.workspace])).events:
        pass
    append = log_appender(desk.adapters.redis, desk.workspace, desk.session.id)
    await append([text_frame("x" * 1_000_000) for _ in range(9)] + [text_frame("y" * 10_000_000)])
    sizes: list[list[int]] = []
    insert = logs.insert_batch

    async def noting(batch: Sequence[WorkspaceRows], *, token: str) -> None:
        sizes.append([len(row.body) for part in batch for row in part.rows])
        await insert(batch, token=token)

    monkeypatch.setattr(logs, "insert_batch", noting)
    while (await one.ship([desk.workspace])).events:
        pass
    assert await stored(desk, logs) == await appended(desk)
    assert len(sizes) >= 4
    assert all(sum(each[:-1]) < 3_000_000 for each in sizes)


async def test_a_flooding_session_leaves_every_other_its_share(
    desk: Desk, logs: ClickHouseLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "BATCH", 20)
    monkeypatch.setattr(shipping, "_BATCHES", 1)
    flooding = desk.session  # its id stands before the others'
    for number in range(3):
        session = await desk.adapters.registry.create_session(
            desk.workspace, SessionId(f"~quiet-{number}"), name=f"quiet-{number}", epoch="log-epoch"
        )
        append = log_appender(desk.adapters.redis, desk.workspace, session.id)
        await append([text_frame("quiet")])
    await log_appender(desk.adapters.redis, desk.workspace, flooding.id)([text_frame("flood")] * 100)
    shipped = await shipper(desk, logs).ship([desk.workspace])
    assert shipped.full
    assert shipped.events <= 20
    assert await desk.adapters.backlog.waiting(desk.workspace) == [flooding.id]


async def test_sessions_take_turns_when_there_are_more_than_a_batch_has_room_for(
    desk: Desk, logs: ClickHouseLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "_BATCHES", 1)
    one = shipper(desk, logs)
    while (await one.ship([desk.workspace])).events:
        pass
    appenders = []
    for number in range(3 * BATCH):
        session = await desk.adapters.registry.create_session(
            desk.workspace, SessionId(f"many-{number:02}"), name=f"many-{number}", epoch="log-epoch"
        )
        appenders.append(log_appender(desk.adapters.redis, desk.workspace, session.id))
    busy = {SessionId(f"many-{number:02}") for number in range(BATCH)}
    rounds = 0
    while rounds < 6:
        for append in appenders[:BATCH]:
            await append([text_frame("always something")])
        await one.ship([desk.workspace])
        rounds += 1
    assert set(await desk.adapters.backlog.waiting(desk.workspace)) <= busy


async def test_one_insert_carries_several_workspaces_each_for_its_own_days(
    desk: Desk, logs: ClickHouseLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "BATCH", 1000)
    other = await open_desk(desk.adapters, WorkspaceId(f"other-{desk.workspace}"))
    await other.adapters.backlog.begin(other.workspace)
    await other.idle("Eve")
    calls: list[list[tuple[WorkspaceId, int]]] = []
    insert = logs.insert_batch

    async def noting(batch: Sequence[WorkspaceRows], *, token: str) -> None:
        calls.append([(part.workspace, part.days) for part in batch])
        await insert(batch, token=token)

    monkeypatch.setattr(logs, "insert_batch", noting)
    await shipper(desk, logs).ship([other.workspace, desk.workspace])
    days = {each: await desk.adapters.backlog.log_days(each) for each in (desk.workspace, other.workspace)}
    assert [sorted(call) for call in calls] == [sorted(days.items())]
    assert await stored(desk, logs) == await appended(desk)
    assert await stored(other, logs) == await appended(other)


@pytest.mark.parametrize("where", ["read", "insert"])
async def test_a_workspace_that_fails_holds_up_no_other(
    desk: Desk, logs: ClickHouseLogStore, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(shipping, "BATCH", 1000)
    failing = await open_desk(desk.adapters, WorkspaceId(f"0-failing-{desk.workspace}"))
    await failing.adapters.backlog.begin(failing.workspace)
    await failing.idle("Eve")
    read, insert = desk.adapters.tail.read, logs.insert_batch

    async def refusing_read(workspace: WorkspaceId, *args: object, **named: object) -> object:
        if workspace == failing.workspace:
            raise ValueError("unreadable")
        return await read(workspace, *args, **named)  # type: ignore[arg-type]

    async def refusing_insert(batch: Sequence[WorkspaceRows], *, token: str) -> None:
        if any(part.workspace == failing.workspace for part in batch):
            raise ValueError("not to be stored")
        await insert(batch, token=token)

    with monkeypatch.context() as patch:
        if where == "read":
            patch.setattr(desk.adapters.tail, "read", refusing_read)
        else:
            patch.setattr(logs, "insert_batch", refusing_insert)
        shipped = await shipper(desk, logs).ship([failing.workspace, desk.workspace])
    assert shipped.failed == {failing.workspace}
    assert await stored(desk, logs) == await appended(desk)
    assert await stored(failing, logs) == []
    await shipper(desk, logs).ship([failing.workspace])
    assert await stored(failing, logs) == await appended(failing)
