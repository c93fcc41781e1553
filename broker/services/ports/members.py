"""The people of a workspace and how they sign in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from broker.domain.ids import GroupId, MemberId, TokenId, WorkspaceId
from broker.domain.people.access import MemberRole
from broker.domain.people.dependants import Dependants
from broker.domain.people.enrolment import OpenCode, PendingMachine
from broker.domain.people.members import Member, PendingSignIn
from broker.domain.people.pages import Page
from broker.domain.plans.plans import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What has ended with a member, or with what it was."""

    hashes: list[str]
    """Of tokens."""
    dependants: Dependants


class MemberRecords(Protocol):
    """The people of a workspace. Each change is one atomic decision; `by` is the member who makes it, or None."""

    async def add(self, workspace: WorkspaceId, member: Member, *, by: MemberId | TokenId | None, plan: Plan) -> None:
        """Add one, suspended where it is. Raises `Conflict` (NAME_TAKEN, TOO_MANY_MEMBERS), `NotPermitted`,
        `PlanLimitReached`."""

    async def add_first(self, workspace: WorkspaceId, member: Member) -> None:
        """Add one when there is nobody yet."""

    async def member(self, workspace: WorkspaceId, member: MemberId) -> Member | None:
        """One by id."""

    async def find_by_name(self, workspace: WorkspaceId, name: str) -> Member | None:
        """One by name, whatever its case."""

    async def some(self, workspace: WorkspaceId, members: Iterable[MemberId]) -> Mapping[MemberId, Member]:
        """Those of them that are there."""

    async def count(self, workspace: WorkspaceId) -> int:
        """How many there are."""

    async def first_owner(self, workspace: WorkspaceId) -> Member | None:
        """The owner who came first."""

    async def page(self, workspace: WorkspaceId, *, after: str | None, limit: int) -> Page[Member]:
        """Some, in the order they were added. Raises `BadRequest` (INVALID_CURSOR)."""

    async def search(
        self, workspace: WorkspaceId, text: str, *, group: GroupId | None, after: str | None, limit: int
    ) -> Page[Member]:
        """Some of those whose name has a part, and who are in a group where one is given, by name."""

    async def set_role(
        self, workspace: WorkspaceId, member: MemberId, role: MemberRole, *, by: MemberId | TokenId | None
    ) -> Ended:
        """Change one: what has ended with it, keys that only an owner may have and what hung on them.

        Raises `NotFound`, `NotPermitted`, `Conflict` (LAST_OWNER).
        """

    async def remove(
        self, workspace: WorkspaceId, member: MemberId, *, by: MemberId | TokenId | None, erased: bool = False
    ) -> Ended:
        """Remove one, and all that it has made and linked: what has ended with it. `erased`: its name is gone, too.

        Raises `NotFound`, `NotPermitted`, `Conflict` (LAST_OWNER).
        """

    async def erase_name(self, workspace: WorkspaceId, member: Member) -> None:
        """Put an alias in the place of a name, wherever it was written down as whose act something was.

        It may be done again where it was not finished. Lines of sessions' logs stay.
        """

    async def suspend(
        self, workspace: WorkspaceId, member: MemberId, *, on: bool, by: MemberId | TokenId | None
    ) -> None:
        """Suspend one, or end that; all that hangs on them stays. Raises `NotFound`, `NotPermitted`, `Conflict`."""

    async def end_sign_ins(self, workspace: WorkspaceId, member: MemberId) -> None:
        """End all tokens and codes of a member. Raises `NotFound`."""


class MachineCodes(Protocol):
    """One-time codes that link a machine, by their SHA-256, and those of a workspace that are open."""

    async def keep(self, sha256: str, pending: PendingMachine, *, expires_at_ms: int) -> None:
        """Let a code be used until then."""

    async def take(self, sha256: str) -> PendingMachine | None:
        """What a code is for, and its end: the next one to ask gets None."""

    async def open(self, workspace: WorkspaceId) -> list[OpenCode]:
        """Those that may still be used, the oldest first."""

    async def revoke(self, workspace: WorkspaceId, id_: str) -> OpenCode | None:
        """End one; None where there is none."""


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
