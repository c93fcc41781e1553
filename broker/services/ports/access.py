"""Who may do what, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from broker.domain.access import Principal, TokenKind
from broker.domain.ids import TokenId, WorkspaceId
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
    ) -> None:
        """Register a token for `principal`."""

    async def tokens(self, workspace: WorkspaceId) -> list[TokenRecord]:
        """The listed tokens of a workspace."""

    async def revoke(self, workspace: WorkspaceId, token: TokenId) -> None:
        """End a token at once, everywhere. Raises `NotFound`."""

    async def create_workspace(self, workspace: WorkspaceId, *, name: str, plan: Plan) -> None:
        """Register a workspace; nothing when it exists."""

    async def workspace(self, workspace: WorkspaceId) -> Workspace:
        """What is registered. Raises `NotFound`."""


class Allowances(Protocol):
    """How much each token may still ask."""

    async def take(self, workspace: WorkspaceId, token: TokenId, points: int, *, per_s: int, burst: int) -> float:
        """Take that many points, or nothing: the seconds until they are there, 0 when they were taken."""
