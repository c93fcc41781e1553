"""Edited files of a session, newest first, wherever they are kept, with the turns they belong to."""

from collections.abc import Iterator
from typing import Any

import pytest

from broker.domain.agents.agents import Agent
from broker.domain.errors import BadRequest, NotFound, NotPermitted
from broker.domain.logs.events import Cursor
from broker.domain.logs.file_changes import FileChange, FileChanges
from broker.domain.people.token_kinds import TokenKind
from broker.protocol.agents.events import TurnEnded, TurnOutcome, TurnStarted
from broker.protocol.proxy import FrameRecorded
from broker.services.logs.file_history import FileHistory
from broker.services.logs.reader import LogReader
from broker.services.ports import LogStore
from tests.fixtures.desk import Desk, a_person
from tests.fixtures.log_store import open_embedded, ship


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStore]:
    with open_embedded(tmp_path_factory.mktemp("logs")) as opened:
        yield opened


@pytest.fixture
async def history(desk: Desk, store: LogStore) -> FileHistory:
    """Of two agents that edit in turns at the same time; the first half is shipped and gone from the tail."""
    ada, bob = await desk.idle("Ada"), await desk.idle("Bob")
    await edit(desk, ada, "before-any-turn")
    await begin(desk, ada, "a1")
    await edit(desk, ada, "one")
    await begin(desk, bob, "b1")
    await edit(desk, bob, "two")
    await edit(desk, ada, "three", "four")
    await end(desk, ada, "a1")
    await ship(desk, store, keep=3)
    await edit(desk, ada, "between")
    await begin(desk, ada, "a2")
    await edit(desk, bob, "five")
    await edit(desk, ada, "six")
    return FileHistory(LogReader(desk.adapters.tail, store))


async def edit(desk: Desk, agent: Agent, *paths: str) -> None:
    changes = [{"path": path, "change": "update", "diff": f"+{path}"} for path in paths]
    await frame(desk, agent, {"type": "files", "call_id": "1", "changes": changes})
    await frame(desk, agent, {"type": "text", "text": "done"})


async def frame(desk: Desk, agent: Agent, *contents: dict[str, Any]) -> None:
    about: dict[str, Any] = {"direction": "out", "frame_type": "user", "raw": {}}
    await desk.report(FrameRecorded(agent=agent.id, generation=agent.generation, events=[*contents], **about))


async def begin(desk: Desk, agent: Agent, turn: str) -> None:
    await desk.state(agent, TurnStarted(turn_id=turn, message_id=None))


async def end(desk: Desk, agent: Agent, turn: str) -> None:
    await desk.state(agent, TurnEnded(turn_id=turn, outcome=TurnOutcome.COMPLETED, message_ids=(), text=""))


def told(changes: list[FileChanges]) -> list[tuple[str, str | None, list[str]]]:
    return [(each.agent, each.turn, [change.path for change in each.changes]) for each in changes]


ALL_CHANGES = [
    ("Ada", "a2", ["six"]),
    ("Bob", "b1", ["five"]),
    ("Ada", None, ["between"]),
    ("Ada", "a1", ["three", "four"]),
    ("Bob", "b1", ["two"]),
    ("Ada", "a1", ["one"]),
    ("Ada", None, ["before-any-turn"]),
]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("agent", [None, "ada", "Bob", "Nobody"])
async def test_pages_give_every_change_once_with_its_turn(
    desk: Desk, history: FileHistory, limit: int, agent: str | None
) -> None:
    found: list[FileChanges] = []
    before: Cursor | None = None
    while True:
        page = await history.of_session(desk.person(), desk.session, agent=agent, before=before, limit=limit)
        assert len(page.changes) <= limit
        found, before = found + page.changes, page.next
        if before is None:
            break
    assert told(found) == [each for each in ALL_CHANGES if agent is None or each[0].lower() == agent.lower()]


async def test_a_change_has_its_diff_and_its_place(desk: Desk, history: FileHistory) -> None:
    newest = (await history.of_session(desk.person(), desk.session)).changes[0]
    assert newest.changes == (FileChange(path="six", change="update", diff="+six"),)
    again = await history.of_session(desk.person(), desk.session, before=newest.cursor, limit=1)
    assert told(again.changes) == ALL_CHANGES[1:2]


@pytest.mark.parametrize("kind", ["turn.started", "turn.ended"])
async def test_a_turn_is_known_by_its_start_or_its_end(
    desk: Desk, history: FileHistory, store: LogStore, kind: str
) -> None:
    reader = LogReader(desk.adapters.tail, store)
    expected = {
        "a1": [("Ada", "a1", ["one"]), ("Ada", "a1", ["three", "four"])],
        "b1": [("Bob", "b1", ["two"]), ("Bob", "b1", ["five"])],
        "a2": [("Ada", "a2", ["six"])],
    }
    events = await reader.recent(desk.person(), desk.session, name=None, limit=1000)
    turns = [event for event in events if event["kind"] == kind]
    assert len(turns) == (3 if kind == "turn.started" else 1)
    for event in turns:
        place = Cursor(event["epoch"], event["offset"])
        changes = await history.of_turn(desk.person(), desk.session, event=place)
        assert told(changes) == expected[event["data"]["turn"]]


async def test_where_no_turn_starts_or_ends_there_is_none(desk: Desk, history: FileHistory) -> None:
    head = await desk.adapters.tail.head(desk.workspace, desk.session.id)
    with pytest.raises(BadRequest):
        await history.of_turn(desk.person(), desk.session, event=head)
    for place in (Cursor("other", 3), Cursor(head.epoch, head.offset + 9)):
        with pytest.raises(NotFound):
            await history.of_turn(desk.person(), desk.session, event=place)


async def test_a_machine_is_not_told(desk: Desk, history: FileHistory) -> None:
    with pytest.raises(NotPermitted):
        await history.of_session(a_person(desk.workspace, kind=TokenKind.PROXY), desk.session)
