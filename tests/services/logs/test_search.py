"""Searches, within what each caller may see."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from broker.domain.errors import BadRequest, NotConfigured, NotFound, NotPermitted
from broker.domain.ids import SessionId
from broker.domain.logs.pages import Facet
from broker.domain.logs.rows import LineKind, LogRow
from broker.domain.logs.search.lexer import InvalidQuery
from broker.domain.people.token_kinds import TokenKind
from broker.services.agents.sessions import Sessions
from broker.services.logs.search import FoundPage, LogSearch
from broker.services.ports import LogStore
from tests.fixtures.desk import Desk, a_person
from tests.fixtures.log_rows import log_row
from tests.fixtures.log_store import open_embedded


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStore]:
    with open_embedded(tmp_path_factory.mktemp("logs")) as opened:
        yield opened


@pytest.fixture
async def search(desk: Desk, store: LogStore) -> LogSearch:
    """Over `main`, with ten lines, and `other`, with one, and one whose session is gone."""
    other = await desk.adapters.registry.create_session(
        desk.workspace, SessionId(uuid4().hex), name="other", epoch="e1"
    )
    rows = [
        *(row(desk, n, f"line {n} of the build") for n in range(1, 10)),
        row(desk, 10, "npm test fails", kind=LineKind.COMMAND, command="npm test", exit_code=1, ok=False),
        row(desk, 1, "the build elsewhere", session=other.id, agent="Worker"),
        row(desk, 1, "the build of long ago", session=SessionId("gone"), agent="Gone"),
    ]
    await store.insert(desk.workspace, rows, token=uuid4().hex, days=7)
    return LogSearch(store, Sessions(desk.adapters.registry, desk.adapters.log))


def row(desk: Desk, offset: int, text: str, **changes: object) -> LogRow:
    return log_row(desk.workspace, offset, text, **{"session": desk.session.id, **changes})


def places(page: FoundPage) -> list[tuple[str, int]]:
    return [(hit.line.session_name, hit.line.row.offset) for hit in page.hits]


async def test_hits_tell_their_session_and_where_the_words_stand(desk: Desk, search: LogSearch) -> None:
    page = await search.search(desk.person(), "build elsewhere")
    (hit,) = page.hits
    assert (hit.line.session_name, hit.line.row.agent) == ("other", "Worker")
    assert [hit.line.excerpt.text[span.start : span.end] for span in hit.line.excerpt.spans] == ["build", "elsewhere"]
    assert page.next is None


async def test_a_line_of_a_session_that_is_gone_is_found_without_its_name(desk: Desk, search: LogSearch) -> None:
    assert places(await search.search(desk.person(), '"long ago"')) == [("", 1)]


async def test_pages_go_on_where_they_ended(desk: Desk, search: LogSearch) -> None:
    first = await search.search(desk.person(), "line build", limit=6)
    assert places(first) == [("main", offset) for offset in (9, 8, 7, 6, 5, 4)]
    rest = await search.search(desk.person(), "line build", limit=6, before=first.next)
    assert places(rest) == [("main", offset) for offset in (3, 2, 1)]
    assert rest.next is None


async def test_context_is_what_was_logged_around_a_hit(desk: Desk, search: LogSearch) -> None:
    (hit,) = (await search.search(desk.person(), "kind:command exit:1", context=2)).hits
    assert [line.row.offset for line in hit.before] == [8, 9]
    assert hit.after == ()
    assert hit.before[0].excerpt.text == "line 8 of the build"


async def test_sessions_are_named_or_given_by_id(desk: Desk, search: LogSearch) -> None:
    for text in ("session:other", f"session:other,{desk.session.id} elsewhere"):
        assert places(await search.search(desk.person(), text)) == [("other", 1)]
    assert places(await search.search(desk.person(), "build", session="other")) == [("other", 1)]
    for text, session in (("session:nobody", None), ("", "nobody")):
        with pytest.raises(NotFound) as refused:
            await search.search(desk.person(), text, session=session)
        assert refused.value.code == "SESSION_NOT_FOUND"
    with pytest.raises(BadRequest):
        await search.search(desk.person(), "session:main", session="other")


async def test_an_agents_name_is_the_same_in_any_case(desk: Desk, search: LogSearch) -> None:
    assert places(await search.search(desk.person(), "agent:worker,GONE")) == [("", 1), ("other", 1)]
    assert places(await search.search(desk.person(), "-agent:lead -agent:Gone")) == [("other", 1)]


async def test_an_agent_finds_lines_of_its_own_session_only(desk: Desk, search: LogSearch) -> None:
    me = desk.acting_as(await desk.idle("Me"))
    assert {name for name, _ in places(await search.search(me, "build"))} == {"main"}
    assert await search.facets(me, "", Facet.AGENT) == await search.facets(me, "", Facet.AGENT, session="main")
    assert sum(bucket.count for bucket in await search.histogram(me, "")) == 10
    for text, session in (("session:other", None), ("", "other")):
        with pytest.raises(NotFound):
            await search.search(me, text, session=session)


async def test_another_workspace_finds_nothing(desk: Desk, search: LogSearch) -> None:
    stranger = a_person(type(desk.workspace)(f"other-{uuid4().hex}"))
    assert places(await search.search(stranger, "")) == []
    with pytest.raises(NotFound):
        await search.search(stranger, "", session=desk.session.id)


async def test_counts_over_time_and_by_value(desk: Desk, search: LogSearch) -> None:
    buckets = await search.histogram(desk.person(), "session:main", buckets=5)
    assert (sum(b.count for b in buckets), sum(b.failed for b in buckets)) == (10, 1)
    kinds = await search.facets(desk.person(), "session:main", Facet.KIND)
    assert [(each.value, each.count) for each in kinds] == [("text", 9), ("command", 1)]
    sessions = await search.facets(desk.person(), "", Facet.SESSION)
    assert {(each.name, each.count) for each in sessions} == {("main", 10), ("other", 1), ("", 1)}


async def test_a_search_that_cannot_be_read_points_at_the_column(desk: Desk, search: LogSearch) -> None:
    with pytest.raises(InvalidQuery) as refused:
        await search.search(desk.person(), "kind:comand")
    assert refused.value.details == {"column": 6, "problem": refused.value.problem}
    with pytest.raises(BadRequest):
        await search.search(desk.person(), "x" * 5000)


async def test_without_a_log_store_the_refusal_says_how_to_get_one(desk: Desk) -> None:
    search = LogSearch(None, Sessions(desk.adapters.registry, desk.adapters.log))
    with pytest.raises(NotConfigured, match="RELAYCAST_CLICKHOUSE_URL") as refused:
        await search.search(desk.person(), "x")
    assert (refused.value.code, refused.value.retryable) == ("LOG_STORE_NOT_CONFIGURED", False)


async def test_a_machines_token_does_not_search(desk: Desk, search: LogSearch) -> None:
    machine = a_person(desk.workspace, kind=TokenKind.PROXY)
    for asked in (search.search(machine, ""), search.histogram(machine, ""), search.facets(machine, "", Facet.KIND)):
        with pytest.raises(NotPermitted):
            await asked
