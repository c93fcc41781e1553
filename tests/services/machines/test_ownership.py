"""Whose a machine is: from its first link over its owner's removal to its adoption."""

import secrets
from dataclasses import dataclass, replace

import pytest

from broker.app import Adapters
from broker.domain.agents.agents import Agent, AgentState
from broker.domain.errors import Conflict, NotFound, NotPermitted
from broker.domain.ids import ProxyId, TokenId
from broker.domain.machines.ownership import MAX_MACHINES_OF_ONE
from broker.domain.machines.placement import Adoption, Proxy
from broker.domain.messages.steps import ReceiptState
from broker.domain.people.access import MemberRole, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.protocol.proxy import Spawn
from broker.services.agents.sessions import Sessions
from broker.services.agents.spawner import SpawnRequest
from broker.services.machines.linking import Linking
from broker.services.people.members import Members
from broker.services.ports import Attached
from tests.fixtures.accounts import accounts_of
from tests.fixtures.desk import Desk, a_hello, a_person
from tests.services.agents.test_sessions import spawner_of
from tests.services.machines.test_linking import linking_of


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A workspace with some people, each with a token for machines."""

    desk: Desk
    linking: Linking
    sessions: Sessions
    members: Members

    async def person(self, name: str, role: MemberRole = MemberRole.MEMBER) -> Principal:
        member = await self.members.add(self.key, name=name, role=role)
        return a_person(
            self.desk.workspace,
            kind=TokenKind.MEMBER,
            token_id=TokenId(secrets.token_hex(8)),
            name=name,
            person=True,
            member=member.id,
            role=role,
        )

    @property
    def key(self) -> Principal:
        return a_person(self.desk.workspace, person=True)

    def machine_token(self, person: Principal | None) -> Principal:
        """What a person's machine links with."""
        return a_person(
            self.desk.workspace,
            kind=TokenKind.PROXY,
            token_id=TokenId(secrets.token_hex(8)),
            name="machine",
            member=person.member if person else None,
        )

    async def list_token(self, token: Principal) -> None:
        """As people made it."""
        await self.desk.adapters.tokens.add(token, sha256=secrets.token_hex(32))

    async def link(self, token: Principal, machine: str, **hello: object) -> Attached:
        said = a_hello(**{"machine_id": machine, "name": machine, "session": "main", **hello})
        attached, _ = await self.linking.attach(token, said)
        return attached

    async def machine(self, name: str) -> Proxy:
        return await self.sessions.proxy(self.key, name)

    async def agent_on(self, attached: Attached, name: str) -> Agent:
        """One that is ready, the first of its machine."""
        self.desk.attached, self.desk.reported = attached, attached.reports_seen
        return await self.desk.ready(await self.desk.spawn(name, proxy=ProxyId(attached.link)))


@pytest.fixture
async def world(desk: Desk, adapters: Adapters) -> World:
    await adapters.workspaces.create(desk.workspace, name="w", plan=Plan.TEAM)
    return World(
        desk=desk,
        linking=linking_of(adapters),
        sessions=Sessions(adapters.registry, adapters.log),
        members=Members(adapters.members, adapters.tokens, accounts_of(adapters)),
    )


async def due(world: World, attached: Attached) -> None:
    """What a worker does for a machine whose owner was removed."""
    timer = f"orphaned|{attached.link}"
    assert timer in (await world.desk.adapters.timers.claim(world.desk.workspace))[0]
    await world.desk.due(timer)


async def test_a_machine_belongs_to_the_member_behind_the_token_that_linked_it(world: World) -> None:
    ann = await world.person("Ann")
    await world.link(world.machine_token(ann), "anns")
    await world.link(world.machine_token(None), "ours")
    anns, ours = await world.machine("anns"), await world.machine("ours")
    assert (anns.owner, anns.owner_name, anns.orphaned, anns.adoption) == (ann.member, "Ann", False, None)
    assert (ours.owner, ours.owner_name) == (None, None)


