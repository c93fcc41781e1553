"""Invitations into a workspace by link: what was preset for whoever accepts, and for how long it is open."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.errors import BadRequest, NotFound
from broker.domain.ids import GroupId, InvitationId, WorkspaceId
from broker.domain.people.access import Maker, MemberRole

_DAY_S = 24 * 3600
INVITATION_DAYS = 7
"""How long one is open unless told."""
MAX_INVITATION_DAYS = 30
MAX_INVITATIONS = 1_000
"""That are open in one workspace."""
MAX_INVITATIONS_A_DAY = 1_000
"""Made or sent again in one workspace, in a UTC day."""
MAX_INVITED_GROUPS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What whoever accepts an invitation will be."""

    role: MemberRole
    name: str | None = None
    """Whom it is meant for; they may choose another name."""
    groups: tuple[GroupId, ...] = ()

    def __post_init__(self) -> None:
        if len(self.groups) > MAX_INVITED_GROUPS:
            raise BadRequest(f"an invitation presets {MAX_INVITED_GROUPS} groups at most")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """One that is open: it is good once, for one person."""

    id: InvitationId
    preset: Preset
    made_by: Maker
    """Who made it, or sent it again; it ends when they may not invite any more."""
    made_at_ms: int
    sent_at_ms: int
    expires_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationLink:
    """Leads to an invitation. It is a secret, and shown when the invitation is made or sent again."""

    invitation: Invitation
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInvitation:
    """What a link leads to."""

    workspace: WorkspaceId
    invitation: Invitation


def invitation_life_ms(days: int) -> int:
    """Raises `BadRequest` for one that would be too long, or none."""
    if not 1 <= days <= MAX_INVITATION_DAYS:
        raise BadRequest(f"an invitation is open for 1 to {MAX_INVITATION_DAYS} days")
    return days * _DAY_S * 1000


def no_invitation() -> NotFound:
    """What is said of one that is not there, whatever became of it."""
    return NotFound(
        "this invitation was used, revoked or sent again, or is too old: ask whoever invited you for another",
        code="INVITATION_NOT_FOUND",
    )
