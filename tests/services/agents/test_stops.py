"""Who may stop and resume what, and what they are told."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from broker.app import Adapters
from broker.domain.agents.stops import MAX_NOTE, WORKSPACE, Place, Stop, StopHow, StopScope, stop_over
from broker.domain.errors import BadRequest, Conflict, NotFound, NotPermitted
from broker.domain.ids import LinkId, MemberId, ProxyId, SessionId, TokenId
from broker.domain.people.access import MemberRole, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.services.agents.stops import Stops
from broker.services.redaction import Redaction
from tests.fixtures.desk import Desk, a_hello, a_person


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A session with a machine that is linked."""

    stops: Stops
    desk: Desk

    def caller(self, kind: TokenKind, role: MemberRole | None = None, **more: Any) -> Principal:
        member = MemberId("ada") if role else None
        return a_person(
            self.desk.workspace, kind=kind, token_id=TokenId("t"), name="Ada", role=role, member=member, **more
        )

    async def stop(self, caller: Principal, scope: StopScope, *, note: str = "") -> Stop:
        match scope:
            case StopScope.SESSION:
                return await self.stops.stop_session(caller, self.desk.session, note=note)
            case StopScope.MACHINE:
                return await self.stops.stop_machine(caller, "laptop", note=note)
            case StopScope.WORKSPACE:
                return await self.stops.stop_workspace(caller, note=note)

    async def resume(self, caller: Principal, scope: StopScope) -> Stop | None:
        match scope:
            case StopScope.SESSION:
                return await self.stops.resume_session(caller, self.desk.session)
            case StopScope.MACHINE:
                return await self.stops.resume_machine(caller, self.desk.link)
            case StopScope.WORKSPACE:
                return await self.stops.resume_workspace(caller)


@pytest.fixture
async def scene(desk: Desk, adapters: Adapters) -> Scene:
    await link(desk, "machine-1", ProxyId(desk.link))
    return Scene(desk=desk, stops=Stops(adapters.stops, adapters.registry, Redaction(adapters.redaction_rules)))


async def link(desk: Desk, machine: str, proxy: ProxyId) -> None:
    await desk.adapters.registry.link_machine(
        desk.workspace, machine, new_id=proxy, token=TokenId("t"), member=None, take=False
    )


CALLERS: list[tuple[TokenKind, MemberRole | None, set[StopScope]]] = [
    (TokenKind.WORKSPACE, None, {*StopScope}),
    (TokenKind.MEMBER, MemberRole.OWNER, {*StopScope}),
    (TokenKind.MEMBER, MemberRole.ADMIN, {*StopScope}),
    (TokenKind.MEMBER, MemberRole.MEMBER, {StopScope.SESSION}),
    (TokenKind.MEMBER, MemberRole.VIEWER, set()),
    (TokenKind.AGENT, None, set()),
    (TokenKind.PROXY, None, set()),
    (TokenKind.OBSERVER, None, set()),
]


@pytest.mark.parametrize("scope", StopScope)
@pytest.mark.parametrize(("kind", "role", "may"), CALLERS)
async def test_who_may_stop_and_resume(
    scene: Scene, scope: StopScope, kind: TokenKind, role: MemberRole | None, may: set[StopScope]
) -> None:
    caller = scene.caller(kind, role)
    if scope not in may:
        with pytest.raises(NotPermitted):
            await scene.stop(caller, scope)
        made = await scene.stop(scene.desk.person(), scope)
        with pytest.raises(NotPermitted):
            await scene.resume(caller, scope)
        assert await scene.stops.standing(scene.desk.person()) == [made]
        return
    made = await scene.stop(caller, scope)
    assert (made.by, made.place.scope) == ("Ada", scope)
    assert await scene.resume(caller, scope) == made
    assert await scene.stops.standing(scene.desk.person()) == []


async def test_an_agent_may_not_whoever_spawned_it(scene: Scene) -> None:
    agent = scene.desk.acting_as(await scene.desk.idle("Lead"))
    for scope in StopScope:
        with pytest.raises(NotPermitted, match="an agent may neither stop nor resume"):
            await scene.stop(agent, scope)


