"""Finding sessions and agents: an id always wins over a name."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters
from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.errors import BadRequest, Conflict, NoPlacement, NotFound
from broker.domain.ids import MemberId, MessageId, SessionId, TokenId
from broker.domain.logs.search.fields import SESSION
from broker.domain.logs.search.language import parse
from broker.domain.people.access import MemberRole, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.services.agents.sessions import Sessions
from broker.services.agents.spawner import Spawner
from broker.services.live.hub import Hub
from broker.services.messages.router import Router
from broker.services.redaction import Redaction
from tests.fixtures.desk import Desk, a_person

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def sessions(adapters: Adapters) -> Sessions:
    return Sessions(adapters.registry, adapters.log)


async def named_before(desk: Desk, name: str) -> Session:
    """A session of an earlier version, which took any name."""
    made = SessionId(uuid.uuid4().hex)
    return await desk.adapters.registry.create_session(desk.workspace, made, name=name, epoch="e")


async def agent_named_before(desk: Desk, name: str) -> Agent:
    """The same for an agent."""
    return await desk.idle(name)


def spawner_of(adapters: Adapters) -> Spawner:
    return Spawner(
        adapters.mailroom,
        adapters.registry,
        adapters.log,
        members=adapters.members,
        hub=Hub(adapters.log, adapters.signals),
        redaction=Redaction(adapters.redaction_rules),
    )


def router_of(adapters: Adapters) -> Router:
    return Router(adapters.mailroom, adapters.registry, Redaction(adapters.redaction_rules))


def sees_only(desk: Desk, session: Session) -> Principal:
    return a_person(desk.workspace, kind=TokenKind.OBSERVER, token_id=TokenId("t"), session=session.id)


async def test_an_id_wins_over_a_name(desk: Desk, sessions: Sessions) -> None:
    impostor = await named_before(desk, desk.session.id)
    for person in (desk.person(), sees_only(desk, desk.session)):
        assert (await sessions.get(person, desk.session.id)).id == desk.session.id
        assert (await sessions.look_up(person, desk.session.id)).id == desk.session.id
        assert (await sessions.by_id(person, desk.session.id)).id == desk.session.id
    assert (await sessions.get(desk.person(), impostor.id)).id == impostor.id


async def test_a_session_is_not_named_like_an_id(desk: Desk, sessions: Sessions) -> None:
    for name in (desk.session.id, desk.session.id.upper(), str(uuid.uuid4()), uuid.uuid4().hex[:16]):
        with pytest.raises(BadRequest) as refused:
            await sessions.create(desk.person(), name)
        assert refused.value.code == "INVALID_NAME"


async def test_an_id_whose_session_is_gone_finds_no_other_and_makes_none(desk: Desk, sessions: Sessions) -> None:
    gone = uuid.uuid4().hex
    await named_before(desk, gone)
    for find in (sessions.get, sessions.look_up, sessions.get_or_make):
        with pytest.raises(NotFound):
            await find(desk.person(), gone)


async def test_by_id_takes_no_name(desk: Desk, sessions: Sessions) -> None:
    with pytest.raises(NotFound):
        await sessions.by_id(desk.person(), SessionId("main"))
    other = await named_before(desk, "other")
    with pytest.raises(NotFound):
        await sessions.by_id(sees_only(desk, other), desk.session.id)


async def test_an_agents_own_session_is_found_whatever_others_are_called(desk: Desk, sessions: Sessions) -> None:
    agent = await desk.idle("Worker")
    await named_before(desk, desk.session.id)
    assert (await sessions.create(desk.acting_as(agent), "anything")).id == desk.session.id


async def test_an_agents_id_wins_over_a_name(desk: Desk, sessions: Sessions) -> None:
    victim = await desk.idle("Victim")
    impostor = await agent_named_before(desk, victim.id)
    person = desk.person()
    assert (await sessions.agent(person, desk.session, victim.id)).id == victim.id
    assert (await sessions.agent(person, desk.session, impostor.id)).id == impostor.id
    spawner, router = spawner_of(desk.adapters), router_of(desk.adapters)
    sent = await router.send(person, desk.session, to=victim.id, text="for the victim")
    assert [each.agent_id for each in sent.deliveries] == [victim.id]
    await router.join(person, desk.session, channel="#dev", agent=victim.id)
    members = await desk.adapters.redis.smembers(keys.key(desk.workspace, "channel", desk.session.id, "#dev"))
    assert members == {victim.id}
    assert (await spawner.release(person, desk.session, victim.id)).id == victim.id
    await desk.exited(victim, expected=True)
    with pytest.raises(NotFound):
        await spawner.interrupt(person, desk.session, victim.id)
    with pytest.raises(NotFound):
        await router.send(person, desk.session, to=victim.id, text="nobody else gets this")
    assert (await spawner.release(person, desk.session, victim.id)).id == victim.id
    await desk.detach()
    with pytest.raises(NoPlacement, match="the machine of Victim"):
        await spawner.resume(person, desk.session, victim.id)
    assert (await desk.agent(impostor.id)).state.ended is False


async def test_an_agent_of_another_session_is_not_found_by_its_id(desk: Desk, sessions: Sessions) -> None:
    agent = await desk.idle("Worker")
    other = await named_before(desk, "other")
    with pytest.raises(NotFound):
        await sessions.agent(desk.person(), other, agent.id)
    with pytest.raises(NotFound):
        await spawner_of(desk.adapters).release(desk.person(), other, agent.id)


async def test_a_search_in_a_session_takes_an_id_for_an_id(desk: Desk, sessions: Sessions) -> None:
    await named_before(desk, desk.session.id)
    (asked,) = parse(f"session:{desk.session.id}", now=NOW).values(SESSION)
    assert (await sessions.get(desk.person(), asked)).id == desk.session.id


async def test_a_thread_is_the_id_of_a_message(desk: Desk) -> None:
    await desk.idle("Worker")
    with pytest.raises(BadRequest, match="thread"):
        await router_of(desk.adapters).send(
            desk.person(), desk.session, to="Worker", text="x", thread=MessageId("a\nrole=human")
        )


async def test_one_member_makes_so_many_sessions(
    desk: Desk, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.adapters.redis.agents.registry.MAX_SESSIONS_OF_ONE", 2)
    about: dict[str, Any] = {"kind": TokenKind.MEMBER, "role": MemberRole.MEMBER}
    ann = a_person(desk.workspace, token_id=TokenId("t1"), member=MemberId("ann"), **about)
    again = a_person(desk.workspace, token_id=TokenId("t2"), member=MemberId("ann"), **about)  # signed in once more
    first = await sessions.create(ann, "one")
    await sessions.create(again, "two")
    for person in (ann, again):
        with pytest.raises(Conflict) as refused:
            await sessions.create(person, "three")
        assert refused.value.code == "TOO_MANY_SESSIONS"
    assert (await sessions.create(ann, "one")).id == first.id
    await sessions.create(a_person(desk.workspace, token_id=TokenId("t3"), member=MemberId("bob"), **about), "bobs")
    for number in range(3):
        await sessions.create(desk.person(), f"operators-{number}")
    await desk.adapters.retention.remove_session(desk.workspace, first.id)
    await sessions.create(ann, "three")
