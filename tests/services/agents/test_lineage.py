"""What an agent may do to another: the same rule, whatever it does and however it asks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters
from broker.domain.agents.agents import Agent
from broker.domain.errors import NotPermitted
from broker.domain.ids import ProxyId, TokenId
from broker.domain.messages.messages import Mode
from broker.domain.people.access import Principal
from broker.services.agents.spawner import Spawner
from broker.services.live.hub import Hub
from broker.services.messages.router import Router
from broker.services.redaction import Redaction
from tests.fixtures.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Lead spawned Child and Sibling, Child spawned Grandchild; Stranger is a person's."""

    desk: Desk
    agents: dict[str, Agent]

    def principal(self, name: str) -> Principal:
        return self.desk.person() if name == "person" else self.desk.acting_as(self.agents[name])

    @property
    def spawner(self) -> Spawner:
        adapters = self.desk.adapters
        hub = Hub(adapters.log, adapters.signals)
        return Spawner(
            adapters.mailroom,
            adapters.registry,
            adapters.log,
            members=adapters.members,
            hub=hub,
            redaction=Redaction(adapters.redaction_rules),
        )

    @property
    def router(self) -> Router:
        adapters = self.desk.adapters
        return Router(adapters.mailroom, adapters.registry, Redaction(adapters.redaction_rules))


@pytest.fixture
async def family(desk: Desk, adapters: Adapters) -> Family:
    await adapters.registry.link_machine(
        desk.workspace, "machine-1", new_id=ProxyId(desk.link), token=TokenId("t"), take=True
    )
    agents: dict[str, Agent] = {}
    for name, spawner in SPAWNERS.items():
        agents[name] = await desk.idle(name, by=desk.acting_as(agents[spawner]) if spawner else None)
    return Family(desk=desk, agents=agents)


SPAWNERS = {"Lead": None, "Child": "Lead", "Sibling": "Lead", "Grandchild": "Child", "Stranger": None}
ITS_OWN = {
    "Lead": {"Child", "Sibling", "Grandchild"},
    "Child": {"Grandchild"},
    "Sibling": set[str](),
    "Grandchild": set[str](),
    "Stranger": set[str](),
    "person": set(SPAWNERS),
}

Act = Callable[[Family, Principal, Agent], Awaitable[object]]


async def interrupt(family: Family, actor: Principal, agent: Agent) -> object:
    return await family.spawner.interrupt(actor, family.desk.session, agent.name)


async def send_interrupting(family: Family, actor: Principal, agent: Agent) -> object:
    return await family.router.send(actor, family.desk.session, to=agent.name, text="stop", mode=Mode.INTERRUPT)


async def release(family: Family, actor: Principal, agent: Agent) -> object:
    return await family.spawner.release(actor, family.desk.session, agent.name)


async def resume(family: Family, actor: Principal, agent: Agent) -> object:
    await release(family, family.principal("person"), agent)
    await family.desk.exited(agent, expected=True)
    return await family.spawner.resume(actor, family.desk.session, agent.id)


async def join(family: Family, actor: Principal, agent: Agent) -> None:
    await family.router.join(actor, family.desk.session, channel="#dev", agent=agent.name)


async def leave(family: Family, actor: Principal, agent: Agent) -> None:
    await family.router.leave(actor, family.desk.session, channel="#dev", agent=agent.name)


@pytest.mark.parametrize("act", [interrupt, send_interrupting, release, resume, join, leave])
@pytest.mark.parametrize("actor", ITS_OWN)
@pytest.mark.parametrize("target", SPAWNERS)
async def test_an_agent_acts_only_on_agents_that_descend_from_it(
    family: Family, actor: str, target: str, act: Act
) -> None:
    its_own_channels = {actor} if act in {join, leave} else set()
    if target in ITS_OWN[actor] | its_own_channels:
        await act(family, family.principal(actor), family.agents[target])
        return
    with pytest.raises(NotPermitted, match="did not spawn") as refused:
        await act(family, family.principal(actor), family.agents[target])
    assert "mode wait" in refused.value.message or "ask" in refused.value.message


async def test_to_interrupt_many_they_must_all_be_its_own(family: Family) -> None:
    router, session = family.router, family.desk.session
    with pytest.raises(NotPermitted):
        await router.send(family.principal("Lead"), session, to="*", text="stop", mode=Mode.INTERRUPT)
    for name in ("Child", "Grandchild"):
        await router.join(family.principal("Lead"), session, channel="#own", agent=name)
    sent = await router.send(family.principal("Lead"), session, to="#own", text="stop", mode=Mode.INTERRUPT)
    assert {each.to for each in sent.deliveries} == {"Child", "Grandchild"}
    await router.send(family.principal("person"), session, to="*", text="stop", mode=Mode.INTERRUPT)


@pytest.mark.parametrize("mode", [Mode.WAIT, Mode.STEER])
async def test_everybody_may_be_spoken_to(family: Family, mode: Mode) -> None:
    sent = await family.router.send(
        family.principal("Grandchild"), family.desk.session, to="*", text="hello", mode=mode
    )
    assert len(sent.deliveries) == len(SPAWNERS) - 1


async def test_a_lead_that_is_forgotten_has_nobody_who_acts_for_it(family: Family) -> None:
    desk = family.desk
    await desk.adapters.redis.delete(keys.key(desk.workspace, "agent", family.agents["Child"].id))
    with pytest.raises(NotPermitted):
        await family.spawner.interrupt(family.principal("Lead"), desk.session, "Grandchild")
