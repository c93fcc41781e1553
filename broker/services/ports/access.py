"""Who may do what, and how much."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from broker.domain.ids import FamilyId, MemberId, ServiceAccountId, SessionId, TokenId, WorkspaceId
from broker.domain.operations.installation import Installation
from broker.domain.people.access import Maker, Principal, TokenScope
from broker.domain.people.access_changes import AccessChange
from broker.domain.people.dependants import Dependants
from broker.domain.people.token_kinds import TokenKind


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
    made_by: Maker | None = None
    """None for the key of a data folder, and where an earlier version made it."""
    scopes: tuple[TokenScope, ...] | None = None
    """Of a personal token or a service account's; None for others."""
    only: tuple[SessionId, ...] | None = None
    """The sessions that such a token is limited to."""
    service: ServiceAccountId | None = None
    member: MemberId | None = None
    """Whose personal token it is."""
    rotated_to: TokenId | None = None
    """The one that takes its place; this one ends when it is said to."""
    last_used_at_ms: int | None = None
    """Give or take a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """A name for programs of the workspace that are nobody's in particular."""

    id: ServiceAccountId
    name: str
    created_at_ms: int
    made_by: Maker | None = None


class ServiceAccounts(Protocol):
    """Those of a workspace. Names are unique in it, whatever their case."""

    async def accounts(self, workspace: WorkspaceId) -> list[ServiceAccount]:
        """All of them, by name."""

    async def add(self, workspace: WorkspaceId, account: ServiceAccount) -> None:
        """Make one. Raises `Conflict` (NAME_TAKEN, TOO_MANY_SERVICE_ACCOUNTS), and `NotAuthenticated` when its maker
        has ended meanwhile."""

    async def remove(self, workspace: WorkspaceId, account: ServiceAccountId) -> Dependants:
        """End one with its tokens and what hangs on those; what that was. Raises `NotFound`."""


class Tokens(Protocol):
    """Who a token stands for, by the SHA-256 of the whole token, and what it hangs on."""

    async def owner(self, sha256: str, *, away: bool = False) -> Principal | None:
        """The principal, or None when it is unknown or expired.

        Raises `NotAuthenticated`: TOKEN_REVOKED when what it hangs on has ended, WORKSPACE_ARCHIVED or
        WORKSPACE_DELETED for a workspace that nobody may use, unless `away`.
        """

    async def find_stored(self, sha256: str) -> Principal | None:
        """Whom a token stood for when it was made, whatever became of that; None when it is unknown or expired."""

    async def open_sign_in(self, principal: Principal) -> None:
        """Let what is exchanged for a sign-in hang on it in another of the person's workspaces.

        Raises `NotAuthenticated` when the member is gone.
        """

    async def end_sign_in(self, workspace: WorkspaceId, sign_in: TokenId) -> None:
        """End what hangs on a sign-in in one workspace, at once and everywhere."""

    async def present(self, principal: Principal, *, sha256: str | None = None, away: bool = False) -> Principal:
        """A principal as it is now: the workspace's plan and slug, a member's name and role.

        `sha256` is that of the token it came with, where that is looked up again. Raises as `owner`.
        """

    async def add(
        self,
        principal: Principal,
        *,
        sha256: str,
        expires_at_ms: int | None = None,
        listed: bool = True,
    ) -> TokenRecord:
        """Register a token for `principal`; one that is listed ends no later than the one it was made with.

        Raises for one that is listed `NotAuthenticated` (TOKEN_REVOKED) when its maker has ended meanwhile, and
        `Conflict` (TOO_MANY_TOKENS).
        """

    async def offer_agent(self, principal: Principal, *, sha256: str) -> str | None:
        """Keep the token of an agent's process for a moment: it is good once a report of its machine has named it.

        The hash of the one that is good now, if there is one.
        """

    async def adopt(self, principal: Principal, *, sha256: str) -> TokenId:
        """Make a token the workspace's own key, in the place of another, which ends with all that hangs on it.

        The id it has: the one of `principal`, unless it is the workspace's key already.
        """

    async def own_key(self, workspace: WorkspaceId) -> TokenId | None:
        """The id of the workspace's own key."""

    async def begin_sign_in(self, principal: Principal, *, sha256: str, expires_at_ms: int) -> None:
        """Register the token of a member who signed in. Raises `NotAuthenticated` when the member is gone."""

    async def prolong(self, principal: Principal, *, sha256: str, expires_at_ms: int) -> None:
        """Let a sign-in live longer; nothing when it has ended."""

    async def end(self, principal: Principal, *, sha256: str) -> None:
        """End a sign-in and what hangs on it, at once and everywhere."""

    async def tokens(self, workspace: WorkspaceId) -> list[TokenRecord]:
        """The listed tokens of a workspace."""

    async def dependants(self, workspace: WorkspaceId) -> Mapping[TokenId, Dependants]:
        """What hangs on each of them."""

    async def revoke(self, workspace: WorkspaceId, token: TokenId, *, owns: bool) -> Dependants:
        """End a token and all that hangs on it at once, everywhere; what that was. Raises `NotFound`, `NotPermitted`.

        `owns`: whether who asks may end keys of the workspace.
        """

    async def rotate(
        self, old: TokenRecord, principal: Principal, *, sha256: str, expires_at_ms: int | None, old_ends_at_ms: int
    ) -> TokenRecord:
        """Register a token for `principal` in the place of another, which ends then. What was made with that one hangs
        on the new one.

        Raises `NotFound`, `Conflict` (TOKEN_ROTATED, TOO_MANY_TOKENS), and `NotAuthenticated` as `add`.
        """

    async def forget(self, hashes: list[str]) -> None:
        """Drop tokens that have ended already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPair:
    """The hashes of a short-lived token and of what it is renewed with, and how long each lives."""

    token: str
    refresh: str
    token_life_s: int
    family_life_s: int
    now_ms: int


class TokenFamilies(Protocol):
    """Short-lived tokens that were renewed one from the other. Each change is one atomic decision."""

    async def begin(self, principal: Principal, family: FamilyId, pair: NewPair, *, proof: str) -> None:
        """Keep the first of a family, for a principal that carries `family`.

        Raises `NotAuthenticated` (TOKEN_REVOKED) when what it hangs on has ended.
        """

    async def renew(
        self, workspace: WorkspaceId, family: FamilyId, pair: NewPair, *, proof: str, presented: str
    ) -> Principal:
        """Use a refresh token up for the next pair; whom that stands for.

        Raises `NotAuthenticated`: UNAUTHENTICATED for an unknown family or a wrong proof, TOKEN_REVOKED when what it
        hangs on has ended, TOKEN_REUSED, which ends the family.
        """

    async def end(self, workspace: WorkspaceId, family: FamilyId) -> None:
        """End one, at once and everywhere."""


class AccessChanges(Protocol):
    """What is told to every process when somebody's access has become less."""

    async def follow(self, on_change: Callable[[AccessChange | None], None]) -> Callable[[], Awaitable[None]]:
        """Call back with each, and with None whenever some may have been lost. Returns how to stop."""


class InstallationRecords(Protocol):
    """The one installation that a store belongs to."""

    async def current(self) -> Installation | None:
        """Whose it is; None for a store that no `up` has used since it is written down."""

    async def claim(self, mine: Installation) -> Installation:
        """Write it down unless there is one; what is there then."""
