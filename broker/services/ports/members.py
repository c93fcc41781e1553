"""The people of a workspace and how they sign in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from broker.domain.ids import MemberId, WorkspaceId
from broker.domain.people.access import MemberRole
from broker.domain.people.dependants import Dependants
from broker.domain.people.members import Member, PendingSignIn
from broker.domain.plans.plans import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What has ended with a member, or with what it was."""

    hashes: list[str]
    """Of tokens."""
    dependants: Dependants


class MemberRecords(Protocol):
    """The people of a workspace. Each change is one atomic decision; `by` is the member who makes it, or None."""

    async def add(self, workspace: WorkspaceId, member: Member, *, by: MemberId | None, plan: Plan) -> None:
        """Add one. Raises `Conflict` (NAME_TAKEN, TOO_MANY_MEMBERS), `NotPermitted`, `PlanLimitReached`."""

    async def add_first(self, workspace: WorkspaceId, member: Member) -> None:
        """Add one when there is nobody yet."""

    async def member(self, workspace: WorkspaceId, member: MemberId) -> Member | None:
        """One by id."""

    async def named(self, workspace: WorkspaceId, name: str) -> Member | None:
        """One by name, whatever its case."""

    async def members(self, workspace: WorkspaceId) -> list[Member]:
        """All, in the order they were added."""

    async def set_role(
        self, workspace: WorkspaceId, member: MemberId, role: MemberRole, *, by: MemberId | None
    ) -> Ended:
        """Change one: what has ended with it, keys that only an owner may have and what hung on them.

        Raises `NotFound`, `NotPermitted`, `Conflict` (LAST_OWNER).
        """

    async def remove(self, workspace: WorkspaceId, member: MemberId, *, by: MemberId | None) -> Ended:
        """Remove one, and all that it has made and linked: what has ended with it.

        Raises `NotFound`, `NotPermitted`, `Conflict` (LAST_OWNER).
        """

    async def end_sign_ins(self, workspace: WorkspaceId, member: MemberId) -> None:
        """End all tokens and codes of a member. Raises `NotFound`."""


class SignInCodes(Protocol):
    """One-time codes by their SHA-256, and how often an address guessed wrong."""

    async def keep(self, sha256: str, pending: PendingSignIn, *, expires_at_ms: int) -> None:
        """Let a code be used until then."""

    async def take(self, sha256: str) -> PendingSignIn | None:
        """What a code is for, and its end: the next one to ask gets None."""

    async def failures(self, address: str) -> int:
        """How often an address has lately failed."""

    async def count_failure(self, address: str, *, window_s: int) -> None:
        """It failed; forgotten a while after the first."""
