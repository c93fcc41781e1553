"""The people of a workspace, and how they come in."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.errors import BadRequest
from broker.domain.ids import AccountId, MemberId, WorkspaceId
from broker.domain.names import is_seen, unlike_an_id
from broker.domain.people.access import Maker, MemberRole

MAX_MEMBERS = 10_000
"""Of one workspace."""
LONGEST_MEMBER_NAME = 60
MYSELF = "me"
"""What whoever asks is called where a member is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in a workspace. Names are unique in it, whatever their case."""

    id: MemberId
    name: str
    role: MemberRole
    generation: int
    """Of the sign-ins; raised to end all of them."""
    created_at_ms: int
    account: AccountId | None = None
    """The person of the installation; None until they sign in by a link."""
    has_identity: bool = False
    """Whether they have signed in by the workspace's identity provider."""
    suspended_at_ms: int | None = None
    """None for who is not suspended: somebody who is stays with all that is theirs, and nothing of it acts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSignIn:
    """What a one-time code lets its bearer do: become that member, unless its sign-ins were ended meanwhile, or the
    access of who made the code."""

    workspace: WorkspaceId
    member: MemberId
    generation: int
    made_by: Maker | None = None
    """None for what a process of the broker made at its start."""


def member_name(text: str) -> str:
    """Return `text` trimmed when it is a name for a person; raise `BadRequest` (INVALID_NAME) otherwise."""
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_MEMBER_NAME or "/" in name or not is_seen(name):
        raise BadRequest(
            f"a person's name has 1 to {LONGEST_MEMBER_NAME} printable characters and no '/'", code="INVALID_NAME"
        )
    if name.casefold() == MYSELF:
        raise BadRequest(f"{name!r} means whoever asks; choose another name", code="INVALID_NAME")
    return unlike_an_id(name)
