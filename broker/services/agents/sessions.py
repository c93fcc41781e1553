"""Sessions: making, finding and reading them."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session, session_name
from broker.domain.errors import NotFound
from broker.domain.ids import AgentId, SessionId
from broker.domain.logs.events import Cursor
from broker.domain.machines.ownership import require_decision
from broker.domain.machines.placement import Proxy, machine_named
from broker.domain.names import looks_like_id
from broker.domain.people.access import Permission, Principal
from broker.services.permissions import checked_within, open_to_all, requires
from broker.services.ports import EventLog, LogPage, Registry

MAX_PAGE = 1000


class Sessions:
    """Reads and makes sessions, inside the caller's workspace and, for an agent, inside its own session."""

    def __init__(self, registry: Registry, log: EventLog) -> None:
        self._registry = registry
        self._log = log

    @requires(Permission.SPAWN)
    async def create(self, principal: Principal, name: str) -> Session:
        """Make a session, or return the one with that name."""
        if principal.session is not None:
            return await self.by_id(principal, principal.session)
        return await self.ensure(principal, name)

    @checked_within("its callers were checked already")
    async def ensure(self, principal: Principal, name: str) -> Session:
        """The session of that name, made when it is not there. For callers that were checked already."""
        administers = Permission.ADMINISTER in principal.permissions
        return await self._registry.create_session(
            principal.workspace,
            SessionId(uuid.uuid4().hex),
            name=session_name(name),
            epoch=secrets.token_hex(4),
            maker=None if administers else principal.answerable or principal.token_id,
        )

    @open_to_all("finds what the caller may name; what is done with it requires something")
    async def get(self, principal: Principal, reference: str) -> Session:
        """By id or name, an id wins: for what people and programs say. Raises `NotFound`, for another's session too."""
        session = await self._registry.session(principal.workspace, reference)
        if principal.session not in {None, session.id}:
            raise _no_session(reference)
        return session

    @open_to_all("finds what the broker itself knows; what is done with it requires something")
    async def by_id(self, principal: Principal, session: SessionId) -> Session:
        """By id alone: for what the broker itself knows. Raises `NotFound`, for another's session too."""
        if principal.session not in {None, session}:
            raise _no_session(session)
        found = await self._registry.sessions_by_id(principal.workspace, [session])
        if session not in found:
            raise _no_session(session)
        return found[session]

    @checked_within("its callers were checked already")
    async def get_or_make(self, principal: Principal, reference: str) -> Session:
        """By id or name, else a new one of that name. For callers that were checked already. Raises `NotFound`."""
        try:
            return await self.get(principal, reference)
        except NotFound:
            if looks_like_id(reference):  # of a session that is gone: not to be made anew under its id as a name
                raise
            return await self.ensure(principal, reference)

    @requires(Permission.READ)
    async def look_up(self, principal: Principal, reference: str) -> Session:
        """By id or name, an id wins, for a caller who may read. Raises `NotFound`, `NotPermitted`."""
        return await self.get(principal, reference)

    @requires(Permission.READ)
    async def visible(self, principal: Principal) -> list[Session]:
        """Those the caller can see."""
        sessions = await self._registry.sessions(principal.workspace)
        return [s for s in sessions if principal.session in {None, s.id}]

    @requires(Permission.READ)
    async def all_by_id(self, principal: Principal, sessions: Sequence[SessionId]) -> dict[SessionId, Session]:
        """Those of them that are there and that the caller sees."""
        seen = [each for each in sessions if principal.session in {None, each}]
        return await self._registry.sessions_by_id(principal.workspace, seen)

    @requires(Permission.READ)
    async def agents(self, principal: Principal, session: Session) -> list[Agent]:
        """Live and ended agents, in spawn order."""
        return await self._registry.agents(principal.workspace, session.id)

    @requires(Permission.READ)
    async def agents_of(
        self, principal: Principal, sessions: Sequence[SessionId], *, limit: int = MAX_PAGE
    ) -> dict[SessionId, list[Agent]]:
        """Those of several sessions, the newest `limit` of each, without sessions that the caller does not see."""
        seen = [each for each in sessions if principal.session in {None, each}]
        return await self._registry.agents_of(principal.workspace, seen, limit=limit)

    @requires(Permission.READ)
    async def agent_by_id(self, principal: Principal, agent: AgentId) -> Agent:
        """Live or ended. Raises `NotFound`, for one of a session that the caller does not see too."""
        found = await self._registry.agent(principal.workspace, agent)
        if found is None or principal.session not in {None, found.session_id}:
            raise NotFound(f"no agent {agent[:80]!r}", code="AGENT_NOT_FOUND")
        return found

    @requires(Permission.READ)
    async def agent(self, principal: Principal, session: Session, reference: str) -> Agent:
        """The live agent of that id or name; an id wins. Raises `NotFound`."""
        return await self._registry.agent_named(principal.workspace, session.id, reference)

    @requires(Permission.READ)
    async def events(self, principal: Principal, session: Session, *, after: Cursor | None, limit: int) -> LogPage:
        """A page of the session's log."""
        return await self._log.read(principal.workspace, session.id, after=after, limit=min(limit, MAX_PAGE))

    @requires(Permission.READ_WORKSPACE)
    async def proxies(self, principal: Principal) -> list[Proxy]:
        """The workspace's machines."""
        return await self._registry.proxies(principal.workspace)

    @checked_within("reading the machines requires something")
    async def proxy(self, principal: Principal, reference: str) -> Proxy:
        """One machine by id, or by a name that no other has. Raises `NotFound`, `Conflict` (MACHINE_AMBIGUOUS)."""
        return machine_named(await self.proxies(principal), reference)

    @checked_within("its owner decides, or who administers: `require_decision`")
    async def forget_proxy(self, principal: Principal, reference: str) -> Proxy:
        """Remove a machine that is offline, for its owner and who administers. Raises `NotFound`, `Conflict`."""
        proxy = await self.proxy(principal, reference)
        require_decision(principal, proxy)
        await self._registry.forget_proxy(principal.workspace, proxy.id)
        return proxy

    @requires(Permission.ADMINISTER)
    async def adopt_proxy(self, principal: Principal, reference: str) -> Proxy:
        """Let a machine whose owner was removed, or that has none, be the caller's: a member's, else the workspace's.

        It takes effect when the machine agrees: when it is linked with a token of the caller. Raises `NotFound`,
        `NotPermitted`, `Conflict` (PROXY_OWNED).
        """
        proxy = await self.proxy(principal, reference)
        await self._registry.adopt_machine(principal.workspace, proxy.id, member=principal.answerable)
        return await self.proxy(principal, proxy.id)


def _no_session(reference: str) -> NotFound:
    return NotFound(f"no session {reference[:80]!r}", code="SESSION_NOT_FOUND")
