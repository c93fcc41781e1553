"""Signing in by a workspace's identity provider: what asks it, and where is kept whom it has let in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from broker.domain.ids import MemberId, WorkspaceId
from broker.domain.people.single_sign_on import Identity, IdentityProvider, ProviderTerms
from broker.domain.plans.plans import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What ties the answer of a provider to the browser that was sent there."""

    state: str = field(repr=False)
    """Comes back with the answer (RFC 6749, section 10.12)."""
    nonce: str = field(repr=False)
    """Stands in the ID token (OpenID Connect Core 1.0, section 15.5.2)."""
    verifier: str = field(repr=False)
    """Of PKCE, method S256 (RFC 7636)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFailure:
    """Why somebody could not sign in by the provider, for who administers the workspace."""

    at_ms: int
    code: str
    message: str


class IdentityProviders(Protocol):
    """Asks providers of OpenID Connect. What they say is checked before it is believed."""

    async def check(self, terms: ProviderTerms) -> None:
        """That the issuer is there and can be used. Raises as `address` does."""

    async def address(self, terms: ProviderTerms, challenge: Challenge, *, answer_at: str) -> str:
        """Where a browser is sent; the provider answers at the URL `answer_at`.

        Raises `OutboundRefused`, `OutboundFailed`, and `IdentityProviderFailed` for a provider that cannot be used.
        """

    async def redeem(
        self, terms: ProviderTerms, challenge: Challenge, *, code: str, client_secret: str | None, answer_at: str
    ) -> Identity:
        """Exchange the code of an answer for whom it is about. Raises the same."""


class IdentityRecords(Protocol):
    """A workspace's provider, and which of its people are whom there."""

    async def provider(self, workspace: WorkspaceId) -> IdentityProvider | None:
        """The workspace's own; None without one."""

    async def put(self, workspace: WorkspaceId, provider: IdentityProvider) -> None:
        """Set it. Sign-ins of one with another id have ended."""

    async def remove(self, workspace: WorkspaceId) -> bool:
        """Remove it, and end the sign-ins through it; whether there was one."""

    async def let_in(
        self,
        workspace: WorkspaceId,
        provider: IdentityProvider,
        identity: Identity,
        *,
        member: MemberId,
        name: str,
        plan: Plan,
    ) -> MemberId:
        """Which member an identity is: the one it was before, else `member`, who is new here and gets that name.

        Raises `NotAuthenticated` (SUSPENDED, SIGN_IN_FAILED), `NotPermitted` (NO_MEMBERSHIP), `Conflict` (NAME_TAKEN,
        TOO_MANY_MEMBERS), `PlanLimitReached`.
        """

    async def link(
        self,
        workspace: WorkspaceId,
        provider: IdentityProvider,
        identity: Identity,
        *,
        member: MemberId,
        generation: int,
    ) -> None:
        """Let a member who is signed in be an identity, too; `generation`: of their sign-ins.

        Raises `NotAuthenticated` (SUSPENDED, SIGN_IN_FAILED), `Conflict` (NOT_YOURS, ANOTHER_IDENTITY).
        """

    async def note_failure(self, workspace: WorkspaceId, failure: ProviderFailure) -> None:
        """Keep it for a week, in the place of the one before."""

    async def last_failure(self, workspace: WorkspaceId) -> ProviderFailure | None:
        """The latest; None when there was none lately."""
