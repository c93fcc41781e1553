"""Invitations into a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from broker.domain.ids import AccountId, InvitationId, MemberId, TokenId, WorkspaceId
from broker.domain.people.access import Maker
from broker.domain.people.invitations import Invitation, OpenInvitation, Preset
from broker.domain.people.members import Member
from broker.domain.plans.plans import Plan


class InvitationRecords(Protocol):
    """A workspace's open invitations, by the SHA-256 of their links. Each change is one atomic decision."""

    async def make(
        self,
        workspace: WorkspaceId,
        invitation: InvitationId,
        preset: Preset,
        *,
        sha256: str,
        life_ms: int,
        made_by: Maker,
        by: MemberId | TokenId | None,
        plan: Plan,
    ) -> Invitation:
        """Make one. Raises `Conflict`, `NotPermitted`, `PlanLimitReached`, `RateLimited`, `NotAuthenticated`."""

    async def send_again(
        self,
        workspace: WorkspaceId,
        invitation: InvitationId,
        *,
        sha256: str,
        life_ms: int,
        made_by: Maker,
        by: MemberId | TokenId | None,
        plan: Plan,
    ) -> Invitation:
        """Give one another link, and time anew; the link before leads nowhere. Raises the same, and `NotFound`."""

    async def revoke(self, workspace: WorkspaceId, invitation: InvitationId, *, by: MemberId | TokenId | None) -> None:
        """End one. Raises `NotFound`, `NotPermitted`."""

    async def open(self, workspace: WorkspaceId) -> Sequence[Invitation]:
        """All that can be accepted, the newest first."""

    async def find(self, sha256: str) -> OpenInvitation | None:
        """What a link leads to; None when it can be accepted no longer."""

    async def accept(
        self, opened: OpenInvitation, member: Member, *, sha256: str, account: AccountId | None, plan: Plan
    ) -> None:
        """Use one up: whoever has the link is that member. Raises `NotFound`, `Conflict`, `PlanLimitReached`."""
