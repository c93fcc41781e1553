"""Who is asking, and what each kind of token and each member's role may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from broker.domain.agents.agents import RunPart
from broker.domain.errors import NotPermitted
from broker.domain.ids import (
    AccountId,
    AgentId,
    FamilyId,
    MemberId,
    ProviderId,
    ProxyId,
    ServiceAccountId,
    SessionId,
    TokenId,
    WorkspaceId,
)
from broker.domain.messages.messages import Role, Sender
from broker.domain.people.privacy import Level, Privacy
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan

SHARE_S = 7 * 24 * 3600
"""How long a share link works unless told."""
MAX_SHARE_S = 90 * 24 * 3600
MAX_TOKENS = 5000
"""That people made, in one workspace: all are looked at when one ends."""
MAX_PERSONAL_TOKENS = 50
"""Of one person in one workspace."""
MAX_SERVICE_ACCOUNTS = 200
"""Of one workspace."""
MAX_ONLY = 50
"""Sessions that one token is limited to."""


class MemberRole(StrEnum):
    """What a person is in a workspace."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"
    BILLING = "billing"
    """Pays: sees no sessions."""


class Permission(StrEnum):
    """One thing a principal may do."""

    READ = "read"
    READ_WORKSPACE = "read_workspace"
    """What is not of one session: machines and rules."""
    SEND = "send"
    SPAWN = "spawn"
    RELEASE = "release"
    APPROVE = "approve"
    METER = "meter"
    """See what was used."""
    BILL = "bill"
    """See and change plan, invoices and budgets."""
    ADMINISTER = "administer"
    """Tokens, rules and members."""
    LINK = "link"
    """Connect a machine."""


class TokenScope(StrEnum):
    """What a personal token, or a service account's, was made for. Each includes reading what it acts on."""

    READ = "read"
    """Sessions, logs, machines, rules, usage."""
    SEND = "send"
    """Messages to agents."""
    SPAWN = "spawn"
    """Start and end agents, sessions and runs of workflows."""
    APPROVE = "approve"
    """Answer approvals and questions."""
    ADMINISTER = "administer"
    """As an administrator: who has it can make itself a token with any other."""


_LOOK = frozenset({Permission.READ, Permission.READ_WORKSPACE})
_WORK = _LOOK | {Permission.SEND, Permission.SPAWN, Permission.RELEASE}
_GRANTED: dict[TokenKind, frozenset[Permission]] = {
    TokenKind.WORKSPACE: frozenset(Permission),
    TokenKind.AGENT: _WORK,
    TokenKind.PROXY: frozenset({Permission.LINK}),
    TokenKind.OBSERVER: _LOOK,
    TokenKind.MEMBER: frozenset(),  # by role
    TokenKind.PERSONAL: frozenset(),  # by scopes and role
    TokenKind.SERVICE: frozenset(),  # by scopes
}
_GRANTED_BY_SCOPE: dict[TokenScope, frozenset[Permission]] = {
    TokenScope.READ: _LOOK | {Permission.METER},
    TokenScope.SEND: frozenset({Permission.READ, Permission.SEND}),
    TokenScope.SPAWN: _LOOK | {Permission.SPAWN, Permission.RELEASE},
    TokenScope.APPROVE: frozenset({Permission.READ, Permission.APPROVE}),
    TokenScope.ADMINISTER: _LOOK | {Permission.METER, Permission.ADMINISTER},
}
_OF_SCOPES = frozenset({TokenKind.PERSONAL, TokenKind.SERVICE})
_IN_SESSIONS = frozenset(Permission) - {
    Permission.READ_WORKSPACE,
    Permission.METER,
    Permission.ADMINISTER,
    Permission.LINK,
}
"""What a token of some sessions only may have."""
_GRANTED_BY_ROLE: dict[MemberRole, frozenset[Permission]] = {
    MemberRole.OWNER: frozenset(Permission) - {Permission.LINK},
    MemberRole.ADMIN: frozenset(Permission) - {Permission.LINK},
    MemberRole.MEMBER: _WORK | {Permission.APPROVE, Permission.METER},
    MemberRole.VIEWER: _LOOK | {Permission.METER},
    MemberRole.BILLING: frozenset({Permission.METER, Permission.BILL}),
}


