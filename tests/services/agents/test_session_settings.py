"""Renaming sessions, and putting them away."""

from __future__ import annotations

import pytest

from broker.app import Adapters
from broker.domain.audit.records import read_record
from broker.domain.errors import BadRequest, Conflict, NotFound, NotPermitted
from broker.domain.people.access import MemberRole, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.services.agents.sessions import Sessions
from tests.fixtures.desk import Desk, a_person


@pytest.fixture
def sessions(adapters: Adapters) -> Sessions:
    return Sessions(adapters.registry, adapters.log)


def who_may_not(desk: Desk) -> list[Principal]:
    viewer = a_person(desk.workspace, kind=TokenKind.MEMBER, role=MemberRole.VIEWER)
    share = a_person(desk.workspace, kind=TokenKind.OBSERVER, session=desk.session.id)
    return [viewer, share, a_person(desk.workspace, kind=TokenKind.AGENT, session=desk.session.id)]


async def acts(desk: Desk) -> list[tuple[str, str | None, str | None]]:
    entries = await desk.adapters.audit.after(desk.workspace, 0, limit=100)
    return [(record.act, record.before, record.after) for record in map(read_record, entries)]


async def test_a_renamed_session_keeps_its_id_and_log_and_frees_its_name(desk: Desk, sessions: Sessions) -> None:
    person, was = desk.person(), desk.session
    renamed = await sessions.rename(person, was, "api")
    assert (renamed.id, renamed.name, renamed.epoch) == (was.id, "api", was.epoch)
    assert (await sessions.get(person, "api")).id == was.id
    with pytest.raises(NotFound):
        await sessions.get(person, was.name)
    assert (await sessions.create(person, was.name)).id != was.id
    (told,) = await desk.events("session.renamed")
    assert told["data"] == {"name": "api", "was": was.name, "by": person.name}


async def test_a_name_that_another_session_has_is_refused_and_its_own_changes_nothing(
    desk: Desk, sessions: Sessions
) -> None:
    await sessions.create(desk.person(), "taken")
    with pytest.raises(Conflict) as refused:
        await sessions.rename(desk.person(), desk.session, "taken")
    assert refused.value.code == "NAME_TAKEN"
    with pytest.raises(BadRequest):
        await sessions.rename(desk.person(), desk.session, "no spaces")
    await sessions.rename(desk.person(), desk.session, desk.session.name)
    assert await desk.events("session.renamed") == []


async def test_a_session_is_put_away_once_its_agents_have_ended_and_comes_back_with_the_next(
    desk: Desk, sessions: Sessions
) -> None:
    agent = await desk.idle("Worker")
    with pytest.raises(Conflict) as refused:
        await sessions.archive(desk.person(), desk.session, archived=True)
    assert refused.value.code == "SESSION_HAS_AGENTS"
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="Ann")
    await desk.exited(agent, expected=True)
    for _ in range(2):
        assert (await sessions.archive(desk.person(), desk.session, archived=True)).archived
    assert len(await desk.events("session.archived")) == 1
    await desk.spawn("Another")
    assert not (await sessions.get(desk.person(), desk.session.id)).archived


async def test_it_is_taken_back_on_request_and_when_an_agent_is_brought_back(desk: Desk, sessions: Sessions) -> None:
    agent = await desk.idle("Worker")
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="Ann")
    await desk.exited(agent, expected=True)
    await sessions.archive(desk.person(), desk.session, archived=True)
    assert not (await sessions.archive(desk.person(), desk.session, archived=False)).archived
    await sessions.archive(desk.person(), desk.session, archived=True)
    await desk.adapters.mailroom.resume(desk.workspace, desk.session.id, agent.id, by="Ann", plan=desk.plan)
    assert not (await sessions.get(desk.person(), desk.session.id)).archived


async def test_both_are_in_the_audit_trail(desk: Desk, sessions: Sessions) -> None:
    before = len(await acts(desk))
    await sessions.rename(desk.person(), desk.session, "api")
    await sessions.archive(desk.person(), desk.session, archived=True)
    await sessions.archive(desk.person(), desk.session, archived=False)
    assert (await acts(desk))[before:] == [
        ("session.renamed", desk.session.name, "api"),
        ("session.archived", None, "1"),
        ("session.archived", "1", None),
    ]


async def test_who_only_looks_and_agents_do_neither(desk: Desk, sessions: Sessions) -> None:
    for caller in who_may_not(desk):
        with pytest.raises(NotPermitted):
            await sessions.rename(caller, desk.session, "mine")
        with pytest.raises(NotPermitted):
            await sessions.archive(caller, desk.session, archived=True)
