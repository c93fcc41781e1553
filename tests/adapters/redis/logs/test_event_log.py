"""The session log and what a reader is told when history is gone."""

import asyncio

import pytest

from broker.adapters.redis.scripts import Scripts
from broker.domain.errors import NotFound
from broker.domain.ids import SessionId
from broker.domain.logs.events import Cursor
from broker.services.live.hub import position_of
from tests.fixtures.desk import Desk


async def test_pages_join_without_gap_or_repetition(desk: Desk) -> None:
    await asyncio.gather(*(desk.spawn(f"A{i}") for i in range(10)))
    read: list[int] = []
    cursor: Cursor | None = None
    while True:
        page = await desk.adapters.log.read(desk.workspace, desk.session.id, after=cursor, limit=3)
        read += [position_of(event).offset for event in page.events]
        cursor = page.next
        if not page.events:
            break
    assert read == list(range(1, page.head.offset + 1))


async def test_another_epoch_is_told_and_read_from_the_first_kept(desk: Desk) -> None:
    page = await desk.adapters.log.read(desk.workspace, desk.session.id, after=Cursor("other", 5), limit=10)
    assert page.reset
    assert position_of(page.events[0]).offset == 1


async def test_a_reader_ahead_of_the_log_is_told_and_reads_all_of_it(desk: Desk) -> None:
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)
    ahead = Cursor(head.epoch, head.offset + 100)
    page = await desk.adapters.log.read(desk.workspace, desk.session.id, after=ahead, limit=10)
    assert page.reset
    assert [position_of(event).offset for event in page.events] == list(range(1, head.offset + 1))


async def test_a_trimmed_gap_is_told(desk: Desk) -> None:
    await desk.spawn("Worker")
    pipe = desk.adapters.redis.pipeline(transaction=False)
    pipe.execute_command("XTRIM", f"rc:{{{desk.workspace}}}:s:{desk.session.id}:log", "MINID", "3-0")
    await pipe.execute()
    page = await desk.adapters.log.read(desk.workspace, desk.session.id, after=Cursor("log-epoch", 1), limit=10)
    assert page.reset
    assert not (
        await desk.adapters.log.read(desk.workspace, desk.session.id, after=Cursor("log-epoch", 2), limit=10)
    ).reset


async def test_a_long_log_whose_beginning_is_gone_is_read_from_the_first_that_is_kept(desk: Desk) -> None:
    for number in range(8):
        await desk.spawn(f"A{number}")
    kept, log = 6, f"rc:{{{desk.workspace}}}:s:{desk.session.id}"
    pipe = desk.adapters.redis.pipeline(transaction=False)
    pipe.execute_command("XTRIM", f"{log}:log", "MINID", f"{kept}-0")
    pipe.execute_command("ZADD", f"{log}:sizes", kept - 1, f"{kept - 1}:60000000")  # the last ahead of what is kept
    pipe.execute_command("ZADD", f"{log}:sizes", kept + 1, f"{kept + 1}:60300000")
    await pipe.execute()
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)
    for after in (None, Cursor("log-epoch", 1)):
        page = await desk.adapters.log.read(desk.workspace, desk.session.id, after=after, limit=100)
        assert [position_of(event).offset for event in page.events] == list(range(kept, head.offset + 1))
        assert (page.first.offset, page.next, page.reset) == (kept, head, after is not None)


async def test_an_unknown_session_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.adapters.log.head(desk.workspace, SessionId("nothing"))


@pytest.mark.parametrize("suffix", [":log", ":names", ":live", ":agents"])
async def test_a_reference_cannot_reach_into_other_keys(desk: Desk, suffix: str) -> None:
    await desk.spawn("Worker")
    with pytest.raises(NotFound):
        await desk.adapters.registry.session(desk.workspace, desk.session.id + suffix)


async def test_a_session_is_made_once_for_each_name(desk: Desk) -> None:
    made = await asyncio.gather(
        *(
            desk.adapters.registry.create_session(desk.workspace, SessionId(f"s{i}"), name="demo", epoch=f"e{i}")
            for i in range(10)
        )
    )
    assert len({session.id for session in made}) == 1
    assert {s.name for s in await desk.adapters.registry.sessions(desk.workspace)} == {"main", "demo"}


async def test_what_was_shipped_is_never_ahead_of_what_is_here(desk: Desk) -> None:
    """A store that was started again without its last second: what comes in its place must be shipped."""
    backlog, log = desk.adapters.backlog, desk.adapters.log
    await backlog.begin(desk.workspace)
    head = await log.head(desk.workspace, desk.session.id)
    await backlog.mark(desk.workspace, desk.session.id, Cursor(head.epoch, head.offset + 5), keep=2000)
    assert await backlog.read_shipped(desk.workspace, desk.session.id) == head
    await desk.spawn("Worker")
    assert desk.session.id in await backlog.waiting(desk.workspace)


async def test_a_removed_session_is_deleted_a_page_at_a_time(desk: Desk) -> None:
    for name in ("A", "B", "C"):
        await desk.spawn(name)
        await desk.send(name)
    await desk.detach()
    for agent in await desk.adapters.registry.agents(desk.workspace, desk.session.id):
        await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    scripts = Scripts(desk.adapters.redis)
    await scripts.run("remove_session", desk.workspace, session=desk.session.id)
    pages = 1
    while await scripts.run("sweep_session", desk.workspace, session=desk.session.id, most=2):
        pages += 1
    assert pages >= 3
    _, left = await desk.adapters.redis.scan(0, match=f"rc:{{{desk.workspace}}}:[msa]*:*", count=1_000_000)
    assert [key for key in left if ":audit" not in key] == []  # which has that it was removed
