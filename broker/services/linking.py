"""A connected peer's link: taking it over, its commands, its reports."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Sequence

from broker.domain.access import Permission, Principal, TokenKind
from broker.domain.errors import NotPermitted
from broker.domain.ids import AgentId, LinkId, ProxyId, SessionId
from broker.domain.sessions import DEFAULT_SESSION, Session
from broker.protocol.agent_events import ApprovalRequested
from broker.protocol.proxy import Auth, Hello, NumberedReport, Report, Started, StateChanged
from broker.services.access import Access
from broker.services.approvals import ApprovalDesk
from broker.services.ports import Attached, DecidedApproval, Links, NumberedFact, Registry, Unfinished
from broker.services.redaction import Redaction
from broker.services.sessions import Sessions

TOKEN_LIFE_S = 24 * 3600
"""Of the token a proxy gets in-band; renewed at half of it, so a laptop may sleep through a night."""


def direct_link(agent: AgentId) -> LinkId:
    """The link of an agent that dials in itself."""
    return LinkId(f"direct:{agent}")


class Linking:
    """What a gateway does for one connected peer."""

    def __init__(
        self,
        links: Links,
        registry: Registry,
        sessions: Sessions,
        *,
        access: Access,
        desk: ApprovalDesk,
        redaction: Redaction,
        gateway: str,
    ) -> None:
        self._links = links
        self._registry = registry
        self._sessions = sessions
        self._access = access
        self._desk = desk
        self._redaction = redaction
        self._gateway = gateway

    async def attach(self, principal: Principal, hello: Hello) -> tuple[Attached, Session]:
        """Take a proxy's connection over. Raises `NotPermitted`, `NotFound` (its session)."""
        principal.require(Permission.LINK)
        await self._check_owner(principal, hello.machine_id)
        new_id = ProxyId(uuid.uuid4().hex)
        proxy = await self._registry.proxy_of_machine(principal.workspace, hello.machine_id, new_id=new_id)
        if principal.proxy not in {None, proxy}:
            raise NotPermitted("this token was issued to another machine")
        session = await self._session(principal, hello.session)
        return await self._attach(principal, LinkId(proxy), hello, session.id), session

    async def _check_owner(self, principal: Principal, machine_id: str) -> None:
        """A machine belongs to the token that linked it first: another proxy's token cannot pose as it."""
        take = principal.kind is TokenKind.WORKSPACE
        owner = await self._registry.own_machine(principal.workspace, machine_id, token=principal.token_id, take=take)
        if owner != principal.token_id:
            raise NotPermitted("this machine was linked with another token; use that one, or forget the machine first")

    async def attach_direct(self, principal: Principal, hello: Hello) -> Attached:
        """Take the connection of an agent that dials in itself."""
        if principal.agent is None:
            raise NotPermitted("only an agent's own token opens this connection")
        return await self._attach(principal, direct_link(principal.agent), hello, None)

    async def unfinished(self, principal: Principal, agent: AgentId) -> Unfinished:
        """What the connections before an attached one have left."""
        return await self._links.unfinished(principal.workspace, agent)

    async def _attach(self, principal: Principal, link: LinkId, hello: Hello, session: SessionId | None) -> Attached:
        return await self._links.attach(
            principal.workspace, link, hello, gateway=self._gateway, session=session, epoch=secrets.token_hex(4)
        )

    async def _session(self, principal: Principal, reference: str | None) -> Session:
        """The session a proxy names, made when a person's key may make it."""
        if reference is None or Permission.SPAWN in principal.permissions:
            return await self._sessions.get_or_make(principal, reference or DEFAULT_SESSION)
        return await self._sessions.get(principal, reference)

    async def detach(self, principal: Principal, attached: Attached) -> None:
        """The connection is gone."""
        await self._links.detach(principal.workspace, attached.link, fence=attached.fence, gateway=self._gateway)

    async def commands(self, principal: Principal, attached: Attached, *, after: int) -> list[tuple[int, str]]:
        """Commands after a number."""
        return await self._links.commands(principal.workspace, attached.link, after=after)

    async def acknowledge(self, principal: Principal, attached: Attached, seq: int) -> bool:
        """The peer has all commands up to `seq`; False when the connection is fenced."""
        return await self._links.acknowledge(principal.workspace, attached.link, fence=attached.fence, seq=seq)

    async def report(
        self, principal: Principal, attached: Attached, reports: Sequence[NumberedReport], *, spool: str
    ) -> int:
        """Apply a peer's reports, each once and in order; the number of the last. Raises `Fenced`, `Unavailable`."""
        facts = [
            NumberedFact(seq=r.seq, fact=await self._fact(principal, attached, r.report), frame_id=r.frame_id)
            for r in reports
        ]
        redactor = await self._redaction.redactor(principal.workspace)
        await self._links.apply(
            principal.workspace, attached.link, facts, fence=attached.fence, spool=spool, redactor=redactor
        )
        return reports[-1].seq

    async def _fact(self, principal: Principal, attached: Attached, report: Report) -> Report | DecidedApproval:
        match report:
            case Started():
                await self._access.register_agent(
                    principal.workspace,
                    report.agent,
                    generation=report.generation,
                    sha256=report.token_sha256,
                    plan=principal.plan,
                    proxy=ProxyId(attached.link),
                )
                return report
            case StateChanged(event=ApprovalRequested() as event):
                return await self._desk.decide(
                    principal.workspace, report.agent, generation=report.generation, event=event
                )
            case _:
                return report

    async def fresh_token(self, principal: Principal, attached: Attached) -> Auth:
        """A token for the proxy's next reconnect, to be sent on the open socket.

        Raises `NotAuthenticated` when the token that it was linked with has been revoked.
        """
        expires_at_ms = int((time.time() + TOKEN_LIFE_S) * 1000)
        proxy = ProxyId(attached.link)
        token = await self._access.issue_proxy_token(principal, proxy, expires_at_ms=expires_at_ms)
        return Auth(token=token, expires_at_ms=expires_at_ms)
