"""Groups, and private sessions: who sees and drives them, at the next act and in what is open already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest

from broker.app import Adapters, build_services
from broker.domain.agents.sessions import Session
from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.audit.acts import Act
from broker.domain.audit.records import AuditFilter
from broker.domain.errors import BadRequest, Conflict, NotFound, NotPermitted, RelayError
from broker.domain.ids import AgentId, ApprovalId, MessageId, WorkspaceId
from broker.domain.needs.needs import NeedKind
from broker.domain.people.access import Credential, MemberRole, Principal
from broker.domain.people.members import Member
from broker.domain.people.privacy import MAX_NAMED, Level
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.services.container import Services
from broker.services.people.access import new_token
from broker.settings import Settings
from tests.fixtures.commands import counted
from tests.fixtures.desk import Desk


@dataclass(slots=True, kw_only=True)
class Scene:
    """A private session with an agent and an approval that waits, and people around it."""

    services: Services
    adapters: Adapters
    desk: Desk
    key: Principal
    ids: dict[str, str]

    @property
    def session(self) -> Session:
        return self.desk.session

    async def member(self, name: str, role: MemberRole = MemberRole.MEMBER) -> tuple[Member, str]:
        """A person, and their token."""
        member = await self.services.members.add(self.key, name=name, role=role)
        code = await self.services.sign_in.invite(self.key, member)
        return member, await self.services.sign_in.redeem(code.code, address="192.0.2.7")

    async def caller(self, token: str) -> Principal:
        return await self.services.access.authenticate(Credential(token=token, workspace=self.key.workspace))

    async def open_to(self, people: dict[str, Level] | None = None, groups: dict[str, Level] | None = None) -> None:
        await self.services.groups.set_access(self.key, self.session, people=people or {}, groups=groups or {})

    async def send(self, principal: Principal) -> None:
        await self.services.router.send(principal, self.session, to="Bob", text="hello")


@pytest.fixture
async def scene(adapters: Adapters, desk: Desk, workspace: WorkspaceId) -> Scene:
    services = build_services(Settings(), adapters)
    token = new_token(TokenKind.WORKSPACE)
    await services.access.adopt_workspace(token, workspace=workspace, name="acme", plan=Plan.TEAM)
    bob = await desk.idle("Bob")
    key = await services.access.authenticate(token)
    message, _ = await desk.send("Bob")
    asked = await desk.ask(bob, "1")
    ids = {"agent": bob.id, "message": message, "approval": asked}
    return Scene(services=services, adapters=adapters, desk=desk, key=key, ids=ids)


LookUp = Callable[[Scene, Principal, dict[str, str]], Awaitable[object]]
LOOK_UPS: dict[str, LookUp] = {
    "a session by id": lambda scene, caller, ids: scene.services.sessions.look_up(caller, ids["session"]),
    "a session by name": lambda scene, caller, ids: scene.services.sessions.look_up(caller, ids["name"]),
    "a session of the broker": lambda scene, caller, ids: scene.services.sessions.by_id(caller, ids["session"]),  # type: ignore[arg-type]
    "an agent": lambda scene, caller, ids: scene.services.sessions.agent_by_id(caller, AgentId(ids["agent"])),
    "a message": lambda scene, caller, ids: scene.services.router.trace_by_id(caller, MessageId(ids["message"])),
    "where a message is": lambda scene, caller, ids: scene.services.router.session_of(
        caller, MessageId(ids["message"])
    ),
    "an approval": lambda scene, caller, ids: scene.services.desk.get(caller, ApprovalId(ids["approval"])),
    "an answer": lambda scene, caller, ids: scene.services.desk.answer(
        caller, ApprovalId(ids["approval"]), ApprovalAnswer(verdict=Verdict.ALLOW)
    ),
}


@pytest.mark.parametrize("look_up", LOOK_UPS.values(), ids=LOOK_UPS.keys())
async def test_what_is_private_costs_and_says_what_is_not_there_does(scene: Scene, look_up: LookUp) -> None:
    await scene.open_to()
    _, token = await scene.member("Ada")
    ada = await scene.caller(token)
    real = {**scene.ids, "session": scene.session.id, "name": scene.session.name}
    none = {name: f"no-{text}" if name == "name" else str(uuid4()) for name, text in real.items()}
    none["session"] = uuid4().hex
    told, cost = [], []
    for ids in (real, none, real, none):  # the first time loads what is loaded once
        with counted(scene.adapters) as calls, pytest.raises(NotFound) as caught:
            await look_up(scene, ada, ids)
        message = caught.value.message
        for name, text in ids.items():
            message = message.replace(text, name)
        told.append((caught.value.code, message))
        cost.append(dict(calls))
    assert told[2] == told[3]
    assert cost[2] == cost[3] != {}


async def test_lists_show_only_what_the_caller_sees(scene: Scene) -> None:
    _, token = await scene.member("Ada")
    ada = await scene.caller(token)
    await scene.services.sessions.create(scene.key, "open")
    assert len(await scene.services.sessions.visible(ada)) == 2
    assert (await scene.services.desk.waiting(ada)).total == 1
    await scene.open_to()
    ada = await scene.caller(token)
    assert [each.name for each in await scene.services.sessions.visible(ada)] == ["open"]
    assert await scene.services.sessions.all_by_id(ada, [scene.session.id]) == {}
    assert await scene.services.sessions.agents_of(ada, [scene.session.id]) == {}
    waiting = await scene.services.desk.waiting(ada)
    assert (waiting.approvals, waiting.total, waiting.next) == ([], 0, None)
    assert (await scene.services.desk.waiting(scene.key)).total == 1
    assert ada.hidden == {scene.session.id}


async def test_what_needs_somebody_in_a_private_session_is_shown_to_whom_it_is_open(scene: Scene) -> None:
    _, token = await scene.member("Ada")
    agent = await scene.desk.spawn("Carol")
    await scene.desk.due(f"spawn|{agent.id}|{agent.generation}")  # its machine could not start it
    await scene.open_to()
    assert await scene.services.needs.standing(await scene.caller(token)) == ()
    kinds = {each.kind for each in await scene.services.needs.standing(scene.key)}
    assert kinds >= {NeedKind.APPROVAL, NeedKind.FAILED_AGENT}


@pytest.mark.parametrize("role", [MemberRole.OWNER, MemberRole.ADMIN])
async def test_who_administers_sees_and_drives_every_session(scene: Scene, role: MemberRole) -> None:
    await scene.open_to()
    _, token = await scene.member("Ada", role)
    ada = await scene.caller(token)
    await scene.send(ada)
    assert ada.hidden == frozenset()


async def test_a_viewer_of_a_session_reads_and_does_nothing_there(scene: Scene) -> None:
    ada, token = await scene.member("Ada")
    await scene.open_to({ada.id: Level.VIEWER})
    caller = await scene.caller(token)
    services, session = scene.services, scene.session
    assert (await services.sessions.look_up(caller, "main")).id == session.id
    agent = await services.sessions.agent_by_id(caller, AgentId(scene.ids["agent"]))
    deeds: list[Awaitable[object]] = [
        scene.send(caller),
        services.spawner.release(caller, session, "Bob"),
        services.spawner.release_agent(caller, agent),
        services.spawner.interrupt_agent(caller, agent),
        services.spawner.resume_agent(caller, agent),
        services.router.join(caller, session, channel="#dev", agent="Bob"),
        services.stops.stop_session(caller, session),
        services.desk.answer(caller, ApprovalId(scene.ids["approval"]), ApprovalAnswer(verdict=Verdict.ALLOW)),
    ]
    for deed in deeds:
        with pytest.raises(NotPermitted, match="you may look at this private session"):
            await deed


async def test_a_driver_by_a_group_does_what_their_role_allows(scene: Scene) -> None:
    ada, token = await scene.member("Ada")
    vera, of_vera = await scene.member("Vera", MemberRole.VIEWER)
    for member in (ada, vera):
        crew = await scene.services.groups.create(scene.key, f"Crew of {member.name}")
        await scene.services.groups.change(scene.key, crew.name, member.name, joins=True)
        await scene.open_to({member.id: Level.VIEWER}, {crew.name.upper(): Level.DRIVER})
        if member is ada:
            await scene.send(await scene.caller(token))  # the most that somebody is given counts
    with pytest.raises(NotPermitted, match="the role viewer may not send"):
        await scene.send(await scene.caller(of_vera))


End = Callable[[Scene, Member], Awaitable[object]]
ENDS: dict[str, End] = {
    "taken out of the group": lambda scene, ada: scene.services.groups.change(scene.key, "Crew", ada.id, joins=False),
    "the group removed": lambda scene, _: scene.services.groups.remove(scene.key, "Crew"),
    "the session closed to the group": lambda scene, _: scene.open_to(),
    "the group made viewers": lambda scene, _: scene.open_to(groups={"Crew": Level.VIEWER}),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
async def test_a_caller_who_was_read_before_may_no_longer_act_after(scene: Scene, end: End) -> None:
    """Nothing is listened to: it is so while pub/sub is cut."""
    ada, token = await scene.member("Ada")
    await scene.services.groups.create(scene.key, "Crew")
    await scene.services.groups.change(scene.key, "Crew", ada.id, joins=True)
    await scene.open_to(groups={"Crew": Level.DRIVER})
    remembered = await scene.caller(token)
    await scene.send(remembered)
    sent = len(await scene.desk.events("message.accepted"))
    other = build_services(Settings(), scene.adapters)  # a gateway that knows of it, while this one does not
    await end(Scene(services=other, adapters=scene.adapters, desk=scene.desk, key=scene.key, ids={}), ada)
    with pytest.raises(NotPermitted):
        await scene.send(remembered)
    assert len(await scene.desk.events("message.accepted")) == sent


async def test_what_a_token_of_a_person_sees_is_what_the_person_sees(scene: Scene) -> None:
    ada, _ = await scene.member("Ada")
    services = scene.services
    _, of_nobody = await services.access.mint(scene.key, kind=TokenKind.OBSERVER, name="o")
    await scene.open_to({ada.id: Level.DRIVER})
    observer = await services.access.authenticate(of_nobody)
    with pytest.raises(NotFound):
        await services.sessions.look_up(observer, "main")
    _, share = await services.access.share(scene.key, scene.session)
    assert (await services.sessions.look_up(await services.access.authenticate(share), "main")).id == scene.session.id


async def test_a_member_makes_a_private_session_and_lets_others_in(scene: Scene) -> None:
    ada, of_ada = await scene.member("Ada")
    _, of_bea = await scene.member("Bea")
    made = await scene.services.sessions.create(await scene.caller(of_ada), "plans", private=True)
    shown = await scene.services.groups.access(await scene.caller(of_ada), made)
    assert (shown.private, [(m.id, level) for m, level in shown.people]) == (True, [(ada.id, Level.DRIVER)])
    with pytest.raises(NotFound):
        await scene.services.sessions.get(await scene.caller(of_bea), "plans")
    with pytest.raises(Conflict) as caught:
        await scene.services.sessions.create(await scene.caller(of_bea), "plans")
    assert caught.value.code == "NAME_TAKEN"
    groups = scene.services.groups
    await groups.set_access(await scene.caller(of_ada), made, people={"Bea": Level.VIEWER}, groups={})
    bea = await scene.caller(of_bea)
    assert (await scene.services.sessions.get(bea, "plans")).id == made.id
    assert ada.id in {m.id for m, _ in (await groups.access(bea, made)).people}, "who changes it stays its driver"
    with pytest.raises(NotPermitted):
        await groups.set_access(bea, made, people={}, groups={})


async def test_a_member_makes_no_open_session_private(scene: Scene) -> None:
    _, token = await scene.member("Ada")
    with pytest.raises(NotPermitted, match="ask an administrator"):
        await scene.services.groups.set_access(await scene.caller(token), scene.session, people={}, groups={})


async def test_groups_have_names_of_their_own_and_go_with_their_people(scene: Scene) -> None:
    groups = scene.services.groups
    crew = await groups.create(scene.key, "  Crew   One ")
    assert (crew.name, crew.size) == ("Crew One", 0)
    with pytest.raises(Conflict) as caught:
        await groups.create(scene.key, "CREW one")
    assert caught.value.code == "NAME_TAKEN"
    assert (await groups.rename(scene.key, crew.id, "Crew Two")).name == "Crew Two"
    await groups.create(scene.key, "Crew One")
    assert [each.name for each in (await groups.page(scene.key)).found] == ["Crew One", "Crew Two"]
    ada, _ = await scene.member("Ada")
    for _ in range(2):
        assert (await groups.change(scene.key, "crew two", "ada", joins=True)).size == 1
        assert [each.id for each in (await groups.members(scene.key, "Crew Two")).found] == [ada.id]
    await scene.services.members.remove(scene.key, ada.id)
    assert (await groups.get(scene.key, "Crew Two")).size == 0
    for wrong in ("", "a/b", "x" * 500):
        with pytest.raises(BadRequest):
            await groups.create(scene.key, wrong)


async def test_what_names_nobody_is_refused_and_so_is_too_much(scene: Scene) -> None:
    groups = scene.services.groups
    for people, chosen in (({"Nobody": Level.VIEWER}, {}), ({}, {"None": Level.VIEWER})):
        with pytest.raises(NotFound):
            await groups.set_access(scene.key, scene.session, people=people, groups=chosen)
    ada, _ = await scene.member("Ada")
    made = [await groups.create(scene.key, f"Group {n}") for n in range(MAX_NAMED)]
    with pytest.raises(BadRequest, match="make a group"):
        await groups.set_access(
            scene.key,
            scene.session,
            people={ada.id: Level.VIEWER},
            groups={each.id: Level.VIEWER for each in made},
        )


async def test_each_change_is_in_the_audit_trail_once(scene: Scene) -> None:
    ada, _ = await scene.member("Ada")
    groups = scene.services.groups
    crew = await groups.create(scene.key, "Crew")
    for _ in range(2):
        await groups.rename(scene.key, crew.id, "Team")
        await groups.change(scene.key, crew.id, ada.id, joins=True)
        await scene.open_to(groups={crew.id: Level.DRIVER})
    await groups.change(scene.key, crew.id, ada.id, joins=False)
    await groups.remove(scene.key, crew.id)
    await groups.set_access(scene.key, scene.session, people=None, groups=None)
    page = await scene.services.audit.page(scene.key, AuditFilter())
    acts = [each.act for each in page.records if each.act.startswith(("group.", "session.access"))]
    assert acts[::-1] == [
        Act.GROUP_CREATED,
        Act.GROUP_RENAMED,
        Act.GROUP_JOINED,
        Act.SESSION_ACCESS_CHANGED,
        Act.GROUP_LEFT,
        Act.GROUP_REMOVED,
        Act.SESSION_ACCESS_CHANGED,
    ]


async def test_nobody_of_another_workspace_is_let_in(scene: Scene, adapters: Adapters) -> None:
    other = WorkspaceId(f"other-{uuid4().hex}")
    token = new_token(TokenKind.WORKSPACE)
    await scene.services.access.adopt_workspace(token, workspace=other, name="other", plan=Plan.TEAM)
    stranger = await scene.services.access.authenticate(token)
    group = await scene.services.groups.create(stranger, "Theirs")
    with pytest.raises(RelayError) as caught:
        await scene.open_to(groups={group.id: Level.DRIVER})
    assert caught.value.code == "GROUP_NOT_FOUND"
