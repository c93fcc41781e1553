"""Moving a session's log to the log store, batch by batch."""

import asyncio

import pytest

from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.domain.errors import Unavailable
from broker.domain.ids import SessionId
from broker.services import shipping
from broker.services.shipping import Shipper
from tests.fixtures.desk import Desk

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
    page = await logs.page(desk.workspace, desk.session.id, "log-epoch", start=0, limit=1000)
    return [row.offset for row in page.rows]


async def appended(desk: Desk) -> list[int]:
    head = await desk.adapters.tail.head(desk.workspace, desk.session.id)
    return list(range(1, head.offset + 1))


async def test_all_that_waits_is_shipped_in_order_and_nothing_waits_then(desk: Desk, logs: ClickHouseLogStore) -> None:
    assert await shipper(desk, logs).ship(desk.workspace) == len(await appended(desk))
    assert await stored(desk, logs) == await appended(desk)
    assert await desk.adapters.backlog.waiting(desk.workspace) == []
    assert await shipper(desk, logs).ship(desk.workspace) == 0


async def test_one_call_ends_after_some_batches_and_the_next_goes_on(
    desk: Desk, logs: ClickHouseLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "_BATCHES", 2)
    one = shipper(desk, logs)
    assert await one.ship(desk.workspace) == 2 * BATCH
    assert await stored(desk, logs) == (await appended(desk))[: 2 * BATCH]
    while await one.ship(desk.workspace):
        pass
    assert await stored(desk, logs) == await appended(desk)


async def test_several_sessions_share_batches(desk: Desk, logs: ClickHouseLogStore) -> None:
    first, want = desk.session, await appended(desk)
    desk.session = await desk.adapters.registry.create_session(
        desk.workspace, SessionId("0-other"), name="other", epoch="log-epoch"
    )
    await desk.attach()
    await desk.idle("Eve")
    assert await shipper(desk, logs).ship(desk.workspace) == len(want) + len(await appended(desk))
    assert await stored(desk, logs) == await appended(desk)
    desk.session = first
    assert await stored(desk, logs) == want


async def test_what_a_store_refused_is_shipped_by_the_next_call(
    desk: Desk, logs: ClickHouseLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert, calls = logs.insert, 0

    async def refusing(*args: object, **named: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Unavailable("away")
        await insert(*args, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(logs, "insert", refusing)
        with pytest.raises(Unavailable, match="away"):
            await shipper(desk, logs).ship(desk.workspace)
    assert await stored(desk, logs) == (await appended(desk))[:BATCH]
    await shipper(desk, logs).ship(desk.workspace)
    assert await stored(desk, logs) == await appended(desk)


async def test_the_next_batch_is_read_while_the_store_takes_one(
    desk: Desk, logs: ClickHouseLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, insert = desk.adapters.tail.read, logs.insert
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
    monkeypatch.setattr(logs, "insert", waiting)
    await shipper(desk, logs).ship(desk.workspace)
    assert await stored(desk, logs) == await appended(desk)
