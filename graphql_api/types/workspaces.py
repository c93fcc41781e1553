"""The workspace, and who looks at it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

import strawberry
from strawberry import ID

from broker import __version__
from broker.domain.agents import sessions
from broker.domain.approvals.approvals import ApprovalPlace, parse_approval_place
from broker.domain.audit.records import AuditFilter, name_of
from broker.domain.logs.pages import MAX_PAGE, Facet, parse_search_cursor
from broker.domain.machines import placement
from broker.domain.people import members, workspaces
from broker.domain.people.access import MemberRole, Permission, Principal, TokenKind
from broker.domain.plans.plans import Limits, Plan
from broker.domain.plans.usage import UsageBy
from broker.services.logs.search import MAX_CONTEXT
from broker.services.ports import TokenRecord
from graphql_api.context import Info
from graphql_api.pagination import After, Connection, Edge, First, Place, checked_first, page_of, within
from graphql_api.types.approvals import Approval, Rule
from graphql_api.types.audit import AuditRecord
from graphql_api.types.fields import resolved
from graphql_api.types.logs import FacetCount, LogHit, LogHits, TimeBucket
from graphql_api.types.members import Member
from graphql_api.types.node import Node
from graphql_api.types.proxies import Proxy
from graphql_api.types.questions import Question
from graphql_api.types.sessions import Session
from graphql_api.types.stops import Stop
from graphql_api.types.tokens import Token
from graphql_api.types.usage import MessagesToday, Usage

_Query = Annotated[
    str, strawberry.argument(description="What to look for, in the language of log searches; '' is everything.")
]
_InSession = Annotated[
    str | None, strawberry.argument(description="Only in this session, by key or name; null searches all.")
]


@strawberry.type(description="What a plan allows; null means as much as you like.")
class PlanLimits:
    """The figures of a plan."""

    agents: int | None = strawberry.field(description="Agents that live at the same time.")
    messages_per_day: int | None = strawberry.field(description="Messages of one UTC day.")
    members: int | None = strawberry.field(description="People.")
    log_days: int = strawberry.field(description="For how many days logs are kept, unless the workspace keeps less.")

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """As the domain knows them."""
        return cls(
            agents=limits.agents or None,
            messages_per_day=limits.messages_per_day or None,
            members=limits.members or None,
            log_days=limits.log_days,
        )


@strawberry.type(description="The tenant that everything belongs to. A token sees nothing of another workspace.")
class Workspace(Node):
    """The caller's workspace."""

    name: str = strawberry.field(description="For people.")
    slug: str = strawberry.field(description="What its addresses call it: `/w/<slug>/…`.")
    plan: Plan = strawberry.field(description="What it pays for.")

    @classmethod
    def of(cls, workspace: workspaces.Workspace) -> Self:
        """As the domain knows it."""
        return cls(key=ID(workspace.id), name=workspace.name, slug=workspace.slug, plan=workspace.plan)

    @resolved("What its plan allows.")
    def limits(self, info: Info) -> PlanLimits:
        """By plan."""
        return PlanLimits.of(info.context.services.plans.table.limits(self.plan))

    @resolved("The version of the broker that answers.")
    def version(self) -> str:
        """For clients that live longer than a deployment."""
        return __version__

    @resolved("Its sessions, as far as the caller sees them, the newest first.")
    async def sessions(self, info: Info, *, first: First = 50, after: After = None) -> Connection[Session]:
        """Newest first."""
        services = info.context.services
        found = await services.sessions.visible(info.context.principal)
        return page_of(found, lambda each: Session.of(each, services), place=_newest, first=first, after=after)

    @resolved("Its machines by name, away ones too.")
    async def proxies(self, info: Info, *, first: First = 50, after: After = None) -> Connection[Proxy]:
        """By name."""
        found = await info.context.services.sessions.proxies(info.context.principal)
        return page_of(found, Proxy.of, place=_by_name, first=first, after=after)

    @resolved("What is stopped, as far as the caller sees it, the widest first.")
    async def stops(self, info: Info) -> list[Stop]:
        """All that stand."""
        return [Stop.of(each) for each in await info.context.services.stops.standing(info.context.principal)]

    @resolved("What waits for somebody's answer, as far as the caller sees it, the longest waiting first.")
    async def approvals(self, info: Info, *, first: First = 50, after: After = None) -> Connection[Approval]:
        """Of all sessions."""
        page = await info.context.services.desk.waiting(
            info.context.principal,
            limit=checked_first(first),
            after=None if after is None else parse_approval_place(after),
        )
        edges = [
            Edge(cursor=str(ApprovalPlace(each.asked_at_ms, each.id)), node=Approval.of(each))
            for each in page.approvals
        ]
        return Connection.of(edges, more=page.next is not None, earlier=after is not None, total=page.total)

    @resolved("Questions of agents among what waits, the longest waiting first: those of the first 100 that wait.")
    async def questions(self, info: Info) -> list[Question]:
        """Of all sessions."""
        page = await info.context.services.desk.waiting(info.context.principal)
        return [Question.of(each) for each in page.approvals if each.is_question]

    @resolved("The rules that answer approvals, in their order.")
    async def rules(self, info: Info) -> list[Rule]:
        """All of them."""
        return [Rule.of(each) for each in await info.context.services.desk.rules(info.context.principal)]

    @resolved("Its tokens, the oldest first. For who administers.")
    async def tokens(self, info: Info, *, first: First = 50, after: After = None) -> Connection[Token]:
        """Those that were made by somebody."""
        found = await info.context.services.access.tokens(info.context.principal)
        return page_of(found, Token.of, place=_oldest, first=first, after=after)

    @resolved("Its people, in the order they came. For who administers.")
    async def members(self, info: Info, *, first: First = 50, after: After = None) -> Connection[Member]:
        """In the order they came."""
        found = await info.context.services.members.members(info.context.principal)
        return page_of(found, Member.of, place=_joined, first=first, after=after)

    @resolved("What was done in it, the newest first; a short page may have a next one. For who administers.")
    async def audit(
        self,
        info: Info,
        *,
        act: Annotated[
            str | None, strawberry.argument(description="An act, or what acts begin with: `member.`.")
        ] = None,
        by: Annotated[str | None, strawberry.argument(description="The key of a token, member or agent.")] = None,
        on: Annotated[str | None, strawberry.argument(description="A part of what it was done to.")] = None,
        up_to: Annotated[
            int | None, strawberry.argument(description="Begin with the record of this number; null: with the newest.")
        ] = None,
        first: First = 50,
        after: After = None,
    ) -> Connection[AuditRecord]:
        """Newest first."""
        principal, trail = info.context.principal, info.context.services.audit
        newest = None if up_to is None else up_to + 1
        before = newest if after is None else Place.read(after).rank
        page = await trail.page(
            principal, AuditFilter(act=act, by=by, on=on), before=before, limit=checked_first(first)
        )
        names = await trail.names(principal)
        edges = [
            Edge(cursor=str(Place(each.number, "")), node=AuditRecord.of(each, name_of(each.by, names)))
            for each in page.records
        ]
        found: Connection[AuditRecord] = Connection.of(edges, more=page.next is not None, earlier=after is not None)
        if page.next is not None:  # it is ahead of what was looked at, which may be behind the last that was wanted
            found.page_info.end_cursor = str(Place(page.next, ""))
        return found

    @resolved("What was used from one UTC day to another, both included.")
    async def usage(
        self,
        info: Info,
        *,
        since: Annotated[date, strawberry.argument(description="The first day.")],
        until: Annotated[date, strawberry.argument(description="The last day.")],
        by: Annotated[UsageBy, strawberry.argument(description="What one line is about.")],
    ) -> list[Usage]:
        """Lines in order of what they are about."""
        lines = await info.context.services.meter.usage(info.context.principal, since=since, until=until, by=by)
        return [Usage.of(line) for line in lines]

    @resolved("How many messages of today's the plan still has. For who may see what was used.")
    async def messages_today(self, info: Info) -> MessagesToday:
        """Since 00:00 UTC."""
        return MessagesToday.of(await info.context.services.meter.messages_today(info.context.principal))

    @resolved("Log lines that match a search, the newest first.")
    async def logs(
        self,
        info: Info,
        query: _Query,
        *,
        session: _InSession = None,
        first: First = 50,
        after: After = None,
        context: Annotated[
            int, strawberry.argument(description="Lines to show around each, 20 at most; pages get shorter with it.")
        ] = 0,
    ) -> LogHits:
        """Pages are shorter with context."""
        found = await info.context.services.log_search.search(
            info.context.principal,
            query,
            session=session,
            limit=checked_first(first),
            before=None if after is None else parse_search_cursor(after),
            context=within("context", context, least=0, most=MAX_CONTEXT),
        )
        return LogHit.page(found, earlier=after is not None)

    @resolved("How many log lines match a search over time; empty spans are left out.")
    async def histogram(
        self,
        info: Info,
        query: _Query,
        *,
        session: _InSession = None,
        buckets: Annotated[int, strawberry.argument(description="Into how many equal spans, 1000 at most.")] = 60,
    ) -> list[TimeBucket]:
        """Equal spans."""
        found = await info.context.services.log_search.histogram(
            info.context.principal, query, session=session, buckets=within("buckets", buckets, least=1, most=MAX_PAGE)
        )
        return [TimeBucket.of(each) for each in found]

    @resolved("The most frequent values of a field among the log lines that match a search.")
    async def facets(
        self,
        info: Info,
        query: _Query,
        *,
        field: Annotated[Facet, strawberry.argument(description="The field.")],
        session: _InSession = None,
        first: First = 20,
    ) -> list[FacetCount]:
        """The most frequent first."""
        found = await info.context.services.log_search.facets(
            info.context.principal, query, field, session=session, limit=checked_first(first)
        )
        return [FacetCount.of(each) for each in found]