async def test_a_note_is_on_one_line_masked_and_bounded(scene: Scene) -> None:
    secret = "ghp_" + "a1B2" * 9
    made = await scene.stop(scene.desk.person(), StopScope.SESSION, note=f" it prints\n  {secret} ")
    assert made.note.startswith("it prints ")
    assert secret not in made.note
    with pytest.raises(BadRequest):
        await scene.stop(scene.desk.person(), StopScope.SESSION, note="x" * (MAX_NOTE + 1))


async def test_a_machine_is_found_by_id_or_by_a_name_that_only_one_has(scene: Scene, desk: Desk) -> None:
    made = await scene.stops.stop_machine(desk.person(), "laptop")
    assert (made.place, made.name) == (Place(scope=StopScope.MACHINE, id=ProxyId(desk.link)), "laptop")
    with pytest.raises(NotFound):
        await scene.stops.stop_machine(desk.person(), "nowhere")
    await link(desk, "machine-2", ProxyId("proxy-2"))
    await desk.adapters.links.attach(
        desk.workspace,
        LinkId("proxy-2"),
        a_hello(machine_id="machine-2", spool_id="spool-2"),
        session=desk.session.id,
        epoch="box-epoch-2",
    )
    with pytest.raises(Conflict, match="several machines are called"):
        await scene.stops.stop_machine(desk.person(), "laptop")
    assert await scene.stops.resume_machine(desk.person(), desk.link) == made


async def test_one_who_sees_a_session_alone_sees_what_is_over_it_alone(scene: Scene, desk: Desk) -> None:
    other = await desk.adapters.registry.create_session(
        desk.workspace, SessionId(desk.new_session_id()), name="other", epoch="e"
    )
    for scope in StopScope:
        await scene.stop(desk.person(), scope)
    guest = scene.caller(TokenKind.OBSERVER, session=other.id)
    assert [stop.place for stop in await scene.stops.standing(guest)] == [WORKSPACE]
    everything = [stop.place.scope for stop in await scene.stops.standing(desk.person())]
    assert everything == [StopScope.WORKSPACE, StopScope.MACHINE, StopScope.SESSION]


def a_stop(place: Place) -> Stop:
    return Stop(
        id=str(place),
        place=place,
        name="",
        how=StopHow.PAUSE,
        by="Ada",
        member=None,
        note="",
        at_ms=0,
        agents=0,
        interrupted=0,
        finished=True,
    )


def test_the_widest_stop_is_the_one_that_is_told() -> None:
    session = Place(scope=StopScope.SESSION, id=SessionId("s"))
    machine = Place(scope=StopScope.MACHINE, id=ProxyId("m"))
    stops = [a_stop(place) for place in (session, machine, WORKSPACE)]
    found = [stop_over(stops[:count], session=SessionId("s"), machine=ProxyId("m")) for count in range(len(stops) + 1)]
    assert [stop.place if stop else None for stop in found] == [None, session, machine, WORKSPACE]
    assert stop_over(stops[:2], session=SessionId("t")) is None


async def test_a_machine_is_stopped_by_its_owner_and_by_no_other_member(scene: Scene, desk: Desk) -> None:
    await desk.adapters.registry.link_machine(
        desk.workspace, "machine-3", new_id=ProxyId("proxy-3"), token=TokenId("t3"), member=MemberId("ada"), take=False
    )
    await desk.adapters.links.attach(
        desk.workspace,
        LinkId("proxy-3"),
        a_hello(machine_id="machine-3", spool_id="spool-3", name="adas"),
        session=desk.session.id,
        epoch="box-epoch-3",
    )
    ada = scene.caller(TokenKind.MEMBER, MemberRole.MEMBER)
    bob = replace(ada, member=MemberId("bob"), name="Bob")
    made = await scene.stops.stop_machine(ada, "adas")
    for refused in (scene.stops.stop_machine, scene.stops.resume_machine):
        with pytest.raises(NotPermitted):
            await refused(bob, "adas")
    assert await scene.stops.resume_machine(ada, "adas") == made
