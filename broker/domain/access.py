"""Who is asking, and what each kind of token may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import NotPermitted
from broker.domain.ids import AgentId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.messages import Role, Sender
from broker.domain.plans import Plan


class TokenKind(StrEnum):
    """What a token stands for; its prefix shows it to a person who finds one."""

    WORKSPACE = "workspace"
    AGENT = "agent"
    PROXY = "proxy"
    OBSERVER = "observer"


PREFIXES: dict[TokenKind, str] = {
    TokenKind.WORKSPACE: "rk_live_",
    TokenKind.AGENT: "at_live_",
    TokenKind.PROXY: "nt_live_",
    TokenKind.OBSERVER: "ot_live_",
}


class Permission(StrEnum):
    """One thing a principal may do."""

    READ = "read"
    SEND = "send"
    SPAWN = "spawn"
    RELEASE = "release"
    APPROVE = "approve"
    ADMINISTER = "administer"
    """Tokens and rules."""
    LINK = "link"
    """Connect a machine."""


_GRANTED: dict[TokenKind, frozenset[Permission]] = {
    TokenKind.WORKSPACE: frozenset(Permission),
    TokenKind.AGENT: frozenset({Permission.READ, Permission.SEND, Permission.SPAWN, Permission.RELEASE}),
    TokenKind.PROXY: frozenset({Permission.LINK}),
    TokenKind.OBSERVER: frozenset({Permission.READ}),
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
    """An agent's own session: it sees no other."""
    agent: AgentId | None = None
    generation: int | None = None
    proxy: ProxyId | None = None
    """A proxy token issued in-band is good for that proxy only."""

    def require(self, permission: Permission) -> None:
        """Raise `NotPermitted` unless this principal may do that."""
        if permission not in _GRANTED[self.kind]:
            raise NotPermitted(f"a {self.kind} token may not {permission}")

    @property
    def permissions(self) -> frozenset[Permission]:
        """All it may do."""
        return _GRANTED[self.kind]

    @property
    def sender(self) -> Sender:
        """How its messages are signed. An agent's role depends on the recipient: lead or peer."""
        if self.kind is TokenKind.AGENT:
            return Sender(name=self.name, role=Role.PEER, agent_id=self.agent)
        return Sender(name=self.name, role=Role.HUMAN if self.person else Role.EXTERNAL)
