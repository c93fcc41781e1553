"""What an answer asks for many times over is asked for once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from typing_extensions import override

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.errors import NotFound
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.people.access import Principal
from broker.services.agents.sessions import Sessions
from broker.services.agents.stops import Stops
from broker.services.people.access import Access
from broker.services.plans.usage import UsageMeter
from broker.services.redaction import Redaction
from graphql_api.loaders import Loaders
from tests.fixtures.desk import a_person
from tests.fixtures.gateway import Gateway


@dataclass
class Asked:
    batches: list[int] = field(default_factory=list)


class WatchedSessions(Sessions):
    """Tells how many were asked for at a time."""

    asked: Asked

    @override
    async def all_by_id(self, principal: Principal, sessions: Sequence[SessionId]) -> dict[SessionId, Session]:
        self.asked.batches.append(len(sessions))
        return await super().all_by_id(principal, sessions)

    @override
    async def agents_of(
        self, principal: Principal, sessions: Sequence[SessionId], *, limit: int = 100
    ) -> dict[SessionId, list[Agent]]:
        self.asked.batches.append(len(sessions))
        return await super().agents_of(principal, sessions, limit=limit)


@pytest.fixture
def watched(gateway: Gateway) -> WatchedSessions:
    sessions = WatchedSessions(gateway.adapters.registry, gateway.adapters.log)
    sessions.asked = Asked()
    return sessions


def loaders_of(gateway: Gateway, principal: Principal, sessions: Sessions) -> Loaders:
    adapters = gateway.adapters
    access = Access(adapters.tokens, adapters.registry, adapters.members, adapters.workspaces, adapters.accounts)
    stops = Stops(adapters.stops, adapters.registry, Redaction(adapters.redaction_rules))
    return Loaders(principal, sessions, UsageMeter(None, adapters.mailroom), access=access, stops=stops)


async def test_sessions_and_their_agents_are_loaded_in_one_step_each(
    gateway: Gateway, watched: WatchedSessions, workspace: WorkspaceId
) -> None:
    person = a_person(workspace)
    loaders = loaders_of(gateway, person, watched)
    made = [await watched.create(person, f"room-{number}") for number in range(30)]
    found = await asyncio.gather(*(loaders.session.load(each.id) for each in [*made, *made]))
    assert [each.name for each in found[:30]] == [each.name for each in made]
    assert await asyncio.gather(*(loaders.agents.load(each.id) for each in made)) == [[] for _ in made]
    assert watched.asked.batches == [30, 30]


async def test_a_session_the_caller_does_not_see_is_not_there(
    gateway: Gateway, watched: WatchedSessions, workspace: WorkspaceId
) -> None:
    own, other = [await watched.create(a_person(workspace), name) for name in ("own", "other")]
    bound = loaders_of(gateway, a_person(workspace, session=own.id), watched)
    assert (await bound.session.load(own.id)).name == "own"
    assert await bound.agents.load(other.id) == []
    with pytest.raises(NotFound):
        await bound.session.load(other.id)
