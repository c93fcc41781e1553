"""The agents of a session or of the workspace, and every change of one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from broker.domain.agents import agents as domain
from broker.domain.agents.sessions import Session
from broker.domain.errors import NotFound
from broker.domain.ids import AgentId, SessionId
from broker.domain.logs.events import EventKind
from broker.domain.people.access import Principal
from broker.services.live.feeds import Logged
from broker.services.ports import Happened
from graphql_api.context import ApiServices
from graphql_api.types.agents import Agent
from graphql_api.types.live_items import AgentChanged, AgentsItem, AgentsSnapshot

_ABOUT_AGENTS = ("agent.", "turn.", "approval.")
"""Kinds of events after which an agent may be another."""
_ABOUT_ALL = frozenset({EventKind.STOP_ORDERED, EventKind.STOP_LIFTED})
"""After these, any agent of the session may be."""


class AgentsFollower:
    """Knows what one reader was last told of each agent, so that it is told of changes only."""

    def __init__(self, principal: Principal, services: ApiServices, *, session: Session | None) -> None:
        self._principal = principal
        self._services = services
        self._session = session
        self._told: dict[AgentId, domain.Agent] = {}

    async def items(self) -> AsyncGenerator[AgentsItem, None]:
        """A snapshot and what follows it."""
        async with aclosing(self._services.activity.follow(self._principal)) as happenings:
            async for item in happenings:
                if not isinstance(item, Happened):
                    yield await self._snapshot()
                elif self._session is None or item.session == self._session.id:
                    for changed in await self._changed(item.session, Logged(item.event)):
                        yield AgentChanged(agent=Agent.of(changed))

    async def _snapshot(self) -> AgentsSnapshot:
        found = await self._agents()
        self._told = {each.id: each for each in found}
        return AgentsSnapshot(agents=[Agent.of(each) for each in found])

    async def _agents(self) -> Sequence[domain.Agent]:
        sessions = self._services.sessions
        if self._session is not None:
            return await sessions.agents(self._principal, self._session)
        ids: list[SessionId] = [each.id for each in await sessions.visible(self._principal)]
        found = await sessions.agents_of(self._principal, ids)
        return [agent for each in ids for agent in found.get(each, []) if not agent.state.ended]

    async def _changed(self, session: SessionId, event: Logged) -> list[domain.Agent]:
        agent, kind = event.json["agent"], event.json["kind"]
        if kind in _ABOUT_ALL:
            agents = (await self._services.sessions.agents_of(self._principal, [session])).get(session, [])
            return [found for found in agents if self._is_news(found) and not found.state.ended]
        if agent is None or not kind.startswith(_ABOUT_AGENTS):
            return []
        try:
            found = await self._services.sessions.agent_by_id(self._principal, agent)
        except NotFound:
            return []
        return [found] if self._is_news(found) else []

    def _is_news(self, found: domain.Agent) -> bool:
        if self._told.get(found.id) == found:
            return False  # an earlier event was told with what this one changed
        self._told[found.id] = found
        return True