async def test_nobody_takes_another_ones_machine_over(world: World) -> None:
    ann, bob = await world.person("Ann"), await world.person("Bob", MemberRole.ADMIN)
    first = await world.link(world.machine_token(ann), "m")  # her token is revoked: it is not listed
    agent = await world.agent_on(first, "Worker")
    with pytest.raises(NotPermitted, match="--new-identity"):
        await world.link(world.machine_token(bob), "m", boot_id="copied")
    assert (await world.machine("m")).owner == ann.member
    assert await world.desk.state_of(agent) is AgentState.IDLE
    again = await world.link(world.machine_token(ann), "m")
    assert (again.link, again.fence) == (first.link, first.fence + 1)


async def test_the_workspaces_key_links_a_members_machine_and_leaves_it_theirs(world: World) -> None:
    ann = await world.person("Ann")
    first = await world.link(world.machine_token(ann), "m")
    assert (await world.link(world.key, "m")).link == first.link
    assert (await world.machine("m")).owner == ann.member


async def test_a_token_for_one_machine_links_no_other_and_makes_none(world: World) -> None:
    ann = await world.person("Ann")
    token = world.machine_token(ann)
    first = await world.link(token, "m")
    await world.link(token, "another")
    bound = replace(token, proxy=ProxyId(first.link))
    for machine in ("another", "new"):
        with pytest.raises(NotPermitted, match="another machine"):
            await world.link(bound, machine)
    with pytest.raises(NotFound):
        await world.machine("new")


async def test_one_token_links_so_many_machines(world: World) -> None:
    ann = await world.person("Ann")
    token = world.machine_token(ann)
    registry, workspace = world.desk.adapters.registry, world.desk.workspace
    for number in range(MAX_MACHINES_OF_ONE):
        await registry.link_machine(
            workspace,
            f"m{number}",
            new_id=ProxyId(f"p{number}"),
            token=token.token_id if number % 2 else TokenId("another of hers"),
            take=False,
            member=ann.member,
        )
    with pytest.raises(Conflict) as refused:
        await world.link(token, "one more")
    assert refused.value.code == "TOO_MANY_MACHINES"
    await world.link(token, "m1")
    await world.link(world.machine_token(await world.person("Bob")), "bobs")
    await world.link(world.key, "the operator's")


async def test_when_an_owner_is_removed_the_machine_is_cut_off_and_its_agents_end(world: World) -> None:
    ann, bob = await world.person("Ann"), await world.person("Bob")
    desk = world.desk
    anns, bobs = await world.link(world.machine_token(ann), "anns"), await world.link(world.machine_token(bob), "bobs")
    worker = await world.agent_on(anns, "Worker")
    other = await world.agent_on(bobs, "Other")
    message, _ = await desk.send("Worker")
    await desk.send("Worker", "waits")
    assert ann.member is not None
    await world.members.remove(world.key, ann.member)
    machine = await world.machine("anns")
    assert (machine.online, machine.orphaned, machine.owner, machine.owner_name) == (False, True, ann.member, None)
    assert not await world.linking.acknowledge(world.key, anns, 1)  # the connection before is not heard any more
    await due(world, anns)
    ended = await desk.agent(worker.id)
    assert (ended.state, ended.reason) == (AgentState.RELEASED, "owner_removed")
    (delivery,) = (await desk.trace(message)).deliveries
    assert (delivery.state, delivery.reason) == (ReceiptState.UNDELIVERABLE, "owner_removed")
    assert await desk.state_of(other) is AgentState.IDLE
    assert (await world.machine("bobs")).orphaned is False
    for token in (world.machine_token(ann), world.machine_token(bob), world.machine_token(None), world.key):
        with pytest.raises(NotPermitted) as refused:
            await world.link(token, "anns")
        assert refused.value.code == "OWNER_REMOVED"


async def test_all_agents_of_a_removed_owner_end_however_many(world: World) -> None:
    ann = await world.person("Ann")
    anns = await world.link(world.machine_token(ann), "anns")
    agents = [await world.desk.spawn(f"Worker{n}", proxy=ProxyId(anns.link)) for n in range(45)]
    assert ann.member is not None
    await world.members.remove(world.key, ann.member)
    for _ in range(3):
        await due(world, anns)
    states = {await world.desk.state_of(agent) for agent in agents}
    assert states == {AgentState.RELEASED}