@strawberry.type(description="One of the workspaces that somebody may go to; what is in it is asked for there.")
class WorkspaceChoice:
    """A line of a switcher."""

    key: ID = strawberry.field(description="Its key.")
    slug: str = strawberry.field(description="What its addresses call it: `/w/<slug>/…`.")
    name: str = strawberry.field(description="For people.")

    @classmethod
    def of(cls, workspace: workspaces.Workspace) -> Self:
        """As the domain knows it."""
        return cls(key=ID(workspace.id), slug=workspace.slug, name=workspace.name)


@strawberry.type(description="Who asks.")
class Viewer:
    """The caller behind the request's token."""

    kind: TokenKind = strawberry.field(description="What the token stands for.")
    name: str = strawberry.field(description="The token's name, the member's or the agent's.")
    member_key: ID | None = strawberry.field(description="The member's key; null for who is none.")
    role: MemberRole | None = strawberry.field(description="A member's role; null for who is none.")
    permissions: list[Permission] = strawberry.field(description="All that the caller may do.")
    session_key: ID | None = strawberry.field(description="The only session the caller sees; null when it sees all.")

    @classmethod
    def of(cls, principal: Principal) -> Self:
        """As it authenticated."""
        return cls(
            kind=principal.kind,
            name=principal.name,
            member_key=None if principal.member is None else ID(principal.member),
            role=principal.role,
            permissions=sorted(principal.permissions),
            session_key=None if principal.session is None else ID(principal.session),
        )

    @resolved("The workspaces that whoever signed in is in, by name; for every other caller its own.")
    async def workspaces(self, info: Info) -> list[WorkspaceChoice]:
        """What a switcher offers."""
        found = await info.context.services.workspaces.of(info.context.principal)
        return [WorkspaceChoice.of(each) for each in found]

    @resolved("The workspace the caller belongs to.")
    async def workspace(self, info: Info) -> Workspace:
        """The caller's own."""
        return await own_workspace(info)


async def own_workspace(info: Info) -> Workspace:
    """The caller's own."""
    return Workspace.of(await info.context.services.access.workspace(info.context.principal))


def _newest(session: sessions.Session) -> Place:
    return Place(-session.created_at_ms, session.id)


def _oldest(token: TokenRecord) -> Place:
    return Place(token.created_at_ms, token.id)


def _joined(member: members.Member) -> Place:
    return Place(member.created_at_ms, member.id)


def _by_name(proxy: placement.Proxy) -> Place:
    return Place(0, f"{proxy.name}\n{proxy.id}")
