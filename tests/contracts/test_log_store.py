"""What a log store promises, on every engine."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest

from broker.domain.errors import BadRequest, Unavailable
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.instants import to_ms
from broker.domain.logs.event_filter import EventFilter, event_filter
from broker.domain.logs.pages import Direction, Facet, parse_search_cursor
from broker.domain.logs.projection import project
from broker.domain.logs.rows import LineKind, LogRow, WorkspaceRows
from broker.domain.logs.search.query import LogQuery, Phrase, Substring, Term, Word
from broker.services.ports import LogStore
from tests.contracts.conftest import Engine
from tests.domain.logs.log_events import frame_event
from tests.domain.logs.search.written_searches import having
from tests.fixtures.log_rows import NOW, log_row
from tests.fixtures.log_store import whole_log

SESSION = SessionId("ses_1")


@pytest.fixture
def store(engine: Engine) -> LogStore:
    return engine.store


async def offsets(store: LogStore, workspace: WorkspaceId) -> list[int]:
    return [row.offset for row in (await store.page(workspace, SESSION, "e1", start=0, limit=1000)).rows]


async def found(store: LogStore, workspace: WorkspaceId, *terms: Term, without: tuple[Term, ...] = ()) -> list[int]:
    hits = await store.search(workspace, LogQuery(terms=terms, without=without), limit=100)
    return sorted(row.offset for row in hits.rows)


async def test_a_row_comes_back_as_it_was_put_in(store: LogStore, workspace: WorkspaceId) -> None:
    row = log_row(
        workspace,
        7,
        "said 'so' \\ % _ \0 🎉",
        kind=LineKind.COMMAND,
        agent_id="agt_1",
        cli="claude",
        frame_type="assistant",
        tool="Bash",
        command='echo "a\\b"',
        exit_code=-9,
        paths=("/a b/c.py", "d'e.py"),
        diff="-x\n+y",
        ok=False,
        input_tokens=1,
        output_tokens=2,
        cached_tokens=2**40,
        cost_usd=0.25,
        cumulative=True,
        redactions=3,
        at=NOW - timedelta(milliseconds=877),
    )
    await store.insert(workspace, [row], token="t", days=7)
    assert (await store.page(workspace, SESSION, "e1", start=0, limit=10)).rows == [row]


async def test_rows_beside_and_behind_one_of_megabytes_are_kept(store: LogStore, workspace: WorkspaceId) -> None:
    rows = [log_row(workspace, n, "x" * (3 * 2**20 if n == 3 else 3)) for n in range(1, 16)]
    await store.insert(workspace, rows, days=30, token="b1")
    assert await offsets(store, workspace) == list(range(1, 16))


async def test_the_same_batch_twice_is_once(store: LogStore, workspace: WorkspaceId) -> None:
    rows = [log_row(workspace, n, "once") for n in range(1, 6)]
    for _ in range(2):
        await store.insert(workspace, rows, token="1-5", days=7)
    assert await offsets(store, workspace) == [1, 2, 3, 4, 5]
    assert (await store.size(workspace)).rows == 5


@pytest.mark.parametrize("most_hashed", [10, 1000])
async def test_a_replay_in_other_batches_is_once_everywhere(
    store: LogStore, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch, most_hashed: int
) -> None:
    monkeypatch.setattr("broker.adapters.clickhouse.store._MOST_HASHED", most_hashed)
    rows = [log_row(workspace, n, "once") for n in range(1, 21)]
    for size in (20, 7):
        for first in range(0, 20, size):
            batch = rows[first : first + size]
            await store.insert(workspace, batch, token=f"{size}:{first}", days=7 if size == 20 else 90)
    expected = list(range(1, 21))
    assert await offsets(store, workspace) == expected
    assert await found(store, workspace, Word("once")) == expected
    assert (await store.size(workspace)).rows == 20
    assert sum(bucket.count for bucket in await store.histogram(workspace, LogQuery(), buckets=5)) == 20
    for field in (Facet.AGENT, Facet.SESSION):
        assert [count.count for count in await store.facets(workspace, LogQuery(), field, limit=5)] == [20]
    assert [extent.rows for extent in await store.extents(workspace)] == [20]
    page = await store.page(workspace, SESSION, "e1", start=0, limit=7)
    assert ([row.offset for row in page.rows], page.more) == ([1, 2, 3, 4, 5, 6, 7], True)


async def test_a_page_goes_both_ways_and_says_whether_there_is_more(store: LogStore, workspace: WorkspaceId) -> None:
    await store.insert(workspace, [log_row(workspace, n) for n in (1, 2, 5, 8, 9)], token="t", days=7)

    async def page(start: int, limit: int, direction: Direction) -> tuple[list[int], bool]:
        read = await store.page(workspace, SESSION, "e1", start=start, limit=limit, direction=direction)
        return [row.offset for row in read.rows], read.more

    assert await page(0, 2, Direction.FORWARDS) == ([1, 2], True)
    assert await page(2, 3, Direction.FORWARDS) == ([5, 8, 9], False)
    assert await page(9, 2, Direction.BACKWARDS) == ([5, 8], True)
    assert await page(5, 9, Direction.BACKWARDS) == ([1, 2], False)
    assert await page(9, 9, Direction.FORWARDS) == ([], False)


async def test_a_log_that_went_back_has_the_epoch_before_up_to_there(store: LogStore, workspace: WorkspaceId) -> None:
    epoch = "e1.3-ab"
    before = [log_row(workspace, n, f"old {n}") for n in range(1, 6)]  # 4 and 5 were lost
    after = [log_row(workspace, n, f"new {n}", epoch=epoch) for n in range(4, 7)]
    await store.insert(workspace, [*before, *after], token="t", days=7)
    page = await store.page(workspace, SESSION, epoch, start=0, limit=10)
    assert [row.text for row in page.rows] == ["old 1", "old 2", "old 3", "new 4", "new 5", "new 6"]
    back = await store.page(workspace, SESSION, epoch, start=5, limit=2, direction=Direction.BACKWARDS)
    assert [row.text for row in back.rows] == ["old 3", "new 4"]
    alone = await store.page(workspace, SESSION, epoch, start=0, limit=10, alone=True)
    assert [row.text for row in alone.rows] == ["new 4", "new 5", "new 6"]


@pytest.mark.parametrize("direction", list(Direction))
async def test_a_page_ends_at_its_bytes_but_holds_one_row_of_any_size(
    store: LogStore, workspace: WorkspaceId, direction: Direction
) -> None:
    sizes = [1000, 1000, 90_000, 1000, 1000, 1000]
    rows = [log_row(workspace, n, body="x" * size) for n, size in enumerate(sizes, start=1)]
    for token in ("a", "b"):  # a copy has no weight
        await store.insert(workspace, rows, token=token, days=7)
    start = 0 if direction is Direction.FORWARDS else 1000
    pages, more = [], True
    while more:
        page = await store.page(workspace, SESSION, "e1", start=start, limit=100, direction=direction, max_bytes=2500)
        pages.append([row.offset for row in page.rows])
        start = pages[-1][-1 if direction is Direction.FORWARDS else 0]
        more = page.more
    if direction is Direction.FORWARDS:
        assert pages == [[1, 2], [3], [4, 5], [6]]
    else:
        assert pages == [[5, 6], [4], [3], [1, 2]]


async def test_a_batch_of_several_workspaces_keeps_each_for_its_own_days(
    store: LogStore, workspace: WorkspaceId
) -> None:
    other = WorkspaceId(f"other-{workspace}")
    old = NOW - timedelta(days=20)
    batch = [
        WorkspaceRows(workspace=workspace, rows=[log_row(workspace, 1, at=old), log_row(workspace, 2)], days=7),
        WorkspaceRows(workspace=other, rows=[log_row(other, 1, at=old)], days=30),
    ]
    await store.insert_batch(batch, token="t")
    assert (await offsets(store, workspace), await offsets(store, other)) == ([2], [1])
    with pytest.raises(ValueError, match="another workspace"):
        await store.insert_batch([WorkspaceRows(workspace=other, rows=batch[0].rows, days=7)], token="u")


async def test_of_a_long_text_a_hit_has_the_piece_around_the_word(store: LogStore, workspace: WorkspaceId) -> None:
    said = "é " * 100_000 + "Needle " + "z " * 100_000
    await store.insert(workspace, [log_row(workspace, 1, said)], token="t", days=7)
    hits = await store.search(workspace, LogQuery(terms=(Word("needle"),)), limit=5)
    (text,) = [row.text for row in hits.rows]
    assert "Needle" in text
    assert len(text) < 50_000


@pytest.mark.parametrize(
    "only",
    [
        event_filter(kinds=["turn.ended"]),
        event_filter(kinds=["turn.*", "agent.state"]),
        EventFilter(families=("a_%.",)),
        event_filter(agents=["lead", "åsa"]),
        event_filter(agents=["o'b\\"], kinds=["agent.*"]),
        EventFilter(edits=True),
        EventFilter(edits=True, agents=frozenset({"lead"})),
    ],
    ids=["kind", "kinds", "family", "agents", "agent and family", "edits", "edits of an agent"],
)
@pytest.mark.parametrize("limit", [1, 4, 1000])
async def test_filtered_pages_are_the_pages_of_all_that_the_filter_admits(
    store: LogStore, workspace: WorkspaceId, only: EventFilter, limit: int
) -> None:
    rows = [an_event_row(workspace, offset) for offset in range(1, 121)]
    for token, batch in (("a", rows[:70]), ("b", rows[40:])):  # some of it twice
        await store.insert(workspace, batch, token=token, days=7)
    expected = [row.offset for row in rows if only.admits_text(row.body)]
    assert expected or only.families == ("a_%.",)
    for direction in Direction:
        forwards = direction is Direction.FORWARDS
        pages: list[int] = []
        start, more = (0, True) if forwards else (1000, True)
        while more:
            page = await store.page(workspace, SESSION, "e1", start=start, limit=limit, direction=direction, only=only)
            some = [row.offset for row in page.rows]
            assert len(some) == limit or not page.more
            pages, more = (pages + some if forwards else some + pages), page.more
            start = (some[-1] if forwards else some[0]) if some else start
        assert pages == expected


def an_event_row(workspace: WorkspaceId, offset: int) -> LogRow:
    """A row as shipping makes it, of one kind or another."""
    kind = ("agent.frame", "turn.ended", "agent.state", "message.accepted", "a_x.y")[offset % 5]
    name = ("Lead", "Åsa", "o'B\\", None, "worker")[offset % 7 % 5]
    edit = {"type": "files", "changes": [{"path": f"/{offset}", "change": "add", "diff": "+x"}]}
    choices: list[list[dict[str, Any]]] = [
        [edit],
        [{"type": "command", "command": "make"}, edit],
        [{"type": "command", "command": "make"}],
        [{"type": "files", "changes": []}],
        [{"type": "tool_call", "tool": "Edit", "input": {"file_path": "/x"}}],
        [{"type": "text", "text": "files"}],
    ]
    contents = choices[offset // 5 % 6]
    data = {"events": contents} if kind == "agent.frame" else {"text": "x", "from": {}, "outcome": "completed"}
    head = {"epoch": "e1", "offset": offset, "kind": kind, "at_ms": to_ms(NOW) + offset, "agent": None, "name": name}
    event = {**head, "data": data}
    row = project(event, workspace=workspace, session=SESSION, cli="demo", body=orjson.dumps(event).decode())
    assert row is not None
    return row


async def test_another_epoch_is_another_log(store: LogStore, workspace: WorkspaceId) -> None:
    rows = [log_row(workspace, 1), log_row(workspace, 1, epoch="e2"), log_row(workspace, 2, epoch="e2")]
    await store.insert(workspace, rows, token="t", days=7)
    assert await offsets(store, workspace) == [1]
    assert (await store.page(workspace, SESSION, "e3", start=0, limit=10)).rows == []
    assert [(extent.epoch, extent.first, extent.last) for extent in await store.extents(workspace)] == [
        ("e1", 1, 1),
        ("e2", 1, 2),
    ]


async def test_a_time_is_found_by_its_offset(store: LogStore, workspace: WorkspaceId) -> None:
    rows = [log_row(workspace, n, at=NOW - timedelta(minutes=10 - n)) for n in range(1, 6)]
    await store.insert(workspace, rows, token="t", days=7)
    assert await store.offset_at(workspace, SESSION, "e1", at=rows[2].at) == 3
    assert await store.offset_at(workspace, SESSION, "e1", at=rows[2].at + timedelta(milliseconds=1)) == 4
    assert await store.offset_at(workspace, SESSION, "e1", at=NOW) is None


async def test_context_surrounds_a_row(store: LogStore, workspace: WorkspaceId) -> None:
    await store.insert(workspace, [log_row(workspace, n) for n in range(1, 10)], token="t", days=7)

    async def around(offset: int) -> list[int]:
        return [row.offset for row in await store.context(workspace, SESSION, "e1", offset=offset, lines=2)]

    assert await around(5) == [3, 4, 5, 6, 7]
    assert await around(1) == [1, 2, 3]
    assert await around(9) == [7, 8, 9]


TEXTS = {
    1: "The build FAILED with exit code 1",
    2: "exit: code 12, building again",
    3: "code exit",
    4: "100% of user_name done",
    5: '100 of username, it\'s "quoted" \\ back',
    6: "Größe ÄNDERN 🎉 party",
    7: "nul \0 inside",
    8: "../src/broker/app.py:12",
    9: "日本語のログ検索",
    10: "re\u0301sume\u0301 r\xe9sum\xe9-draft",
    11: "re\u0301sume\u0301 alone",
}


@pytest.fixture(scope="module")
def texts(engine: Engine) -> WorkspaceId:
    """A workspace with those lines."""
    workspace = WorkspaceId("ws_texts")
    rows = [log_row(workspace, n, text) for n, text in TEXTS.items()]
    asyncio.run(engine.store.insert(workspace, rows, token="t", days=7))
    return workspace


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (Word("failed"), [1]),
        (Word("BUILD"), [1]),
        (Word("exit"), [1, 2, 3]),
        (Word("app.py"), [8]),
        (Word("größe"), [6]),
        (Word("ändern"), [6]),
        (Word("🎉"), [6]),
        (Word("absent"), []),
        (Word("' OR 1=1 --"), []),
        (Word("%"), [4]),
        (Word("%0:String}"), []),
        (Phrase("exit code"), [1, 2]),
        (Phrase("EXIT CODE 1"), [1]),
        (Phrase("code exit"), [3]),
        (Phrase("it's"), [5]),
        (Substring("ログ"), [9]),
        (Word("r\xe9sum\xe9"), [10, 11]),
        (Word("re\u0301sume\u0301"), [10, 11]),
        (Substring("\xe9sum"), [10, 11]),
        (Phrase("broker/app.py"), [8]),
        (Substring("uild"), [1, 2]),
        (Substring("ÄNDE"), [6]),
        (Substring("user_name"), [4]),
        (Substring("0% of"), [4]),
        (Substring("\\ b"), [5]),
        (Substring('"quoted"'), [5]),
        (Substring("l \0 i"), [7]),
        (Substring("{p0:String}"), []),
        (Substring("'); DROP TABLE log_lines"), []),
    ],
)
async def test_text_is_found_by_words_phrases_and_parts_whatever_they_hold(
    store: LogStore, texts: WorkspaceId, term: Term, expected: list[int]
) -> None:
    assert await found(store, texts, term) == expected
    assert await found(store, texts, without=(term,)) == [n for n in TEXTS if n not in expected]


async def test_a_word_beside_a_colour_of_terminals_is_found(store: LogStore, workspace: WorkspaceId) -> None:
    printed = {1: "1 test \x1b[31mFAILED\x1b[0m", 2: "\x1b(B\x1b[mreset", 3: "\x1b[?25hcursor", 4: "\x9b1mbold"}
    rows = [
        project(
            {**frame_event({"type": "text", "text": text}), "offset": offset},
            workspace=workspace,
            session=SESSION,
            cli="claude",
        )
        for offset, text in printed.items()
    ]
    await store.insert(workspace, [row for row in rows if row is not None], token="t", days=3650)
    for offset, word in enumerate(("failed", "reset", "cursor", "bold"), start=1):
        assert await found(store, workspace, Word(word)) == [offset]
    assert await found(store, workspace, Word("31mfailed")) == []


async def test_all_terms_must_hold_and_none_of_the_excluded(store: LogStore, texts: WorkspaceId) -> None:
    assert await found(store, texts, Word("exit"), Word("code"), without=(Word("failed"),)) == [2, 3]


COMMAND = LineKind.COMMAND


@pytest.fixture(scope="module")
def commands(engine: Engine) -> WorkspaceId:
    """A workspace with a line said, two commands and a file change."""
    workspace = WorkspaceId("ws_commands")
    failed: dict[str, Any] = {
        "agent": "Backend",
        "tool": "Bash",
        "command": "npm test -- -x",
        "exit_code": 1,
        "ok": False,
    }
    rows = [
        log_row(workspace, 1),
        log_row(workspace, 2, kind=COMMAND, **failed),
        log_row(workspace, 3, kind=COMMAND, cli="codex", command="make test", exit_code=0),
        log_row(workspace, 4, kind=LineKind.FILES, paths=("/w/README.md", "/w/src/a_b.py")),
    ]
    asyncio.run(engine.store.insert(workspace, rows, token="t", days=7))
    return workspace


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (LogQuery(), [1, 2, 3, 4]),
        (LogQuery(fields=(having("agent", "Backend", "Nobody"),)), [2]),
        (LogQuery(fields=(having("-agent", "Backend"),)), [1, 3, 4]),
        (LogQuery(fields=(having("kind", COMMAND),)), [2, 3]),
        (LogQuery(fields=(having("-kind", COMMAND, LineKind.FILES),)), [1]),
        (LogQuery(fields=(having("cli", "codex"),)), [3]),
        (LogQuery(fields=(having("tool", "ba*"),)), [2]),
        (LogQuery(fields=(having("command", "npm *"),)), [2]),
        (LogQuery(fields=(having("command", "make ?est", "nothing"),)), [3]),
        (LogQuery(fields=(having("command", "make_test", "%"),)), []),
        (LogQuery(fields=(having("path", "src/*.py"),)), [4]),
        (LogQuery(fields=(having("path", "/w/src/a_b.py"),)), [4]),
        (LogQuery(fields=(having("path", "/w/src/a?c.py"),)), []),
        (LogQuery(fields=(having("exit", "1", "127"),)), [2]),
        (LogQuery(fields=(having("exit", "0"),)), [3]),
        (LogQuery(fields=(having("failed", "true"),)), [2]),
        (LogQuery(fields=(having("failed", "false"), having("kind", COMMAND))), [3]),
        (LogQuery(fields=(having("session", SESSION),)), [1, 2, 3, 4]),
        (LogQuery(fields=(having("session", "ses_2"),)), []),
        (LogQuery(since=NOW - timedelta(hours=1) + timedelta(seconds=3)), [3, 4]),
        (LogQuery(until=NOW - timedelta(hours=1) + timedelta(seconds=3)), [1, 2]),
    ],
)
async def test_fields_narrow_a_search(
    store: LogStore, commands: WorkspaceId, query: LogQuery, expected: list[int]
) -> None:
    hits = await store.search(commands, query, limit=100)
    assert sorted(row.offset for row in hits.rows) == expected


async def test_a_search_is_newest_first_and_its_place_is_not_moved_by_new_rows(
    store: LogStore, workspace: WorkspaceId
) -> None:
    same_time = NOW - timedelta(minutes=1)
    rows = [
        log_row(workspace, n, "x", session=SessionId(session), at=same_time)
        for session in ("ses_1", "ses_2")
        for n in range(1, 6)
    ]
    await store.insert(workspace, rows, token="t", days=7)
    pages: list[list[tuple[str, int]]] = []
    before = None
    for _ in range(10):
        hits = await store.search(workspace, LogQuery(terms=(Word("x"),)), limit=4, before=before)
        pages.append([(row.session, row.offset) for row in hits.rows])
        await store.insert(workspace, [log_row(workspace, 100 + len(pages), "x", at=NOW)], token=str(pages), days=7)
        if hits.next is None:
            break
        before = parse_search_cursor(str(hits.next))
    seen = [hit for page in pages for hit in page]
    assert seen == sorted(((row.session, row.offset) for row in rows), reverse=True)
    assert [len(page) for page in pages] == [4, 4, 2]


AGES_MINUTES = (-5, 0, 1, 59, 60, 61, 239, 240, 241, 3_000, 30_000, 30_001, 100_000)
"""On both sides of the spans that a search looks at, one row ahead of our clock, and idle times between them."""


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
@pytest.mark.parametrize("idle_minutes", [0, 900])
async def test_pages_have_every_hit_once_and_in_order_however_far_apart_in_time(
    store: LogStore, workspace: WorkspaceId, limit: int, idle_minutes: int
) -> None:
    ages = [age + idle_minutes for age in AGES_MINUTES for _ in range(3)]
    rows = [
        log_row(workspace, n, "x" if n % 3 else "y", at=NOW - timedelta(minutes=age), session=SessionId(f"ses_{n % 2}"))
        for n, age in enumerate(ages)
    ]
    for half in (0, 1):
        await store.insert(workspace, rows[half::2], token=f"{half}", days=365)
    await store.insert(workspace, rows[:20], token="replay", days=365)
    wanted = [row for row in rows if row.text == "x"]
    seen: list[LogRow] = []
    before = None
    while True:
        hits = await store.search(workspace, LogQuery(terms=(Word("x"),)), limit=limit, before=before)
        seen += hits.rows
        if hits.next is None:
            break
        assert len(hits.rows) == limit
        before = parse_search_cursor(str(hits.next))
    newest_first = sorted(wanted, key=lambda row: (row.at, row.session, row.epoch, row.offset), reverse=True)
    assert [(row.at, row.session, row.offset) for row in seen] == [
        (row.at, row.session, row.offset) for row in newest_first
    ]


@pytest.mark.parametrize(("since", "until"), [(None, 61), (3_001, None), (60, 1), (30_001, 240), (90_000, 31_000)])
async def test_a_search_between_two_times_has_all_hits_of_that_time(
    store: LogStore, workspace: WorkspaceId, since: int | None, until: int | None
) -> None:
    rows = [log_row(workspace, n, "x", at=NOW - timedelta(minutes=age)) for n, age in enumerate(AGES_MINUTES, 1)]
    await store.insert(workspace, rows, token="t", days=365)
    query = LogQuery(
        since=None if since is None else NOW - timedelta(minutes=since),
        until=None if until is None else NOW - timedelta(minutes=until),
    )
    hits = await store.search(workspace, query, limit=50)
    low, high = (-1_000 if until is None else until), (10**6 if since is None else since)
    assert [row.offset for row in hits.rows] == [n for n, age in enumerate(AGES_MINUTES, 1) if low < age <= high]


async def test_hits_come_without_the_event_and_its_diff(store: LogStore, workspace: WorkspaceId) -> None:
    row = log_row(workspace, 1, "x", diff="+y")
    await store.insert(workspace, [row], token="t", days=7)
    assert (await store.search(workspace, LogQuery(), limit=1)).rows == [row._replace(body="", diff="")]


async def test_a_histogram_counts_equal_spans(store: LogStore, workspace: WorkspaceId) -> None:
    rows = [log_row(workspace, n, at=NOW - timedelta(minutes=60 - n), ok=n != 30) for n in (0, 1, 30, 59)]
    await store.insert(workspace, rows, token="t", days=7)
    query = LogQuery(since=NOW - timedelta(hours=1), until=NOW)
    counts = await store.histogram(workspace, query, buckets=6)
    assert [(bucket.at - rows[0].at, bucket.count, bucket.failed) for bucket in counts] == [
        (timedelta(0), 2, 0),
        (timedelta(minutes=30), 1, 1),
        (timedelta(minutes=50), 1, 0),
    ]
    assert await store.histogram(workspace, LogQuery(terms=(Word("absent"),)), buckets=6) == []


async def test_facets_count_the_most_frequent_values(store: LogStore, workspace: WorkspaceId) -> None:
    agents = ["A", "B", "B", "C", "C", "C"]
    rows = [log_row(workspace, n, agent=agent, exit_code=n % 2) for n, agent in enumerate(agents, 1)]
    await store.insert(workspace, rows, token="t", days=7)
    counts = await store.facets(workspace, LogQuery(), Facet.AGENT, limit=2)
    assert [(count.value, count.count) for count in counts] == [("C", 3), ("B", 2)]
    for field in Facet:
        assert await store.facets(workspace, LogQuery(), field, limit=5) is not None


async def test_no_question_shows_another_workspace(store: LogStore, workspace: WorkspaceId) -> None:
    other = WorkspaceId(workspace + "x")
    await store.insert(workspace, [log_row(workspace, n, "secret") for n in (1, 2)], token="t", days=7)
    await store.insert(other, [log_row(other, 3, "mine")], token="t", days=7)
    query = LogQuery(terms=(Substring(""),))
    assert await offsets(store, other) == [3]
    assert [row.offset for row in (await store.search(other, query, limit=9)).rows] == [3]
    assert await store.offset_at(other, SESSION, "e1", at=NOW - timedelta(days=1)) == 3
    assert [row.offset for row in await store.context(other, SESSION, "e1", offset=3, lines=5)] == [3]
    assert (await store.size(other)).rows == 1
    assert [extent.rows for extent in await store.extents(other)] == [1]
    assert sum(bucket.count for bucket in await store.histogram(other, LogQuery(), buckets=3)) == 1
    assert [count.count for count in await store.facets(other, LogQuery(), Facet.SESSION, limit=3)] == [1]
    assert await store.delete_workspace(other) == 1
    assert await offsets(store, workspace) == [1, 2]


async def test_rows_of_another_workspace_are_refused(store: LogStore, workspace: WorkspaceId) -> None:
    with pytest.raises(ValueError, match="another workspace"):
        await store.insert(workspace, [log_row(WorkspaceId("ws_other"), 1)], token="t", days=7)


async def test_limits_are_bounded(store: LogStore, workspace: WorkspaceId) -> None:
    for limit in (0, 1001):
        with pytest.raises(BadRequest):
            await store.search(workspace, LogQuery(), limit=limit)
        with pytest.raises(BadRequest):
            await store.page(workspace, SESSION, "e1", start=0, limit=limit)
    with pytest.raises(BadRequest):
        await store.redate(workspace, days=0)


async def test_an_expired_row_is_never_seen_and_gone_after_a_purge(engine: Engine, workspace: WorkspaceId) -> None:
    store = engine.store
    rows = [log_row(workspace, 1, "x", at=NOW - timedelta(days=8)), log_row(workspace, 2, "x")]
    await store.insert(workspace, rows, token="t", days=7)
    assert await offsets(store, workspace) == [2]
    assert await found(store, workspace, Word("x")) == [2]
    assert (await store.size(workspace)).rows == 1
    await store.purge()
    [(kept,)] = await engine.clickhouse.query(
        "SELECT count() FROM log_lines WHERE workspace = {w:String}", {"w": workspace}
    )
    assert kept == 1


AGES_DAYS = {1: 29, 2: 3}


def rows_of_a_month(workspace: WorkspaceId) -> list[LogRow]:
    return [log_row(workspace, n, "x", at=NOW - timedelta(days=age)) for n, age in AGES_DAYS.items()]


async def stored_days(engine: Engine, workspace: WorkspaceId) -> set[tuple[int, int]]:
    """(retention, rows), physically."""
    sql = "SELECT days, count() FROM log_lines WHERE workspace = {w:String} GROUP BY days"
    return {(days, rows) for days, rows in await engine.clickhouse.query(sql, {"w": workspace})}


@pytest.mark.parametrize(
    ("old", "new", "left", "statements_before_death"),
    [(90, 365, [1, 2], 0), (90, 365, [1, 2], 1), (365, 90, [1, 2], 2), (90, 7, [2], 1), (90, 7, [2], 2)],
)
async def test_another_retention_moves_every_row_even_when_it_dies_half_way(
    engine: Engine,
    workspace: WorkspaceId,
    monkeypatch: pytest.MonkeyPatch,
    old: int,
    new: int,
    left: list[int],
    statements_before_death: int,
) -> None:
    store = engine.store
    await store.insert(workspace, rows_of_a_month(workspace), token="t", days=old)
    command, calls = engine.clickhouse.command, 0

    async def dying(sql: str, parameters: dict[str, object], *, caller: str) -> None:
        nonlocal calls
        calls += 1
        if calls > statements_before_death:
            raise Unavailable("died")
        await command(sql, parameters, caller=caller)

    with monkeypatch.context() as patch:
        patch.setattr(engine.clickhouse, "command", dying)
        with pytest.raises(Unavailable, match="died"):
            await store.redate(workspace, days=new)
    assert set(left) <= set(await offsets(store, workspace)) <= set(AGES_DAYS)
    await store.redate(workspace, days=new)
    assert await offsets(store, workspace) == left
    assert await stored_days(engine, workspace) == {(new, len(left))}
    assert await store.redate(workspace, days=new) == 0


async def test_nothing_that_is_there_expires_before_it_was_promised(engine: Engine, workspace: WorkspaceId) -> None:
    store, until = engine.store, NOW + timedelta(days=10)
    await store.insert(workspace, rows_of_a_month(workspace), token="t", days=30)  # one ends tomorrow, one in 27 days
    await store.insert(workspace, [log_row(workspace, 3, at=NOW - timedelta(days=31))], token="gone", days=30)
    assert await store.keep_until(workspace, int(until.timestamp() * 1000)) == 1
    assert await offsets(store, workspace) == list(AGES_DAYS)
    [(earliest,)] = await engine.clickhouse.query(
        "SELECT toUnixTimestamp(min(expires_at)) FROM log_lines FINAL"
        " WHERE workspace = {w:String} AND expires_at > now()",
        {"w": workspace},
    )
    assert 0 <= earliest - int(until.timestamp()) <= 86_400
    assert {(30, 1), (39, 1)} <= await stored_days(engine, workspace)
    assert await store.keep_until(workspace, int(until.timestamp() * 1000)) == 0


async def test_a_copy_that_is_not_there_stops_a_retention_change(
    engine: Engine, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.store.insert(workspace, rows_of_a_month(workspace), token="t", days=90)
    command = engine.clickhouse.command

    async def without_copies(sql: str, parameters: dict[str, object], *, caller: str) -> None:
        if not sql.startswith("INSERT"):
            await command(sql, parameters, caller=caller)

    with monkeypatch.context() as patch:
        patch.setattr(engine.clickhouse, "command", without_copies)
        with pytest.raises(Unavailable, match="nothing was deleted"):
            await engine.store.redate(workspace, days=365)
    assert await offsets(engine.store, workspace) == list(AGES_DAYS)


async def test_what_has_expired_does_not_come_back(store: LogStore, workspace: WorkspaceId) -> None:
    await store.insert(workspace, rows_of_a_month(workspace), token="t", days=7)
    before = await offsets(store, workspace)
    await store.redate(workspace, days=365)
    assert await offsets(store, workspace) == before


async def test_there_and_back_again_keeps_the_rows(engine: Engine, workspace: WorkspaceId) -> None:
    await engine.store.insert(workspace, rows_of_a_month(workspace), token="t", days=90)
    for days in (365, 90):
        assert await engine.store.redate(workspace, days=days) == len(AGES_DAYS)
    assert await stored_days(engine, workspace) == {(90, len(AGES_DAYS))}


async def test_a_deleted_session_is_gone_and_its_neighbours_stay(engine: Engine, workspace: WorkspaceId) -> None:
    store = engine.store
    rows = [log_row(workspace, n, "x", session=SessionId(f"ses_{n % 2}")) for n in range(1, 9)]
    await store.insert(workspace, rows, token="a", days=7)
    await store.insert(workspace, rows, token="b", days=90)
    assert await store.delete_session(workspace, SESSION) == 4
    assert await found(store, workspace, Word("x")) == [2, 4, 6, 8]
    assert await stored_days(engine, workspace) == {(7, 4), (90, 4)}
    assert await store.delete_session(workspace, SESSION) == 0


async def test_pages_one_after_the_other_have_every_row_once(store: LogStore, workspace: WorkspaceId) -> None:
    await store.insert(workspace, [log_row(workspace, n) for n in range(1, 2502)], token="t", days=7)
    found = await whole_log(store, workspace, SESSION, "e1")
    assert [row.offset for row in found] == list(range(1, 2502))


async def test_the_event_loop_goes_on_while_a_query_runs(engine: Engine) -> None:
    slow = "SELECT sum(sleepEachRow(0.02)) FROM numbers(20)"
    query = asyncio.create_task(engine.clickhouse.query(slow))
    beats = 0
    while not query.done():
        await asyncio.sleep(0)
        beats += 1
    await query
    assert beats > 100


async def test_a_query_that_fails_half_way_leaves_nothing_to_the_next(engine: Engine) -> None:
    failing = "SELECT sleepEachRow(0.05) FROM numbers(20) SETTINGS max_block_size = 1, max_execution_time = 0.2"
    for _ in range(4):
        with pytest.raises(Unavailable, match="too much"):
            await engine.clickhouse.query(failing)
    answers = await asyncio.gather(*(engine.clickhouse.query("SELECT 1") for _ in range(4)))
    assert answers == [[(1,)]] * 4
