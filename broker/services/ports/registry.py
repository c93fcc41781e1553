"""Sessions, agents and machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.ids import AgentId, MemberId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.machines.placement import MachineSign, Proxy
from broker.domain.people.privacy import SessionAccess


class Registry(Protocol):
    """Sessions, agents and machines."""

    async def create_session(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        *,
        name: str,
        epoch: str,
        maker: str | None = None,
        private: SessionAccess | None = None,
    ) -> Session:
        """Make a session, or return the one with that name. One `maker` makes so many; None: there is no such limit.

        `private`: whom it is open to, if not the workspace.

        Raises `Conflict` (TOO_MANY_SESSIONS).
        """

    async def session(self, workspace: WorkspaceId, reference: str) -> Session:
        """By id or name; an id wins. Raises `NotFound`."""

    async def sessions(self, workspace: WorkspaceId) -> list[Session]:
        """All of a workspace, oldest first."""

    async def sessions_by_id(self, workspace: WorkspaceId, sessions: Sequence[SessionId]) -> dict[SessionId, Session]:
        """Those of them that are there."""

    async def rename_session(self, workspace: WorkspaceId, session: SessionId, *, name: str, by: str) -> Session:
        """Give a session another name. Raises `NotFound`, `Conflict` (NAME_TAKEN)."""

    async def archive_session(self, workspace: WorkspaceId, session: SessionId, *, archived: bool, by: str) -> Session:
        """Put a session away, or take it back. Raises `NotFound`, `Conflict` (SESSION_HAS_AGENTS)."""

    async def agents(self, workspace: WorkspaceId, session: SessionId, *, limit: int = 100) -> list[Agent]:
        """Live and ended agents, the newest `limit`, in spawn order."""

    async def agents_of(
        self, workspace: WorkspaceId, sessions: Sequence[SessionId], *, limit: int = 100
    ) -> dict[SessionId, list[Agent]]:
        """The same of several sessions."""

    async def agents_by_id(self, workspace: WorkspaceId, agents: Sequence[AgentId]) -> list[Agent]:
        """Those of them that are there."""

    async def agent(
        self, workspace: WorkspaceId, agent: AgentId, *, seen: Callable[[SessionId], bool] = ...
    ) -> Agent | None:
        """One agent, of a session that is `seen`; of any, unless told."""

    async def agent_named(self, workspace: WorkspaceId, session: SessionId, reference: str) -> Agent:
        """The live agent of that id or name; an id wins. Raises `NotFound`."""

    async def proxy(self, workspace: WorkspaceId, proxy: ProxyId) -> Proxy | None:
        """A machine that was ever linked."""

    async def proxies(self, workspace: WorkspaceId) -> list[Proxy]:
        """All machines that were ever linked. Costs time for each: ask for those that are meant where you can."""

    async def proxies_called(self, workspace: WorkspaceId, reference: str) -> list[Proxy]:
        """The machine of that id, else those of that name; none where nothing is called so. By name, as all are."""

    async def connected_proxies(self, workspace: WorkspaceId) -> list[Proxy]:
        """The machines that are here, by name."""

    async def missed_proxies(self, workspace: WorkspaceId) -> list[Proxy]:
        """The machines that are away although agents are on them, by name."""

    async def unguarded_proxies(self, workspace: WorkspaceId) -> list[Proxy]:
        """The machines that know of no hooks that agents wait for, by name."""

    async def machine_signs(self, workspace: WorkspaceId) -> list[MachineSign]:
        """How each machine that was ever linked is called, and which are here. Costs little, however many there are."""

    async def has_namesake(self, workspace: WorkspaceId, proxy: ProxyId, name: str) -> bool:
        """Whether another machine that is connected has this name. Costs little, however many machines there are."""

    async def link_machine(
        self,
        workspace: WorkspaceId,
        machine_id: str,
        *,
        new_id: ProxyId,
        token: TokenId,
        take: bool,
        member: MemberId | None = None,
        only: ProxyId | None = None,
    ) -> ProxyId:
        """The proxy id of a machine; `new_id` when it is here for the first time.

        A machine belongs to the token that linked it first, until that is revoked or another may `take` it over, and
        to the `member` behind the token. `only`: the one that the token is for.
        Raises `NotPermitted` (also OWNER_REMOVED), `Conflict` (TOO_MANY_MACHINES, PROXY_HAS_AGENTS).
        """

    async def adopt_machine(self, workspace: WorkspaceId, proxy: ProxyId, *, member: MemberId | None) -> None:
        """Let a machine be another member's, or the workspace's, once it is linked with a token of theirs.

        Raises `NotFound`, `Conflict` (PROXY_OWNED).
        """

    async def forget_proxy(self, workspace: WorkspaceId, proxy: ProxyId) -> None:
        """Remove a machine that is offline. Raises `NotFound`, `Conflict` (PROXY_ONLINE, PROXY_HAS_AGENTS)."""