async def test_an_adopted_machine_is_another_ones_once_it_agrees(world: World) -> None:
    ann, bob = await world.person("Ann"), await world.person("Bob", MemberRole.ADMIN)
    anns = await world.link(world.machine_token(ann), "m")
    agent = await world.agent_on(anns, "Worker")
    assert ann.member is not None
    await world.members.remove(world.key, ann.member)
    adopted = await world.sessions.adopt_proxy(bob, "m")
    assert (adopted.owner, adopted.orphaned, adopted.adoption) == (ann.member, True, Adoption(by=bob.member))
    with pytest.raises(NotPermitted, match="adopted"):
        await world.link(world.machine_token(None), "m")
    with pytest.raises(Conflict, match="being ended"):
        await world.link(world.machine_token(bob), "m")
    await due(world, anns)
    relinked = await world.link(world.machine_token(bob), "m")
    machine = await world.machine("m")
    assert (machine.id, machine.owner, machine.orphaned, machine.adoption) == (
        ProxyId(relinked.link),
        bob.member,
        False,
        None,
    )
    assert await world.desk.state_of(agent) is AgentState.RELEASED


async def test_an_operator_adopts_for_the_workspace(world: World) -> None:
    ann = await world.person("Ann")
    anns = await world.link(world.machine_token(ann), "m")
    assert ann.member is not None
    await world.members.remove(world.key, ann.member)
    assert (await world.sessions.adopt_proxy(world.key, "m")).adoption == Adoption(by=None)
    await due(world, anns)
    await world.link(world.key, "m")
    machine = await world.machine("m")
    assert (machine.owner, machine.orphaned, machine.adoption) == (None, False, None)


async def test_only_who_administers_adopts_and_only_what_nobody_owns(world: World) -> None:
    ann, bob = await world.person("Ann", MemberRole.ADMIN), await world.person("Bob")
    await world.link(world.machine_token(ann), "anns")
    await world.link(world.machine_token(None), "ours")
    with pytest.raises(Conflict) as refused:
        await world.sessions.adopt_proxy(world.key, "anns")
    assert refused.value.code == "PROXY_OWNED"
    with pytest.raises(NotPermitted):
        await world.sessions.adopt_proxy(bob, "ours")
    with pytest.raises(NotFound):
        await world.sessions.adopt_proxy(ann, "nothing")
    await world.sessions.adopt_proxy(ann, "ours")
    await world.link(world.machine_token(ann), "ours")
    assert (await world.machine("ours")).owner == ann.member


async def test_a_machine_is_forgotten_by_its_owner_and_by_who_administers(world: World) -> None:
    ann, bob = await world.person("Ann"), await world.person("Bob")
    admin = await world.person("Admin", MemberRole.ADMIN)
    for name, owner, by, stranger in (("m1", ann, ann, bob), ("m2", ann, admin, bob), ("m3", None, admin, ann)):
        token = world.machine_token(owner)
        attached = await world.link(token, name)
        await world.linking.detach(token, attached)
        with pytest.raises(NotPermitted, match="not your machine"):
            await world.sessions.forget_proxy(stranger, name)
        await world.sessions.forget_proxy(by, name)
        with pytest.raises(NotFound):
            await world.machine(name)


async def spawns(world: World, attached: Attached) -> list[Spawn]:
    return [each for each in await world.desk.commands(link=attached.link) if isinstance(each, Spawn)]


async def test_a_machine_is_told_who_asks(world: World) -> None:
    ann, bob = await world.person("Ann"), await world.person("Bob", MemberRole.ADMIN)
    anns, ours = await world.link(world.machine_token(ann), "anns"), await world.link(world.machine_token(None), "ours")
    program = replace(world.key, person=False, name="nightly", token_id=TokenId("program"))
    spawner, session = spawner_of(world.desk.adapters), world.desk.session
    asked = [
        (ann, "anns", ("person", "Ann", ann.member, True)),
        (ann, "ours", ("person", "Ann", ann.member, False)),
        (bob, "anns", ("person", "Bob", bob.member, False)),
        (bob, "ours", ("person", "Bob", bob.member, True)),
        (world.key, "ours", ("person", "operator", None, True)),
        (program, "ours", ("program", "nightly", None, True)),
        (program, "anns", ("program", "nightly", None, False)),
    ]
    for number, (who, machine, told) in enumerate(asked):
        await spawner.spawn(who, session, SpawnRequest(name=f"A{number}", cli="demo", machine=machine))
        asked_by = (await spawns(world, anns if machine == "anns" else ours))[-1].asked_by
        assert asked_by is not None
        assert (asked_by.kind, asked_by.name, asked_by.member, asked_by.owner) == told
        assert (asked_by.agent, asked_by.same_machine, asked_by.session) == (None, False, session.id)


