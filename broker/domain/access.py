"""Who is asking, and what each kind of token and each member's role may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import NotPermitted
from broker.domain.ids import AgentId, MemberId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.messages import Role, Sender
from broker.domain.plans import Plan


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

SHARE_S = 7 * 24 * 3600
"""How long a share link works unless told."""
MAX_SHARE_S = 90 * 24 * 3600


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
class Principal:
    """The authenticated caller. Everything it does stays inside `workspace`."""

    workspace: WorkspaceId
    kind: TokenKind
    token_id: TokenId
    name: str
    """For people: the token's name, or the agent's."""
    plan: Plan
    person: bool = False
    """Whether a human is behind it; decides how its messages are signed, so programs must not have it."""
    session: SessionId | None = None
    """An agent's own session, or the one that was shared: it sees no other."""
    agent: AgentId | None = None
    generation: int | None = None
    """Of an agent's process, or of a member's sign-ins: tokens of an older one are good no longer."""
    proxy: ProxyId | None = None
    """A proxy token issued in-band is good for that proxy only."""
    member: MemberId | None = None
    role: MemberRole | None = None
    """A member's, at the time of authentication."""
    expires_at_ms: int | None = None
    """When the token ends, as far as is known: a member's moves on while it is used."""

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
    def sender(self) -> Sender:
        """How its messages are signed. An agent's role depends on the recipient: lead or peer."""
        if self.kind is TokenKind.AGENT:
            return Sender(name=self.name, role=Role.PEER, agent_id=self.agent)
        return Sender(name=self.name, role=Role.HUMAN if self.person else Role.EXTERNAL)
