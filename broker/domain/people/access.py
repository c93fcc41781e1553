"""Who is asking, and what each kind of token and each member's role may do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from broker.domain.agents.agents import RunPart
from broker.domain.errors import NotPermitted
from broker.domain.ids import AccountId, AgentId, FamilyId, MemberId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.messages.messages import Role, Sender
from broker.domain.plans.plans import Plan


class TokenKind(StrEnum):
    """What a token stands for; its prefix shows it to a person who finds one."""

    WORKSPACE = "workspace"
    AGENT = "agent"
    PROXY = "proxy"
    OBSERVER = "observer"
    """Reads only; a share link's is bound to one session and ends by itself."""
    MEMBER = "member"
    """A person who signed in; what it may do is the member's present role."""


PREFIXES: dict[TokenKind, str] = {
    TokenKind.WORKSPACE: "rk_live_",
    TokenKind.AGENT: "at_live_",
    TokenKind.PROXY: "nt_live_",
    TokenKind.OBSERVER: "ot_live_",
    TokenKind.MEMBER: "mt_live_",
}
SIGN_IN_PREFIX = "oc_live_"
"""Of one-time sign-in codes, so that whatever masks tokens masks them too."""
REFRESH_PREFIX = "rt_live_"
"""Of what a short-lived token is renewed with."""

SHARE_S = 7 * 24 * 3600
"""How long a share link works unless told."""
MAX_SHARE_S = 90 * 24 * 3600


MAX_TOKENS = 5000
"""That people made, in one workspace: all are looked at when one ends."""


class MemberRole(StrEnum):
    """What a person is in a workspace."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


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
    ADMINISTER = "administer"
    """Tokens, rules and members."""
    LINK = "link"
    """Connect a machine."""


_LOOK = frozenset({Permission.READ, Permission.READ_WORKSPACE})
_WORK = _LOOK | {Permission.SEND, Permission.SPAWN, Permission.RELEASE}
_GRANTED: dict[TokenKind, frozenset[Permission]] = {
    TokenKind.WORKSPACE: frozenset(Permission),
    TokenKind.AGENT: _WORK,
    TokenKind.PROXY: frozenset({Permission.LINK}),
    TokenKind.OBSERVER: _LOOK,
    TokenKind.MEMBER: frozenset(),  # by role
}
_GRANTED_BY_ROLE: dict[MemberRole, frozenset[Permission]] = {
    MemberRole.OWNER: frozenset(Permission) - {Permission.LINK},
    MemberRole.ADMIN: frozenset(Permission) - {Permission.LINK},
    MemberRole.MEMBER: _WORK | {Permission.APPROVE, Permission.METER},
    MemberRole.VIEWER: _LOOK | {Permission.METER},
}


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

    def named(self, workspace: str | None) -> Credential:
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
    family: FamilyId | None = None
    """Of a short-lived token: those that were renewed one from the other. They end together."""

    def require(self, permission: Permission) -> None:
        """Raise `NotPermitted` unless this principal may do that."""
        if permission not in self.permissions:
            who = f"a member with the role {self.role}" if self.kind is TokenKind.MEMBER else f"a {self.kind} token"
            raise NotPermitted(f"{who} may not {permission}")

    @property
    def permissions(self) -> frozenset[Permission]:
        """All it may do."""
        if self.role is not None:
            return _GRANTED_BY_ROLE[self.role]
        if self.kind is TokenKind.OBSERVER and self.session is not None:
            return frozenset({Permission.READ})
        return _GRANTED[self.kind]

    @property
    def owns(self) -> bool:
        """Whether it may do what only owners may: change owners, and make and end keys of the workspace."""
        return self.kind is TokenKind.WORKSPACE or self.role is MemberRole.OWNER

    @property
    def is_person(self) -> bool:
        """Whether a human acts with it."""
        return self.kind is TokenKind.MEMBER or (self.kind is TokenKind.WORKSPACE and self.person)

    @property
    def answerable(self) -> MemberId | None:
        """The member who acts, or who stands behind what acts."""
        return self.member or (self.made_by.member if self.made_by else None)

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
