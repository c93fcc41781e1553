"""Which sessions of a workspace are private, and to whom they are open all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from broker.domain.errors import BadRequest
from broker.domain.ids import GroupId, MemberId, SessionId
from broker.domain.names import printable_name, unlike_an_id

MAX_GROUPS = 1_000
"""Of one workspace."""
MAX_NAMED = 100
"""People and groups that one private session is open to; more of them are a group."""


class Level(StrEnum):
    """What somebody may do in a private session, as far as their role allows it anywhere."""

    VIEWER = "viewer"
    """Reads."""
    DRIVER = "driver"
    """Also sends, spawns, releases and approves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAccess:
    """To whom a private session is open, besides who administers the workspace."""

    people: Mapping[MemberId, Level] = field(default_factory=dict)
    groups: Mapping[GroupId, Level] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.people) + len(self.groups) > MAX_NAMED:
            raise BadRequest(f"a private session names {MAX_NAMED} people and groups at most: make a group of them")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People of a workspace. Names are unique in it, whatever their case."""

    id: GroupId
    name: str
    size: int = 0
    """How many people are in it."""
    created_at_ms: int = 0


@dataclass(slots=True, kw_only=True, weakref_slot=True, eq=False)
class Privacy:
    """The private sessions of one workspace, as a process knows them by now.

    Every caller in it refers to the same one: what is read anew for one of them holds for all at once.
    """

    version: str = "0"
    """Counts the changes in the workspace."""
    levels: Mapping[SessionId, Mapping[MemberId, Level]] = field(default_factory=dict)
    """Of each private session, who may do what there, whether they are named themselves or by a group."""

    def hidden_from(self, member: MemberId | None) -> frozenset[SessionId]:
        """The sessions that somebody does not see."""
        return frozenset(session for session, open_to in self.levels.items() if member not in open_to)

    def level(self, session: SessionId, member: MemberId | None) -> Level | None:
        """What somebody may do in a session; None where they do not see it."""
        open_to = self.levels.get(session)
        if open_to is None:
            return Level.DRIVER
        return None if member is None else open_to.get(member)


def resolve_levels(access: SessionAccess, members: Mapping[GroupId, frozenset[MemberId]]) -> dict[MemberId, Level]:
    """Who may do what; the most that somebody is given counts. `members`: of the groups that there are."""
    found = dict(access.people)
    for group, level in access.groups.items():
        for member in members.get(group, ()):
            if found.get(member) is not Level.DRIVER:
                found[member] = level
    return found


def group_name(text: str) -> str:
    """Return `text` trimmed when it is a name for a group. Raises `BadRequest` (INVALID_NAME)."""
    name = " ".join(text.split())
    if "/" in name:
        raise BadRequest("a group's name has no '/'", code="INVALID_NAME")
    return unlike_an_id(printable_name(name, "a group's name"))
