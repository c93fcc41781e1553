"""People, groups and access as an archive has them: names and ids, and nothing that anybody could sign in with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from broker.domain.errors import BadRequest
from broker.domain.ids import GroupId, MemberId, ServiceAccountId, SessionId
from broker.domain.names import printable_name
from broker.domain.people.access import MemberRole
from broker.domain.people.members import MAX_MEMBERS, member_name
from broker.domain.people.privacy import MAX_GROUPS, SessionAccess, group_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedPerson:
    """Somebody who was in the workspace. Accounts and sign-ins stay where they are."""

    id: MemberId
    """There; the archive's groups and sessions name them by it."""
    name: str
    role: MemberRole
    suspended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedGroup:
    """A group, with those who were in it."""

    id: GroupId
    name: str
    people: Sequence[MemberId] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedAccount:
    """A service account. Its tokens are made again."""

    id: ServiceAccountId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedPeople:
    """All of a workspace."""

    people: Sequence[ArchivedPerson] = ()
    groups: Sequence[ArchivedGroup] = ()
    access: Mapping[SessionId, SessionAccess] = field(default_factory=dict)
    """To whom each private session was open, by ids of the archive."""
    service_accounts: Sequence[ArchivedAccount] = ()


class Came(StrEnum):
    """What became of something of an archive."""

    MADE = "made"
    """It is here now as it was there."""
    CHANGED = "changed"
    """It is here, and not as it was there."""
    WAS_HERE = "was_here"
    """It was here before, and is as it was."""
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one thing of an archive, for people."""

    what: str
    """As `person`, `group`, `service account`, `access of the session`."""
    name: str
    came: Came
    why: str = ""
    """Empty where there is nothing to add."""


def check_people(archived: ArchivedPeople) -> None:
    """Hold an archive's people to what is asked of everybody. Raises `BadRequest` (INVALID_NAME, INVALID_ARGUMENT)."""
    if len(archived.people) > MAX_MEMBERS or len(archived.groups) > MAX_GROUPS:
        raise BadRequest(f"an archive has {MAX_MEMBERS} people and {MAX_GROUPS} groups at most")
    names = [member_name(each.name).casefold() for each in archived.people]
    groups = [group_name(each.name).casefold() for each in archived.groups]
    accounts = [printable_name(each.name, "a service account's name").casefold() for each in archived.service_accounts]
    ids = {"people": [str(each.id) for each in archived.people], "groups": [str(each.id) for each in archived.groups]}
    for kind, listed in (("people", names), ("groups", groups), ("service accounts", accounts)):
        if len(set(listed)) < len(listed):
            raise BadRequest(f"two {kind} of the archive have one name")
    for kind, listed in ids.items():
        if len(set(listed)) < len(listed):
            raise BadRequest(f"two {kind} of the archive have one id")
