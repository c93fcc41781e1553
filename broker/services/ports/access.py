"""Who may do what, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from broker.domain.access import Principal, TokenKind
from broker.domain.ids import SessionId, TokenId, WorkspaceId
from broker.domain.installation import Installation
from broker.domain.plans import Plan
from broker.domain.workspaces import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token as it is kept: never its secret."""

    id: TokenId
    kind: TokenKind
    name: str
    created_at_ms: int
    expires_at_ms: int | None
    session: SessionId | None = None
    """The one that it shows, when it was made to share that."""


class Tokens(Protocol):
    """Who a token stands for, by the SHA-256 of the whole token."""

    async def owner(self, sha256: str) -> Principal | None:
        """The principal, or None when it is unknown, revoked or expired."""

    async def add(
        self,
        principal: Principal,
        *,
        sha256: str,
        expires_at_ms: int | None = None,
        listed: bool = True,
    ) -> TokenRecord:
        """Register a token for `principal`."""

    async def is_listed(self, workspace: WorkspaceId, token: TokenId) -> bool:
        """Whether a token that people made is still there."""

    async def prolong(self, principal: Principal, *, sha256: str, expires_at_ms: int) -> None:
        """Let a token live longer; nothing when it has ended."""

    async def end(self, principal: Principal, *, sha256: str) -> None:
        """End a token that is not listed, at once and everywhere."""

    async def tokens(self, workspace: WorkspaceId) -> list[TokenRecord]:
        """The listed tokens of a workspace."""

    async def revoke(self, workspace: WorkspaceId, token: TokenId) -> None:
        """End a token at once, everywhere. Raises `NotFound`."""

    async def create_workspace(self, workspace: WorkspaceId, *, name: str, plan: Plan) -> None:
        """Register a workspace; nothing when it exists."""

    async def workspace(self, workspace: WorkspaceId) -> Workspace:
        """What is registered. Raises `NotFound`."""


class InstallationRecords(Protocol):
    """The one installation that a store belongs to."""

    async def current(self) -> Installation | None:
        """Whose it is; None for a store that no `up` has used since it is written down."""

    async def claim(self, mine: Installation) -> Installation:
        """Write it down unless there is one; what is there then."""
