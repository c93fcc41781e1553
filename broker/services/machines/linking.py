"""A connected peer's link: taking it over, its commands, its reports."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import replace

from broker.domain.agents.sessions import DEFAULT_SESSION, Session
from broker.domain.errors import BadRequest, NotFound, NotPermitted
from broker.domain.ids import AgentId, LinkId, ProxyId, SessionId, WorkspaceId
from broker.domain.machines.load import MachineLoad
from broker.domain.names import looks_like_id, show_name
from broker.domain.people.access import Permission, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.proxy import Auth, Hello, NumberedReport, Report, Started, StateChanged
from broker.services.agents.sessions import Sessions
from broker.services.approvals.desk import ApprovalDesk
from broker.services.people.access import Access, OfferedToken
from broker.services.people.short_lived_tokens import ShortLivedTokens
from broker.services.permissions import check_within, requires
from broker.services.ports import Attached, DecidedApproval, Held, Links, NumberedFact, Registry, Unfinished
from broker.services.redaction import Redaction

_HELLO_BYTES = 64 * 1024
"""It is kept as long as the machine is known, and read at every placement."""
_MOST_LABELS = 50
_MOST_AGENTS = 2000
"""Of one machine: all are looked at in one step, in which the store serves nobody else."""


def direct_link(agent: AgentId) -> LinkId:
    """The link of an agent that dials in itself."""
    return LinkId(f"direct:{agent}")


def _presentable(hello: Hello) -> Hello:
    """As people may see it. Raises `BadRequest` (INVALID_NAME): a machine called like an id would pass for another."""
    labels = [show_name(label) for label in hello.labels[:_MOST_LABELS]]
    name = show_name(hello.name)
    if looks_like_id(name):
        raise BadRequest(
            f"this machine's name, {name!r}, looks like an id: give it another with --name", code="INVALID_NAME"
        )
    return hello.model_copy(update={"name": name, "labels": labels})


class Linking:
    """What a gateway does for one connected peer."""

    def __init__(
        self,
        links: Links,
        registry: Registry,
        sessions: Sessions,
        *,
        access: Access,
        short_lived: ShortLivedTokens,
        desk: ApprovalDesk,
        redaction: Redaction,
    ) -> None:
        self._links = links
        self._registry = registry
        self._sessions = sessions
        self._access = access
        self._short_lived = short_lived
        self._desk = desk
        self._redaction = redaction
        self._held: dict[WorkspaceId, dict[LinkId, Held]] = {}

    @requires(Permission.LINK)
    async def attach(self, principal: Principal, hello: Hello) -> tuple[Attached, Session]:
        """Take a proxy's connection over. Raises `NotPermitted`, `BadRequest`, `NotFound` (its session)."""
        if principal.machine not in {None, hello.machine_id}:
            raise NotPermitted("this token was issued to another machine")
        hello = _presentable(hello)
        proxy = await self._registry.link_machine(
            principal.workspace,
            hello.machine_id,
            new_id=ProxyId(uuid.uuid4().hex),
            token=principal.token_id,
            take=principal.kind is TokenKind.WORKSPACE,
            member=principal.answerable,
            only=principal.proxy,
        )
        session = await self._session(principal, hello.session)
        attached = await self._attach(principal, LinkId(proxy), hello, session.id)
        # A process is told once: all machines of a workspace may come back in the same second.
        namesake = attached.fresh and await self._registry.has_namesake(principal.workspace, proxy, hello.name)
        return replace(attached, namesake=namesake), session

    @check_within("only an agent's own token stands for an agent")
    async def attach_direct(self, principal: Principal, hello: Hello) -> Attached:
        """Take the connection of an agent that dials in itself."""
        if principal.agent is None:
            raise NotPermitted("only an agent's own token opens this connection")
        return await self._attach(principal, direct_link(principal.agent), hello, None)

    @check_within("who is attached may")
    async def list_unfinished(self, principal: Principal, agent: AgentId) -> Unfinished:
        """What the connections before an attached one have left."""
        return await self._links.list_unfinished(principal.workspace, agent)

    async def _attach(self, principal: Principal, link: LinkId, hello: Hello, session: SessionId | None) -> Attached:
        if len(hello.model_dump_json(exclude={"agents"})) > _HELLO_BYTES:
            raise BadRequest(f"a hello has {_HELLO_BYTES} bytes at most, its agents apart", code="TOO_LARGE")
        if len(hello.agents) > _MOST_AGENTS:
            raise BadRequest(f"a machine has {_MOST_AGENTS} agents at most", code="TOO_LARGE")
        attached = await self._links.attach(
            principal.workspace, link, hello, session=session, epoch=secrets.token_hex(4)
        )
        held = Held(fence=attached.fence, reports=attached.reports_seen)
        self._held.setdefault(principal.workspace, {})[link] = held
        return attached

    def workspaces(self) -> list[WorkspaceId]:
        """Those with connections here."""
        return list(self._held)

    async def renew(self, workspace: WorkspaceId) -> None:
        """Say that a workspace's connections here live. Raises `Unavailable`."""
        if held := self._held.get(workspace):
            await self._links.renew(workspace, held)

    async def _session(self, principal: Principal, reference: str | None) -> Session:
        """The session a proxy names, made when a person's key may make it."""
        if reference is None or Permission.SPAWN in principal.permissions:
            return await self._sessions.get_or_make(principal, reference or DEFAULT_SESSION)
        try:
            return await self._sessions.get(principal, reference)
        except NotFound:
            raise NotFound(
                f"no session {reference[:40]!r}: a token that only links makes none; name it at a terminal first",
                code="SESSION_NOT_FOUND",
            ) from None

    @check_within("who is attached may")
    async def detach(self, principal: Principal, attached: Attached) -> None:
        """The connection is gone. When that cannot be said now, its lease ends: it is not renewed from here on."""
        held = self._held.get(principal.workspace, {})
        if self._is_held(principal.workspace, attached):
            del held[attached.link]
            if not held:
                del self._held[principal.workspace]
        await self._links.detach(principal.workspace, attached.link, fence=attached.fence)

    @check_within("who is attached may")
    async def commands(self, principal: Principal, attached: Attached, *, after: int) -> list[tuple[int, str]]:
        """Commands after a number. Raises `Unavailable` when the store has lost the last ones before it."""
        return await self._links.commands(principal.workspace, attached.link, after=after)

    @check_within("who is attached may")
    async def acknowledge(self, principal: Principal, attached: Attached, seq: int) -> bool:
        """The peer has all commands up to `seq`; False when the connection is fenced."""
        return await self._links.acknowledge(principal.workspace, attached.link, fence=attached.fence, seq=seq)

    @check_within("who is attached may")
    async def note_load(self, principal: Principal, attached: Attached, load: MachineLoad) -> None:
        """How busy a machine is now."""
        await self._links.note_load(principal.workspace, attached.link, load, fence=attached.fence)

    @check_within("who is attached may")
    async def report(
        self, principal: Principal, attached: Attached, reports: Sequence[NumberedReport], *, spool: str
    ) -> int:
        """Apply a peer's reports, each once and in order; the number of the last. Raises `Fenced`, `Unavailable`."""
        facts = [
            NumberedFact(seq=r.seq, fact=await self._fact(principal, r.report), frame_id=r.frame_id) for r in reports
        ]
        redactor = await self._redaction.redactor(principal.workspace)
        offered = [
            await self._read_offer(principal, attached, each.report)
            for each in reports
            if isinstance(each.report, Started)
        ]
        await self._links.apply(
            principal.workspace, attached.link, facts, fence=attached.fence, spool=spool, redactor=redactor
        )
        for token in offered:
            if token is not None:
                await self._access.keep_agent(token)
        last = reports[-1].seq
        if self._is_held(principal.workspace, attached):
            self._held[principal.workspace][attached.link] = Held(fence=attached.fence, reports=last)
        return last

    def _is_held(self, workspace: WorkspaceId, attached: Attached) -> bool:
        held = self._held.get(workspace, {}).get(attached.link)
        return held is not None and held.fence == attached.fence

    async def _read_offer(self, principal: Principal, attached: Attached, started: Started) -> OfferedToken | None:
        """The token that a proxy made for its agent's process, which may use it as soon as it is there."""
        return await self._access.offer_agent(
            principal.workspace,
            started.agent,
            generation=started.generation,
            sha256=started.token_sha256,
            plan=principal.plan,
            proxy=ProxyId(attached.link),
        )

    async def _fact(self, principal: Principal, report: Report) -> Report | DecidedApproval:
        if isinstance(report, StateChanged) and isinstance(report.event, ApprovalRequested):
            return await self._desk.decide(
                principal.workspace, report.agent, generation=report.generation, event=report.event
            )
        return report

    @check_within("a refresh token is the right to it")
    async def refresh(self, principal: Principal, refresh_token: str) -> tuple[Principal, Auth]:
        """Renew the short-lived token of a connected machine: whom it stands for from now on, and what to answer.

        Raises `NotAuthenticated`, and `NotPermitted` for what renews another's.
        """
        renewed = await self._short_lived.renew(refresh_token)
        if not _is_same(renewed.principal, principal):
            raise NotPermitted("this refresh token is not the one of this connection")
        auth = Auth(token=renewed.token, expires_at_ms=renewed.expires_at_ms, refresh_token=renewed.refresh_token)
        return await self._access.present(renewed.principal), auth


def _is_same(renewed: Principal, principal: Principal) -> bool:
    """Whether two tokens link the same machine for the same maker."""
    return (
        renewed.workspace == principal.workspace
        and renewed.kind is TokenKind.PROXY
        and renewed.token_id == principal.token_id
        and principal.machine in {None, renewed.machine}
    )