async def test_an_agent_spawns_at_home_and_is_for_the_record_whoever_spawned_its_lead(world: World) -> None:
    ann = await world.person("Ann", MemberRole.ADMIN)
    anns, ours = await world.link(world.machine_token(ann), "anns"), await world.link(world.machine_token(None), "ours")
    spawner, session, desk = spawner_of(world.desk.adapters), world.desk.session, world.desk
    lead = await spawner.spawn(ann, session, SpawnRequest(name="Lead", cli="demo", machine="anns"))
    child = await spawner.spawn(desk.acting_as(lead), session, SpawnRequest(name="Child", cli="demo"))
    away = await spawner.spawn(desk.acting_as(child), session, SpawnRequest(name="Away", cli="demo", machine="ours"))
    assert (child.proxy, away.proxy) == (ProxyId(anns.link), ProxyId(ours.link))
    assert {each.behind.name if each.behind else None for each in (lead, child, away)} == {"Ann"}
    at_home, elsewhere = (await spawns(world, anns))[-1].asked_by, (await spawns(world, ours))[-1].asked_by
    assert at_home is not None
    assert (at_home.kind, at_home.name, at_home.member, at_home.agent) == ("agent", "Lead", None, lead.id)
    assert (at_home.owner, at_home.same_machine) == (True, True)
    assert elsewhere is not None
    assert (elsewhere.agent, elsewhere.owner, elsewhere.same_machine) == (child.id, True, False)
    assert ann.member is not None
    await world.members.set_role(
        world.key, ann.member, MemberRole.MEMBER
    )  # what she may now counts, not what she might
    await spawner.spawn(desk.acting_as(child), session, SpawnRequest(name="Later", cli="demo", machine="ours"))
    later = (await spawns(world, ours))[-1].asked_by
    assert later is not None
    assert later.owner is False


async def test_a_process_that_is_started_again_is_asked_for_by_the_same(world: World) -> None:
    ann = await world.person("Ann")
    token = world.machine_token(ann)
    anns = await world.link(token, "anns")
    await spawner_of(world.desk.adapters).spawn(
        ann, world.desk.session, SpawnRequest(name="Lead", cli="demo", machine="anns")
    )
    await world.linking.detach(token, anns)
    await world.link(token, "anns", boot_id="boot-2")
    again = (await spawns(world, anns))[-1]
    assert again.asked_by is not None
    assert (again.generation, again.asked_by.name, again.asked_by.owner) == (2, "Ann", True)


async def test_what_another_owner_asked_for_counts_no_more(world: World) -> None:
    ann = await world.person("Ann")
    ours = await world.link(world.machine_token(None), "ours")
    await spawner_of(world.desk.adapters).spawn(
        world.key, world.desk.session, SpawnRequest(name="Worker", cli="demo", machine="ours")
    )
    await world.link(world.machine_token(ann), "ours")  # its first token is revoked: it is not listed
    await world.linking.detach(world.key, await world.link(world.machine_token(ann), "ours"))
    await world.link(world.machine_token(ann), "ours", boot_id="boot-2")
    asked_by = (await spawns(world, ours))[-1].asked_by
    assert asked_by is not None
    assert (asked_by.kind, asked_by.member, asked_by.owner) == ("program", None, False)


async def test_agents_fill_no_session(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.adapters.redis.messages.mailroom.MAX_AGENTS_OF_AGENTS", 3)
    desk = world.desk
    lead = await desk.idle("Lead")
    child = await desk.idle("Child", by=desk.acting_as(lead))
    for name in ("A", "B"):
        await desk.idle(name, by=desk.acting_as(child))
    with pytest.raises(Conflict) as refused:
        await desk.spawn("C", by=desk.acting_as(child))
    assert refused.value.code == "TOO_MANY_AGENTS"
    await desk.spawn("C")
    released = await desk.adapters.registry.agent_named(desk.workspace, desk.session.id, "A")
    await desk.adapters.mailroom.release(desk.workspace, released.id, by="x")
    await desk.exited(released, expected=True)
    await desk.spawn("D", by=desk.acting_as(lead))
