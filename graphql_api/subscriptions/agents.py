"""The agents of a session or of the workspace, and every change of one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from broker.domain.agents import agents as domain
from broker.domain.agents.sessions import Session
from broker.domain.ids import AgentId, SessionId
from broker.domain.logs.events import EventKind
from broker.domain.people.access import Principal
from broker.services.live.activity import Lost
from broker.services.live.feeds import Logged
from broker.services.ports import Glimpsed, Happened
from graphql_api.context import ApiServices
from graphql_api.types.agents import Agent
from graphql_api.types.log.live_items import AgentChanged, AgentsItem, AgentsSnapshot

_ABOUT_AGENTS = ("agent.", "turn.", "approval.")
"""Kinds of events after which an agent may be another."""
_ABOUT_SESSION = frozenset({EventKind.STOP_ORDERED, EventKind.STOP_LIFTED})
"""After these, any agent of the session may be."""
_ABOUT_MACHINE = frozenset({EventKind.PROXY_CONNECTED, EventKind.PROXY_DISCONNECTED})
"""After these, any agent of the machine may be, in whichever session it is."""


class AgentsFollower:
    """Knows what one reader was last told of each agent, so that it is told of changes only."""

    def __init__(self, principal: Principal, services: ApiServices, *, session: Session | None) -> None:
        self._principal = principal
        self._services = services
        self._session = session
        self._told: dict[AgentId, domain.Agent] = {}

    async def items(self) -> AsyncGenerator[AgentsItem, None]:
        """A snapshot and what follows it."""
        async with aclosing(self._services.activity.follow_agents(self._principal)) as batches:
            async for batch in batches:
                if any(isinstance(item, Lost) for item in batch):
                    yield await self._snapshot()
                    continue
                for changed in await self._read_changed(batch):
                    yield AgentChanged(agent=Agent.of(changed))

    async def _snapshot(self) -> AgentsSnapshot:
        found = await self._agents()
        self._told = {each.id: each for each in found}
        return AgentsSnapshot(agents=[Agent.of(each) for each in found])

    async def _agents(self) -> Sequence[domain.Agent]:
        sessions = self._services.sessions
        if self._session is not None:
            return await sessions.agents(self._principal, self._session)
        found = await self._of_sessions([each.id for each in await sessions.visible(self._principal)])
        return [agent for agent in found if agent.needs_a_look]

    async def _read_changed(self, batch: Sequence[Happened | Glimpsed | Lost]) -> list[domain.Agent]:
        """The agents that a batch is about, each once, as far as they are another than was told."""
        agents: dict[AgentId, None] = {}
        whole: dict[SessionId, None] = {}
        for item in batch:
            if isinstance(item, Glimpsed) and self._follows(item.session):
                agents[item.agent] = None
            elif isinstance(item, Happened):
                event = Logged(item.event).json
                if event["kind"] in _ABOUT_MACHINE:
                    agents |= dict.fromkeys(self._of_machine(event["data"].get("proxy")))
                elif event["kind"] in _ABOUT_SESSION and self._follows(item.session):
                    whole[item.session] = None
                elif event["agent"] and event["kind"].startswith(_ABOUT_AGENTS) and self._follows(item.session):
                    agents[event["agent"]] = None
        living = [agent for agent in await self._of_sessions(list(whole)) if not agent.state.ended]
        found = await self._services.sessions.agents_by_id(self._principal, list(agents)) if agents else []
        return [agent for agent in [*living, *found] if self._is_news(agent)]

    async def _of_sessions(self, sessions: Sequence[SessionId]) -> list[domain.Agent]:
        if not sessions:
            return []
        found = await self._services.sessions.agents_of(self._principal, sessions)
        return [agent for each in sessions for agent in found.get(each, [])]

    def _of_machine(self, proxy: object) -> list[AgentId]:
        told = self._told.values()
        return [agent.id for agent in told if proxy in (agent.proxy, f"direct:{agent.id}") and not agent.state.ended]

    def _follows(self, session: SessionId) -> bool:
        return self._session is None or session == self._session.id

    def _is_news(self, found: domain.Agent) -> bool:
        if self._told.get(found.id) == found:
            return False  # an earlier event was told with what this one changed
        self._told[found.id] = found
        return True
