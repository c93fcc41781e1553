"""Invitations that are open."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.people.access import MemberRole
from broker.services.people.invitations import ShownInvitation
from graphql_api.types.scalars import DateTime


@strawberry.type(description="An invitation that is open. Its link was shown once.")
class Invitation:
    """One invitation."""

    key: ID = strawberry.field(description="Its key.")
    role: MemberRole = strawberry.field(description="What whoever accepts it will be.")
    name: str | None = strawberry.field(description="Whom it is meant for; null where that was not said.")
    groups: list[str] = strawberry.field(description="The names of the groups they will be in.")
    made_by: str | None = strawberry.field(description="The name of the member who made it; null for a token.")
    made_at: DateTime = strawberry.field(description="When it was made.")
    sent_at: DateTime = strawberry.field(description="When its present link was made.")
    expires_at: DateTime = strawberry.field(description="When it ends by itself.")

    @classmethod
    def of(cls, shown: ShownInvitation) -> Self:
        """As the service shows it."""
        invitation = shown.invitation
        return cls(
            key=ID(invitation.id),
            role=invitation.preset.role,
            name=invitation.preset.name,
            groups=[each.name for each in shown.groups],
            made_by=shown.made_by,
            made_at=DateTime(invitation.made_at_ms),
            sent_at=DateTime(invitation.sent_at_ms),
            expires_at=DateTime(invitation.expires_at_ms),
        )
