"""Pages of a session's log, read in both directions across its tail and its history."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest

from broker.adapters.clickhouse.client import clickhouse_server
from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.adapters.redis import keys
from broker.domain.errors import NotPermitted, Unavailable
from broker.domain.instants import from_ms
from broker.domain.logs.event_filter import EventFilter, event_filter
from broker.domain.logs.events import Cursor
from broker.domain.logs.pages import MAX_PAGE_BYTES
from broker.domain.people.token_kinds import TokenKind
from broker.domain.timings import TIMINGS
from broker.protocol.proxy import FrameRecorded
from broker.services.logs.reader import LogReader, LogSpan
from broker.services.ports import LogStore
from tests.fixtures.desk import Desk, a_person
from tests.fixtures.log_store import open_embedded, ship


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStore]:
    with open_embedded(tmp_path_factory.mktemp("logs")) as opened:
        yield opened


@pytest.fixture
async def reader(desk: Desk, store: LogStore) -> LogReader:
    """Of a log whose first part is in the history, whose middle is in both, and whose end is in the tail."""
    await fill(desk, "First")
    await ship(desk, store, keep=10)
    await fill(desk, "Second")
    return LogReader(desk.adapters.tail, store)


async def fill(desk: Desk, name: str) -> None:
    agent = await desk.idle(name)
    for number in range(6):
        await say(desk, agent, transient=True, type="text_delta", text="fragment")
        await say(desk, agent, transient=False, type="text", text=f"word {number}")


async def say(desk: Desk, agent: Any, *, transient: bool, **content: str) -> None:
    frame: dict[str, Any] = {"direction": "out", "frame_type": "assistant", "raw": {}, "transient": transient}
    await desk.report(FrameRecorded(agent=agent.id, generation=agent.generation, events=[content], **frame))


def a_frame(agent: Any, *contents: dict[str, Any]) -> FrameRecorded:
    frame: dict[str, Any] = {"direction": "out", "frame_type": "assistant", "raw": {}}
    return FrameRecorded(agent=agent.id, generation=agent.generation, events=[*contents], **frame)


def kinds(span: LogSpan) -> list[tuple[int, str]]:
    return [(event["offset"], event["kind"]) for event in map(orjson.loads, span.events)]


async def head(desk: Desk) -> Cursor:
    return await desk.adapters.tail.head(desk.workspace, desk.session.id)


def offsets(span: LogSpan) -> list[int]:
    return [orjson.loads(text)["offset"] for text in span.events]


async def all_offsets(desk: Desk, reader: LogReader) -> list[int]:
    return offsets(await reader.after(desk.person(), desk.session, after=None, limit=1000))


async def test_the_tail_alone_does_not_hold_the_whole_log(desk: Desk, reader: LogReader) -> None:
    page = await desk.adapters.tail.read(desk.workspace, desk.session.id, after=None, limit=1)
    assert orjson.loads(page.events[0])["offset"] > 1
    assert (await all_offsets(desk, reader))[0] == 1


@pytest.mark.parametrize("limit", [1, 3, 7, 1000])
async def test_backwards_and_forwards_give_the_same_lines_whatever_the_page(
    desk: Desk, reader: LogReader, limit: int
) -> None:
    ahead: list[int] = []
    before: Cursor | None = None
    while True:
        span = await reader.before(desk.person(), desk.session, before=before, limit=limit)
        assert len(span.events) <= limit
        ahead = offsets(span) + ahead
        before = span.before
        if before is None:
            break
    behind: list[int] = []
    after = Cursor((await head(desk)).epoch, 0)
    while after != (await head(desk)):
        span = await reader.after(desk.person(), desk.session, after=after, limit=limit)
        behind += offsets(span)
        after = span.after
    assert ahead == behind == await all_offsets(desk, reader)
    assert len(set(ahead)) == len(ahead) >= 20


async def test_fragments_are_on_no_page(desk: Desk, reader: LogReader) -> None:
    span = await reader.before(desk.person(), desk.session, before=None, limit=1000)
    assert not any("fragment" in text for text in span.events)


async def test_a_log_of_which_the_tail_has_nothing_is_read_as_before(
    desk: Desk, reader: LogReader, store: LogStore
) -> None:
    """As where the logs of a workspace take half of their room, and this session is quiet."""
    await ship(desk, store, keep=10)
    before, end = await all_offsets(desk, reader), await head(desk)
    await desk.adapters.redis.hset(keys.root(desk.workspace), "log_bytes", str(TIMINGS.workspace_log_bytes // 2))
    await desk.adapters.retention.expire_tail(desk.workspace, desk.session.id, days=30)
    assert (await desk.adapters.tail.read(desk.workspace, desk.session.id, after=None, limit=1)).events == []
    assert await all_offsets(desk, reader) == before
    back = await reader.before(desk.person(), desk.session, before=None, limit=1000)
    assert (offsets(back), back.head) == (before, end)
    assert not (await reader.after(desk.person(), desk.session, after=Cursor(end.epoch, 3), limit=5)).reset
    await fill(desk, "Third")
    assert (await all_offsets(desk, reader))[: len(before)] == before


async def test_a_page_can_be_turned_around(desk: Desk, reader: LogReader) -> None:
    middle = Cursor((await head(desk)).epoch, (await all_offsets(desk, reader))[12])
    back = await reader.before(desk.person(), desk.session, before=middle, limit=5)
    forth = await reader.after(desk.person(), desk.session, after=back.after, limit=1)
    assert offsets(forth) == [middle.offset]
    again = await reader.before(desk.person(), desk.session, before=forth.before, limit=5)
    assert offsets(again) == offsets(back)


async def test_a_time_is_found_in_the_tail_and_in_the_history(desk: Desk, reader: LogReader) -> None:
    lines = [orjson.loads(t) for t in (await reader.after(desk.person(), desk.session, after=None, limit=1000)).events]
    for line in (lines[0], lines[4], lines[-1]):
        at = from_ms(line["at_ms"])
        expected = next(each["offset"] for each in lines if each["at_ms"] >= line["at_ms"])
        span = await reader.at(desk.person(), desk.session, at=at, limit=1)
        assert offsets(span) == [expected]
    later = await reader.at(desk.person(), desk.session, at=from_ms(lines[-1]["at_ms"]) + timedelta(hours=1), limit=1)
    assert later.events == []
    assert later.after == later.head


async def test_a_place_in_another_log_is_told(desk: Desk, reader: LogReader) -> None:
    span = await reader.before(desk.person(), desk.session, before=Cursor("other", 3), limit=2)
    assert span.reset
    assert offsets(span) == (await all_offsets(desk, reader))[-2:]


async def test_without_a_log_store_pages_end_where_the_tail_begins(desk: Desk, reader: LogReader) -> None:
    tail = LogReader(desk.adapters.tail, None)
    span = await tail.before(desk.person(), desk.session, before=None, limit=1000)
    assert span.before is None
    assert 1 < offsets(span)[0] < offsets(span)[-1]
    assert offsets(await tail.at(desk.person(), desk.session, at=from_ms(0), limit=1)) == offsets(span)[:1]


async def test_the_newest_lines_of_one_agent(desk: Desk, reader: LogReader) -> None:
    for name in ("First", "first"):
        events = await reader.recent(desk.person(), desk.session, name=name, limit=2)
        assert [event["name"] for event in events] == ["First", "First"]
    assert len(await reader.recent(desk.person(), desk.session, name=None, limit=3)) == 3


@pytest.mark.parametrize(
    "only",
    [
        event_filter(kinds=["agent.frame"]),
        event_filter(kinds=["agent.*"]),
        event_filter(kinds=["agent.state", "proxy.*"]),
        event_filter(agents=["second"]),
        event_filter(agents=["first", "second"], kinds=["agent.frame"]),
        event_filter(kinds=["session.created"]),
        event_filter(kinds=["turn.*"]),
        EventFilter(edits=True),
    ],
    ids=["kind", "family", "kind and family", "agent", "agents and kind", "once", "family alone", "edits"],
)
@pytest.mark.parametrize("limit", [1, 2, 5, 1000])
async def test_filtered_pages_are_the_pages_of_all_that_the_filter_admits(
    desk: Desk, reader: LogReader, only: EventFilter, limit: int
) -> None:
    everything = await reader.after(desk.person(), desk.session, after=None, limit=1000)
    expected = [line["offset"] for text in everything.events if only.admits(line := orjson.loads(text))]
    behind: list[int] = []
    after = Cursor((await head(desk)).epoch, 0)
    while after != (await head(desk)):
        span = await reader.after(desk.person(), desk.session, after=after, limit=limit, only=only)
        assert not span.reset
        assert len(span.events) <= limit
        behind += offsets(span)
        assert span.after.offset > after.offset
        after = span.after
    ahead: list[int] = []
    before: Cursor | None = None
    while True:
        span = await reader.before(desk.person(), desk.session, before=before, limit=limit, only=only)
        assert len(span.events) <= limit
        ahead = offsets(span) + ahead
        before = span.before
        if before is None:
            break
    assert behind == ahead == expected


async def test_edits_are_found_in_the_tail_and_in_the_history(desk: Desk, store: LogStore) -> None:
    agent = await desk.idle("First")
    change = {"path": "/a/b.py", "change": "update", "diff": "-x\n+y"}
    for contents in (
        [{"type": "files", "call_id": "1", "changes": [change]}],
        [{"type": "text", "text": '"type":"files"'}],
        [{"type": "files", "call_id": "2", "changes": []}],
        [{"type": "command", "command": "ls"}, {"type": "files", "call_id": "3", "changes": [{"path": "c"}]}],
        [{"type": "tool_call", "tool": "Read", "input": {"file_path": "/a"}}],
    ):
        await desk.report(a_frame(agent, *contents))
    reader, only = LogReader(desk.adapters.tail, store), EventFilter(edits=True)
    fresh = await reader.before(desk.person(), desk.session, before=None, limit=10, only=only)
    await ship(desk, store, keep=0)
    old = await reader.before(desk.person(), desk.session, before=None, limit=10, only=only)
    assert len(fresh.events) == 2
    assert fresh.events == old.events


async def test_a_line_is_shown_with_its_neighbours(desk: Desk, reader: LogReader) -> None:
    lines = await all_offsets(desk, reader)
    epoch = (await head(desk)).epoch
    for place in (0, 1, 5, len(lines) // 2, len(lines) - 1):
        span = await reader.around(desk.person(), desk.session, at=Cursor(epoch, lines[place]), lines=3)
        assert offsets(span) == lines[max(0, place - 3) : place + 4]
        if span.before:
            older = await reader.before(desk.person(), desk.session, before=span.before, limit=1)
            assert offsets(older) == lines[max(0, place - 4) : place - 3]
        newer = await reader.after(desk.person(), desk.session, after=span.after, limit=1)
        assert offsets(newer) == lines[place + 4 : place + 5]
    only = event_filter(kinds=["agent.frame"])
    span = await reader.around(desk.person(), desk.session, at=Cursor(epoch, lines[9]), lines=2, only=only)
    assert [kind for _, kind in kinds(span)] == ["agent.frame"] * 5


async def test_a_place_of_another_log_shows_the_newest_lines(desk: Desk, reader: LogReader) -> None:
    span = await reader.around(desk.person(), desk.session, at=Cursor("other", 3), lines=2)
    assert span.reset
    assert offsets(span) == (await all_offsets(desk, reader))[-2:]


async def test_a_filter_that_admits_nothing_of_what_is_kept_is_no_reset(desk: Desk, reader: LogReader) -> None:
    only = event_filter(kinds=["turn.ended"])
    place = Cursor((await head(desk)).epoch, 2)
    span = await reader.after(desk.person(), desk.session, after=place, limit=9, only=only)
    assert (span.events, span.reset, span.after) == ([], False, await head(desk))
    tail = LogReader(desk.adapters.tail, None)
    assert (await tail.after(desk.person(), desk.session, after=place, limit=9, only=only)).reset


async def test_while_the_history_is_away_the_tail_can_be_read(desk: Desk, reader: LogReader) -> None:
    async with clickhouse_server("http://127.0.0.1:1") as nothing:
        away = LogReader(desk.adapters.tail, ClickHouseLogStore(nothing))
        everything = await all_offsets(desk, reader)
        span = await away.before(desk.person(), desk.session, before=None, limit=1000)
        assert offsets(span) == everything[-len(span.events) :]
        assert span.before
        with pytest.raises(Unavailable):
            await away.before(desk.person(), desk.session, before=span.before, limit=1)
        with pytest.raises(Unavailable):
            await away.after(desk.person(), desk.session, after=None, limit=1)
        assert len(await away.recent(desk.person(), desk.session, name="Second", limit=1000)) > 1
        with pytest.raises(Unavailable):
            await away.recent(desk.person(), desk.session, name="Nobody", limit=1)


async def test_a_machines_token_does_not_read_logs(desk: Desk, reader: LogReader) -> None:
    machine = a_person(desk.workspace, kind=TokenKind.PROXY)
    with pytest.raises(NotPermitted):
        await reader.before(machine, desk.session, before=None, limit=1)
    with pytest.raises(NotPermitted):
        await reader.after(machine, desk.session, after=None, limit=1)


@pytest.mark.parametrize("direction", ["after", "before"])
async def test_pages_of_large_events_are_small_and_miss_none(desk: Desk, direction: str) -> None:
    """Each read of the tail ends by its size, in the middle of what was asked for."""
    reader = LogReader(desk.adapters.tail, None)
    agent = await desk.idle("Worker")
    for number in range(12):
        await say(desk, agent, transient=False, type="text", text=f"{number} " + "x" * (3 << 20))
    offsets: list[int] = []
    place: Cursor | None = None
    while True:
        if direction == "after":
            page = await reader.after(desk.person(), desk.session, after=place, limit=100)
            offsets += [offset for offset, _ in kinds(page)]
            place, more = page.after, bool(page.events)
        else:
            page = await reader.before(desk.person(), desk.session, before=place, limit=100)
            offsets = [offset for offset, _ in kinds(page)] + offsets
            place, more = page.before, page.before is not None
        assert sum(map(len, page.events)) < 2 * MAX_PAGE_BYTES
        if not more:
            break
    assert offsets == list(range(1, (await head(desk)).offset + 1))