def permissions_of(scopes: Iterable[TokenScope], *, limited: bool) -> frozenset[Permission]:
    """What scopes grant; `limited` to some sessions, that is nothing of the workspace as a whole."""
    granted = frozenset[Permission]().union(*(_GRANTED_BY_SCOPE[each] for each in scopes))
    return granted & _IN_SESSIONS if limited else granted


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Who made a token: with which token, and which member stands behind it. It ends with either."""

    token: TokenId | None = None
    """None where a member was signed in."""
    member: MemberId | None = None
    """None for what nobody in particular made: the key in a data folder, and what was made with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a request shows of its caller, and which workspace it is meant for."""

    token: str | None = field(repr=False)
    workspace: str | None = None
    """A slug or an id, as the request says it; None when it names none."""

    def for_workspace(self, workspace: str | None) -> Credential:
        """The same token for another workspace."""
        return replace(self, workspace=workspace)

    def with_token(self, token: str | None) -> Credential:
        """Another token for the same workspace."""
        return replace(self, token=token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The authenticated caller. Everything it does stays inside `workspace`."""

    workspace: WorkspaceId
    kind: TokenKind
    token_id: TokenId
    """Of what it came with: a token that people made, a sign-in, or an agent's process. A short-lived token has the id
    of what it was exchanged for, and hangs on that."""
    name: str
    """For people: the token's name, or the agent's."""
    plan: Plan
    slug: str = ""
    """What the workspace's addresses call it; read with each use."""
    person: bool = False
    """Whether a human is behind it; decides how its messages are signed, so programs must not have it."""
    session: SessionId | None = None
    """An agent's own session, or the one that was shared: it sees no other."""
    agent: AgentId | None = None
    generation: int | None = None
    """Of an agent's process, or of a member's sign-ins: tokens of an older one are good no longer."""
    part: RunPart | None = None
    """What an agent is in a run of a workflow."""
    proxy: ProxyId | None = None
    """A proxy token issued in-band is good for that proxy only."""
    member: MemberId | None = None
    account: AccountId | None = None
    """Of a person who signed in: they may be in other workspaces, too, as another member."""
    role: MemberRole | None = None
    """A member's, at the time of authentication."""
    expires_at_ms: int | None = None
    """When the token ends, as far as is known: a member's moves on while it is used."""
    made_by: Maker | None = None
    """None where that was not written down: by earlier versions, and for the key of a data folder."""
    machine: str | None = None
    """The only machine, by its own id, that a short-lived token links."""
    scopes: tuple[TokenScope, ...] | None = None
    """Of a personal token or a service account's; None for others."""
    only: tuple[SessionId, ...] | None = None
    """The sessions that such a token is limited to; None when it is not."""
    service: ServiceAccountId | None = None
    provider: ProviderId | None = None
    """The identity provider by which a member has signed in; None for who came by a link."""
    family: FamilyId | None = None
    """Of a short-lived token: those that were renewed one from the other. They end together."""
    access: int | None = None
    """How often access had changed in the workspace when this was read there; None for what was not. A script carries
    nothing out for a caller that was read before a change."""

    privacy: Privacy | None = field(default=None, repr=False, compare=False)
    """The workspace's private sessions; None for a caller that was not read there."""

    def without_standing(self) -> Principal:
        """What is written down of it: what is read in the workspace with each use is not."""
        return replace(self, access=None, privacy=None)

    def level_in(self, session: SessionId) -> Level | None:
        """What it may do in a session as far as its permissions go; None where it does not see that.

        Who administers the workspace could take any access, and has it.
        """
        if self.session is not None:
            return Level.DRIVER if self.session == session else None
        if self.only is not None and session not in self.only:
            return None
        if self.only is not None and self.kind is TokenKind.SERVICE:  # who made it let it in
            return Level.DRIVER
        if self.role is not None and Permission.READ not in self.permissions:
            return None
        if self.privacy is None or Permission.ADMINISTER in self.permissions:
            return Level.DRIVER
        return self.privacy.level(session, self.answerable)

    def sees(self, session: SessionId) -> bool:
        """Whether a session is there for it."""
        return self.level_in(session) is not None

    def require_to_drive(self, session: SessionId) -> None:
        """Raise `NotPermitted` unless it may do more than look there."""
        if self.level_in(session) is not Level.DRIVER:
            raise NotPermitted("you may look at this private session, and do nothing in it: ask for the level driver")

    @property
    def sees_all(self) -> bool:
        """Whether every session of the workspace is there for it."""
        return self.session is None and self.only is None and not self.hidden

    @property
    def hidden(self) -> frozenset[SessionId]:
        """Sessions that it does not see, of those that are not bound to one."""
        if self.privacy is None or self.session is not None or Permission.ADMINISTER in self.permissions:
            return frozenset()
        return self.privacy.hidden_from(self.answerable)

    def require(self, permission: Permission) -> None:
        """Raise `NotPermitted` unless this principal may do that."""
        if permission not in self.permissions:
            raise NotPermitted(f"{self._described} may not {permission}")

    @property
    def _described(self) -> str:
        if self.kind is TokenKind.MEMBER:
            return f"a member with the role {self.role}"
        if self.scopes is None:
            return f"a {self.kind} token"
        of = "" if self.role is None else f" of a {self.role}"
        limited = "" if self.only is None else " in some sessions"
        return f"a {self.kind} token{of} with the scopes {', '.join(sorted(self.scopes)) or 'none'}{limited}"

    @property
    def permissions(self) -> frozenset[Permission]:
        """All it may do."""
        if self.kind in _OF_SCOPES:
            granted = permissions_of(self.scopes or (), limited=self.only is not None)
            if self.kind is TokenKind.SERVICE:
                return granted
            return granted & (_GRANTED_BY_ROLE[self.role] if self.role is not None else frozenset())
        if self.role is not None:
            return _GRANTED_BY_ROLE[self.role]
        if self.kind is TokenKind.OBSERVER and self.session is not None:
            return frozenset({Permission.READ})
        return _GRANTED[self.kind]

    @property
    def owns(self) -> bool:
        """Whether it may do what only owners may: change owners, and make and end keys of the workspace."""
        return self.kind is TokenKind.WORKSPACE or (self.role is MemberRole.OWNER and self.scopes is None)

    @property
    def is_person(self) -> bool:
        """Whether a human acts with it."""
        return self.kind is TokenKind.MEMBER or (self.kind is TokenKind.WORKSPACE and self.person)

    @property
    def answerable(self) -> MemberId | None:
        """The member who acts, or who stands behind what acts; nobody behind a service account, whoever made it."""
        if self.kind is TokenKind.SERVICE:
            return None
        return self.member or (self.made_by.member if self.made_by else None)

    @property
    def actor(self) -> MemberId | TokenId | None:
        """Who changes people, for whom only owners change: a member, or a token with scopes, which is no owner whoever
        made it. None for a key of the workspace, which is one."""
        return self.token_id if self.kind in _OF_SCOPES else self.member

    @property
    def maker(self) -> Maker:
        """What is written down of what it makes."""
        return Maker(token=None if self.kind is TokenKind.MEMBER else self.token_id, member=self.answerable)

    def is_same_as(self, other: Principal) -> bool:
        """Whether a connection that was opened for one may go on for the other."""
        if (self.workspace, self.kind, self.session, self.agent) != (
            other.workspace,
            other.kind,
            other.session,
            other.agent,
        ):
            return False
        return self.token_id == other.token_id or (self.member is not None and self.member == other.member)

    @property
    def sender(self) -> Sender:
        """How its messages are signed. An agent's role depends on the recipient: lead or peer."""
        if self.kind is TokenKind.AGENT:
            return Sender(name=self.name, role=Role.PEER, agent_id=self.agent)
        return Sender(name=self.name, role=Role.HUMAN if self.person else Role.EXTERNAL)
