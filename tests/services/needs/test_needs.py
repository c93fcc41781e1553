"""What needs a person, as the stores have it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from broker.app import build_services
from broker.domain.agents.agents import Agent, AgentState
from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.errors import BadRequest, NotPermitted
from broker.domain.ids import ProxyId, SessionId, TokenId
from broker.domain.needs.needs import Need, NeedKind
from broker.domain.people.access import MemberRole
from broker.domain.people.token_kinds import TokenKind
from broker.domain.timings import TIMINGS
from broker.services.container import Services
from broker.services.needs.needs import NeedsChanged, NeedsKnown
from broker.settings import Settings
from tests.fixtures.desk import Desk, a_person


@pytest.fixture
def services(desk: Desk) -> Services:
    return build_services(Settings(), desk.adapters)


async def failed(desk: Desk, name: str = "Worker") -> Agent:
    """An agent whose machine could not start it."""
    agent = await desk.spawn(name)
    await desk.due(f"spawn|{agent.id}|{agent.generation}")
    assert await desk.state_of(agent) is AgentState.FAILED
    return agent


async def standing(desk: Desk, services: Services) -> list[tuple[NeedKind, str]]:
    return [(each.kind, each.name) for each in await services.needs.standing(desk.person())]


async def test_a_failed_agent_needs_somebody_until_it_is_dismissed(desk: Desk, services: Services) -> None:
    agent = await failed(desk)
    (need,) = await services.needs.standing(desk.person())
    assert (need.kind, need.subject, need.session) == (NeedKind.FAILED_AGENT, agent.id, desk.session.id)
    assert need.detail.startswith("SPAWN_TIMEOUT: ")
    assert not need.resumable
    assert await services.needs.dismiss(desk.person(), [need.key]) == 1
    assert await standing(desk, services) == []
    assert await services.needs.dismiss(desk.person(), [need.key]) == 0


async def test_a_released_agent_needs_nobody(desk: Desk, services: Services) -> None:
    agent = await desk.idle("Worker")
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="Ada")
    await desk.exited(agent, expected=True)
    assert await desk.state_of(agent) is AgentState.RELEASED
    assert await standing(desk, services) == []


async def test_an_agent_that_was_brought_back_needs_nobody_and_a_late_dismissal_spares_its_next_failure(
    desk: Desk, services: Services
) -> None:
    agent = await desk.idle("Worker")
    await broken(desk, agent)
    (first,) = await services.needs.standing(desk.person())
    assert first.resumable
    await desk.adapters.mailroom.resume(desk.workspace, desk.session.id, agent.id, by="Ada", plan=desk.plan)
    assert await standing(desk, services) == []
    again = await desk.agent(agent.id)
    await desk.due(f"spawn|{again.id}|{again.generation}")
    await services.needs.dismiss(desk.person(), [first.key])
    assert await standing(desk, services) == [(NeedKind.FAILED_AGENT, "Worker")]


async def broken(desk: Desk, agent: Agent) -> None:
    """Its process dies until nobody starts it again."""
    for _ in range(TIMINGS.restarts + 1):
        now = await desk.agent(agent.id)
        await desk.exited(now)
        await desk.due(f"restart|{now.id}|{now.generation + 1}")
    assert await desk.state_of(agent) is AgentState.FAILED


async def test_a_persons_message_that_does_not_arrive_is_said_and_an_agents_is_told_to_the_agent(
    desk: Desk, services: Services
) -> None:
    lead, worker = await desk.idle("Lead"), await desk.spawn("Worker")
    mine, _ = await desk.send("Worker", "please")
    theirs, _ = await desk.send("Worker", by=desk.acting_as(lead))
    for message in (mine, theirs):
        await desk.due(f"ttl|{message}")
    assert [(each.kind, each.subject, each.detail) for each in await services.needs.standing(desk.person())] == [
        (NeedKind.UNDELIVERED, mine, "expired: please")
    ]
    assert worker.state is AgentState.STARTING


async def test_messages_to_an_agent_that_somebody_released_need_nobody(desk: Desk, services: Services) -> None:
    agent = await desk.spawn("Worker")
    await desk.send("Worker")
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="Ada")
    await desk.due(f"stop|{agent.id}")
    assert await standing(desk, services) == []


async def test_a_machine_that_went_away_with_its_agents_is_missed(desk: Desk, services: Services) -> None:
    await desk.adapters.registry.link_machine(
        desk.workspace, "machine-1", new_id=ProxyId(desk.link), token=TokenId("t"), take=False
    )
    await desk.idle("Worker")
    assert await standing(desk, services) == []
    await desk.detach()
    assert await standing(desk, services) == [(NeedKind.MACHINE_AWAY, "laptop")]
    await desk.attach()
    assert await standing(desk, services) == []


async def test_the_list_keeps_the_newest_failures_and_ends_by_itself(desk: Desk, services: Services) -> None:
    redis: Any = desk.adapters.redis
    key = f"rc:{{{desk.workspace}}}:failures"
    await redis.zadd(key, {f"agent|old{number}|1": number for number in range(TIMINGS.failures)})
    await failed(desk)
    assert await redis.zcard(key) == TIMINGS.failures
    assert 0 < await redis.ttl(key) <= TIMINGS.failure_kept_s
    # Agents that nothing is known of are not told.
    assert await standing(desk, services) == [(NeedKind.FAILED_AGENT, "Worker")]


async def test_a_guest_of_one_session_sees_what_is_of_that_session(desk: Desk, services: Services) -> None:
    await failed(desk)
    await desk.detach()
    guest = a_person(desk.workspace, kind=TokenKind.OBSERVER, session=desk.session.id)
    elsewhere = a_person(desk.workspace, kind=TokenKind.OBSERVER, session=SessionId("0" * 32))
    assert [each.kind for each in await services.needs.standing(guest)] == [NeedKind.FAILED_AGENT]
    assert await services.needs.standing(elsewhere) == ()


async def test_who_only_looks_dismisses_nothing_and_nobody_dismisses_what_waits(desk: Desk, services: Services) -> None:
    agent = await failed(desk)
    key = f"agent|{agent.id}|{agent.generation}"
    viewer = a_person(desk.workspace, kind=TokenKind.MEMBER, role=MemberRole.VIEWER, token_id=TokenId("v"))
    for principal in (viewer, desk.acting_as(agent)):
        with pytest.raises(NotPermitted):
            await services.needs.dismiss(principal, [key])
    with pytest.raises(BadRequest) as refused:
        await services.needs.dismiss(desk.person(), [key, "approval|1"])
    assert refused.value.code == "NOT_DISMISSABLE"
    assert len(await standing(desk, services)) == 1


class Following:
    """What a follower was told, folded as a client does it."""

    def __init__(self, told: AsyncGenerator[NeedsKnown | NeedsChanged, None]) -> None:
        self._told = told
        self.needs: dict[str, Need] = {}
        self.settled: list[str] = []

    async def until(self, done: Callable[[Following], bool]) -> None:
        async with asyncio.timeout(10):
            while not done(self):
                item = await anext(self._told)
                if isinstance(item, NeedsKnown):
                    self.needs = {each.key: each for each in item.needs}
                else:
                    self.needs |= {each.key: each for each in item.changed}
                    for key in item.over:
                        del self.needs[key]
                    self.settled += [f"{each.title} {each.status} {each.answered_by}" for each in item.settled]

    def has(self, *kinds: NeedKind) -> bool:
        return sorted(each.kind for each in self.needs.values()) == sorted(kinds)


async def test_a_follower_hears_what_comes_and_what_is_over_and_who_won(desk: Desk, services: Services) -> None:
    bus = asyncio.create_task(desk.adapters.bus.run())
    agent = await desk.idle("Asker")
    try:
        async with aclosing(services.needs.follow(desk.person())) as told:
            following = Following(told)
            await following.until(lambda it: it.has())
            approval = await desk.ask(agent)
            await following.until(lambda it: it.has(NeedKind.APPROVAL))
            await failed(desk, "Broken")
            await following.until(lambda it: it.has(NeedKind.APPROVAL, NeedKind.FAILED_AGENT))
            await services.desk.answer(desk.person(), approval, ApprovalAnswer(verdict=Verdict.ALLOW))
            await following.until(lambda it: it.has(NeedKind.FAILED_AGENT))
            assert following.settled == ["run ls allowed operator"]
            # No event of any session tells of this.
            await services.needs.dismiss(desk.person(), list(following.needs))
            await following.until(lambda it: it.has())
    finally:
        bus.cancel()
        await asyncio.gather(bus, return_exceptions=True)
