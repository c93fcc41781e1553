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
from broker.domain.errors import NotFound
from broker.domain.logs.pages import MAX_PAGE, Facet, parse_search_cursor
from broker.domain.machines import placement
from broker.domain.people import workspaces
from broker.domain.people.access import MemberRole, Permission, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Limits, Plan
from broker.domain.plans.usage import UsageBy
from broker.domain.views.views import ViewPage
from broker.services.logs.search import MAX_CONTEXT
from broker.services.people.invitations import ShownInvitation
from broker.services.ports import TokenRecord
from graphql_api.context import Info
from graphql_api.pagination import After, Connection, Edge, First, Place, check_first, page_of, within
from graphql_api.types.approvals import Approval, Rule
from graphql_api.types.audit import AuditRecord
from graphql_api.types.budgets import MAX_PAUSES, Budget, Pause, budget_place
from graphql_api.types.fields import resolve
from graphql_api.types.groups import Group, group_page
from graphql_api.types.invitations import Invitation
from graphql_api.types.log.logs import FacetCount, LogHit, LogHits, TimeBucket
from graphql_api.types.machine_codes import MachineCode
from graphql_api.types.members import Member, Search, people_page
from graphql_api.types.needs import Need, need_place
from graphql_api.types.node import Node
from graphql_api.types.proxies import Proxy
from graphql_api.types.questions import Question
from graphql_api.types.sessions import Session
from graphql_api.types.single_sign_on import SingleSignOn, single_sign_on_of
from graphql_api.types.stops import Stop
from graphql_api.types.tokens import ServiceAccount, Token
from graphql_api.types.usage import MessagesToday, Usage
from graphql_api.types.views import SavedView

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

    @resolve("What its plan allows.")
    def limits(self, info: Info) -> PlanLimits:
        """By plan."""
        return PlanLimits.of(info.context.services.plans.table.limits(self.plan))

    @resolve("The version of the broker that answers.")
    def version(self) -> str:
        """For clients that live longer than a deployment."""
        return __version__

    @resolve("Its sessions, as far as the caller sees them, the newest first.")
    async def sessions(self, info: Info, *, first: First = 50, after: After = None) -> Connection[Session]:
        """Newest first."""
        services = info.context.services
        found = await services.sessions.visible(info.context.principal)
        return page_of(found, lambda each: Session.of(each, services), place=_newest, first=first, after=after)

    @resolve("Its machines by name, away ones too.")
    async def proxies(self, info: Info, *, first: First = 50, after: After = None) -> Connection[Proxy]:
        """By name."""
        found = await info.context.services.sessions.proxies(info.context.principal)
        return page_of(found, Proxy.of, place=_by_name, first=first, after=after)

    @resolve("What is stopped, as far as the caller sees it, the widest first.")
    async def stops(self, info: Info) -> list[Stop]:
        """All that stand."""
        return [Stop.of(each) for each in await info.context.services.stops.standing(info.context.principal)]

    @resolve("Everything that needs a person, as far as the caller sees it: what blocks something first.")
    async def needs(self, info: Info, *, first: First = 50, after: After = None) -> Connection[Need]:
        """Approvals, questions, failures, machines that are away, runs, budgets and limits."""
        found = await info.context.services.needs.standing(info.context.principal)
        return page_of(found, Need.of, place=need_place, first=first, after=after)

    @resolve("What waits for somebody's answer, as far as the caller sees it, the longest waiting first.")
    async def approvals(self, info: Info, *, first: First = 50, after: After = None) -> Connection[Approval]:
        """Of all sessions."""
        page = await info.context.services.desk.waiting(
            info.context.principal,
            limit=check_first(first),
            after=None if after is None else parse_approval_place(after),
        )
        edges = [
            Edge(cursor=str(ApprovalPlace(each.asked_at_ms, each.id)), node=Approval.of(each))
            for each in page.approvals
        ]
        return Connection.of(edges, more=page.next is not None, earlier=after is not None, total=page.total)

    @resolve("Questions of agents among what waits, the longest waiting first: those of the first 100 that wait.")
    async def questions(self, info: Info) -> list[Question]:
        """Of all sessions."""
        page = await info.context.services.desk.waiting(info.context.principal)
        return [Question.of(each) for each in page.approvals if each.is_question]

    @resolve("The views of a page of the dashboard that people have saved, by name.")
    async def saved_views(
        self, info: Info, page: Annotated[ViewPage, strawberry.argument(description="The page.")]
    ) -> list[SavedView]:
        """For who sees the whole workspace."""
        return [SavedView.of(each) for each in await info.context.services.views.list(info.context.principal, page)]

    @resolve("The rules that answer approvals, in their order.")
    async def rules(self, info: Info) -> list[Rule]:
        """All of them."""
        return [Rule.of(each) for each in await info.context.services.rules.rules(info.context.principal)]

    @resolve("Its tokens, the oldest first. For who administers.")
    async def tokens(self, info: Info, *, first: First = 50, after: After = None) -> Connection[Token]:
        """Those that were made by somebody."""
        found = await info.context.services.access.tokens(info.context.principal)
        return page_of(found, Token.of, place=_oldest, first=first, after=after)

    @resolve("Its open codes that link a machine, the oldest first. For who administers.")
    async def machine_codes(self, info: Info) -> list[MachineCode]:
        """Those that were neither used nor revoked."""
        return [MachineCode.of(each) for each in await info.context.services.enrolment.codes(info.context.principal)]

    @resolve("Its service accounts, by name. For who administers.")
    async def service_accounts(self, info: Info) -> list[ServiceAccount]:
        """All of them."""
        services, principal = info.context.services, info.context.principal
        tokens = await services.access.tokens(principal)
        return [ServiceAccount.of(each, tokens) for each in await services.scoped_tokens.accounts(principal)]

    @resolve("Its people, in the order they came; by name where a part of it is looked for. For who administers.")
    async def members(
        self, info: Info, *, search: Search = None, first: First = 50, after: After = None
    ) -> Connection[Member]:
        """In the order they came."""
        page = await info.context.services.members.page(
            info.context.principal, search=search, after=after, limit=check_first(first)
        )
        return people_page(page, after=after)

    @resolve("Its groups by name.")
    async def groups(
        self, info: Info, *, search: Search = None, first: First = 50, after: After = None
    ) -> Connection[Group]:
        """By name."""
        page = await info.context.services.groups.page(
            info.context.principal, search=search, after=after, limit=check_first(first)
        )
        return group_page(page, after=after)

    @resolve("One group by its key; null when there is none.")
    async def group(self, info: Info, key: Annotated[str, strawberry.argument(description="Its key.")]) -> Group | None:
        """One."""
        try:
            return Group.of(await info.context.services.groups.get(info.context.principal, key))
        except NotFound:
            return None

    @resolve("Its open invitations, the newest first. For who administers.")
    async def invitations(self, info: Info, *, first: First = 50, after: After = None) -> Connection[Invitation]:
        """Newest first."""
        found = await info.context.services.invitations.list(info.context.principal)
        return page_of(found, Invitation.of, place=_newest_invitation, first=first, after=after)

    @resolve("The people in one group, by name. For who administers.")
    async def group_members(
        self,
        info: Info,
        group: Annotated[str, strawberry.argument(description="Its key.")],
        *,
        search: Search = None,
        first: First = 50,
        after: After = None,
    ) -> Connection[Member]:
        """By name."""
        page = await info.context.services.groups.members(
            info.context.principal, group, search=search, after=after, limit=check_first(first)
        )
        return people_page(page, after=after)

    @resolve("What was done in it, the newest first; a short page may have a next one. For who administers.")
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
        page = await trail.page(principal, AuditFilter(act=act, by=by, on=on), before=before, limit=check_first(first))
        names = await trail.names(principal, page.records)
        edges = [
            Edge(cursor=str(Place(each.number, "")), node=AuditRecord.of(each, name_of(each.by, names)))
            for each in page.records
        ]
        found: Connection[AuditRecord] = Connection.of(edges, more=page.next is not None, earlier=after is not None)
        if page.next is not None:  # it is ahead of what was looked at, which may be behind the last that was wanted
            found.page_info.end_cursor = str(Place(page.next, ""))
        return found

    @resolve("Whether its people may sign in by an identity provider of its own.")
    async def has_single_sign_on(self, info: Info) -> bool:
        """For everybody in it."""
        return await info.context.services.single_sign_on.is_set_up(info.context.principal)

    @resolve("Single sign-on: its identity provider, and how people sign in by it. For who administers.")
    async def single_sign_on(self, info: Info) -> SingleSignOn:
        """As it is set up, if it is."""
        found = await info.context.services.single_sign_on.get(info.context.principal)
        return single_sign_on_of(info, found)

    @resolve("What was used from one UTC day to another, both included.")
    async def usage(
        self,
        info: Info,
        *,
        since: Annotated[date, strawberry.argument(description="The first day.")],
        until: Annotated[date, strawberry.argument(description="The last day.")],
        by: Annotated[UsageBy, strawberry.argument(description="What one line is about.")],
    ) -> list[Usage]:
        """Lines in order of what they are about."""
        lines = await info.context.loaders.usage_by.load((since, until, by))
        return [Usage.of(line) for line in lines]

    @resolve(
        "Its budgets with what is spent of them, as far as the caller sees them. For who may see the whole workspace,"
        " or pays for it."
    )
    async def budgets(self, info: Info, *, first: First = 50, after: After = None) -> Connection[Budget]:
        """As they stand now."""
        found = await info.context.services.budgets.all(info.context.principal)
        return page_of(found, Budget.of, place=budget_place, first=first, after=after)

    @resolve("What budgets and limits have made wait, the latest first: 100 at most. For who may see budgets.")
    async def pauses(self, info: Info) -> list[Pause]:
        """What stopped what."""
        found = await info.context.services.budgets.pauses(info.context.principal)
        return [Pause.of(each, is_over=is_over) for each, is_over in found[:MAX_PAUSES]]

    @resolve("How many messages of today's the plan still has. For who may see what was used.")
    async def messages_today(self, info: Info) -> MessagesToday:
        """Since 00:00 UTC."""
        return MessagesToday.of(await info.context.services.meter.messages_today(info.context.principal))

    @resolve("Log lines that match a search, the newest first.")
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
            limit=check_first(first),
            before=None if after is None else parse_search_cursor(after),
            context=within("context", context, least=0, most=MAX_CONTEXT),
        )
        return LogHit.page(found, earlier=after is not None)

    @resolve("How many log lines match a search over time; empty spans are left out.")
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

    @resolve("The most frequent values of a field among the log lines that match a search.")
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
            info.context.principal, query, field, session=session, limit=check_first(first)
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

    @resolve("The workspaces that whoever signed in is in, by name; for every other caller its own.")
    async def workspaces(self, info: Info) -> list[WorkspaceChoice]:
        """What a switcher offers."""
        found = await info.context.services.workspaces.of(info.context.principal)
        return [WorkspaceChoice.of(each) for each in found]

    @resolve("The personal tokens of whoever signed in, the oldest first.")
    async def personal_tokens(self, info: Info) -> list[Token]:
        """Their own."""
        return [Token.of(each) for each in await info.context.services.scoped_tokens.personal(info.context.principal)]

    @resolve("The workspace the caller belongs to.")
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


def _newest_invitation(shown: ShownInvitation) -> Place:
    return Place(-shown.invitation.made_at_ms, shown.invitation.id)


def _by_name(proxy: placement.Proxy) -> Place:
    return Place(0, f"{proxy.name}\n{proxy.id}")
