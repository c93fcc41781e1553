"""Sessions: making, finding and reading them."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import replace

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session, session_name
from broker.domain.errors import Conflict, NotFound, NotPermitted
from broker.domain.ids import AgentId, ProxyId, SessionId
from broker.domain.logs.events import Cursor
from broker.domain.machines.ownership import require_decision
from broker.domain.machines.placement import Proxy, machine_named
from broker.domain.names import looks_like_id
from broker.domain.people.access import Permission, Principal
from broker.domain.people.privacy import Level, SessionAccess
from broker.domain.people.token_kinds import TokenKind
from broker.services.permissions import check_within, open_to_all, requires
from broker.services.ports import EventLog, LogPage, Registry

MAX_PAGE = 1000


class Sessions:
    """Reads and makes sessions, inside the caller's workspace and, for an agent, inside its own session."""

    def __init__(self, registry: Registry, log: EventLog) -> None:
        self._registry = registry
        self._log = log

    @requires(Permission.SPAWN)
    async def create(self, principal: Principal, name: str, *, private: bool = False) -> Session:
        """Make a session, or return the one with that name. A new one that is `private` is open to its maker alone,
        and to who administers. Raises `Conflict` (NAME_TAKEN: of one that the caller does not see)."""
        if principal.session is not None:
            return await self.by_id(principal, principal.session)
        if principal.only is not None:
            return await self.get(principal, name)
        return await self.ensure(principal, name, private=private)

    @check_within("its callers were checked already")
    async def ensure(self, principal: Principal, name: str, *, private: bool = False) -> Session:
        """The session of that name, made when it is not there. For callers that were checked already."""
        if principal.only is not None:
            raise NotPermitted("this token is for some sessions, and makes none")
        administers = Permission.ADMINISTER in principal.permissions
        found = await self._registry.create_session(
            principal.workspace,
            SessionId(uuid.uuid4().hex),
            name=session_name(name),
            epoch=secrets.token_hex(4),
            maker=None if administers else principal.answerable or principal.token_id,
            private=_open_to(principal) if private else None,
        )
        if not principal.sees(found.id):
            raise Conflict(f"the name {name[:80]!r} is not free: choose another", code="NAME_TAKEN")
        return found

    @requires(Permission.SEND, Permission.RELEASE)
    async def rename(self, principal: Principal, session: Session, name: str) -> Session:
        """Give a session another name; no agent does. Raises `BadRequest`, `Conflict` (NAME_TAKEN), `NotPermitted`."""
        _require_no_agent(principal)
        wanted = session_name(name)
        return await self._registry.rename_session(principal.workspace, session.id, name=wanted, by=principal.name)

    @requires(Permission.SEND, Permission.RELEASE)
    async def archive(self, principal: Principal, session: Session, *, archived: bool) -> Session:
        """Put a session away, or take it back; no agent does. Raises `NotPermitted`, `Conflict`: it has agents."""
        _require_no_agent(principal)
        return await self._registry.archive_session(
            principal.workspace, session.id, archived=archived, by=principal.name
        )

    @open_to_all("finds what the caller may name; what is done with it requires something")
    async def get(self, principal: Principal, reference: str) -> Session:
        """By id or name, an id wins: for what people and programs say. Raises `NotFound`, for another's session too."""
        session = await self._registry.session(principal.workspace, reference)
        if not principal.sees(session.id):
            raise _no_session(reference)
        return session

    @open_to_all("finds what the broker itself knows; what is done with it requires something")
    async def by_id(self, principal: Principal, session: SessionId) -> Session:
        """By id alone: for what the broker itself knows. Raises `NotFound`, for another's session too."""
        found = await self._registry.sessions_by_id(principal.workspace, [session])
        if session not in found or not principal.sees(session):
            raise _no_session(session)
        return found[session]

    @check_within("its callers were checked already")
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
        return [s for s in sessions if principal.sees(s.id)]

    @requires(Permission.READ)
    async def all_by_id(self, principal: Principal, sessions: Sequence[SessionId]) -> dict[SessionId, Session]:
        """Those of them that are there and that the caller sees. All are read: what is hidden takes as long as what is
        not there.
        """
        found = await self._registry.sessions_by_id(principal.workspace, sessions)
        return {key: session for key, session in found.items() if principal.sees(key)}

    @requires(Permission.READ)
    async def agents(self, principal: Principal, session: Session) -> list[Agent]:
        """Live and ended agents, in spawn order."""
        return await self._registry.agents(principal.workspace, session.id)

    @requires(Permission.READ)
    async def agents_of(
        self, principal: Principal, sessions: Sequence[SessionId], *, limit: int = MAX_PAGE
    ) -> dict[SessionId, list[Agent]]:
        """Those of several sessions, the newest `limit` of each, without sessions that the caller does not see."""
        seen = [each for each in sessions if principal.sees(each)]
        return await self._registry.agents_of(principal.workspace, seen, limit=limit)

    @requires(Permission.READ)
    async def agent_by_id(self, principal: Principal, agent: AgentId) -> Agent:
        """Live or ended. Raises `NotFound`, for one of a session that the caller does not see too."""
        found = await self._registry.agent(principal.workspace, agent, seen=principal.sees)
        if found is None:
            raise NotFound(f"no agent {agent[:80]!r}", code="AGENT_NOT_FOUND")
        return found

    @requires(Permission.READ)
    async def agents_by_id(self, principal: Principal, agents: Sequence[AgentId]) -> list[Agent]:
        """Those of them that are there and that the caller sees."""
        found = await self._registry.agents_by_id(principal.workspace, agents)
        return [agent for agent in found if principal.sees(agent.session_id)]

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
        return [_as_seen(principal, each) for each in await self._registry.proxies(principal.workspace)]

    @requires(Permission.READ_WORKSPACE)
    async def connected_proxies(self, principal: Principal) -> list[Proxy]:
        """Those of them that are here."""
        return [_as_seen(principal, each) for each in await self._registry.connected_proxies(principal.workspace)]

    @requires(Permission.READ_WORKSPACE)
    async def proxy(self, principal: Principal, reference: str) -> Proxy:
        """One machine by id, or by a name that no other has. Raises `NotFound`, `Conflict` (MACHINE_AMBIGUOUS)."""
        found = await self._registry.proxies_called(principal.workspace, reference)
        return _as_seen(principal, machine_named(found, reference))

    @requires(Permission.READ_WORKSPACE)
    async def proxy_by_id(self, principal: Principal, proxy: ProxyId) -> Proxy:
        """The same by id alone. Raises `NotFound`."""
        found = await self._registry.proxy(principal.workspace, proxy)
        return _as_seen(principal, machine_named([] if found is None else [found], proxy))

    @check_within("its owner decides, or who administers: `require_decision`")
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


def _as_seen(principal: Principal, proxy: Proxy) -> Proxy:
    """A machine without the name of a session that is not open to the caller."""
    return proxy if proxy.session is None or principal.sees(proxy.session) else replace(proxy, session=None)


def _require_no_agent(principal: Principal) -> None:
    if principal.kind is TokenKind.AGENT:
        raise NotPermitted("an agent neither renames its session nor puts it away")


def _open_to(maker: Principal) -> SessionAccess:
    member = maker.answerable
    return SessionAccess(people={} if member is None else {member: Level.DRIVER})


def _no_session(reference: str) -> NotFound:
    return NotFound(f"no session {reference[:80]!r}", code="SESSION_NOT_FOUND")
