"""Groups of people, and to whom sessions are open."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.people import privacy as domain
from broker.domain.people.pages import Page
from broker.domain.people.privacy import Level
from broker.services.people.groups import ShownAccess
from graphql_api.pagination import Connection, Edge
from graphql_api.types.scalars import DateTime


@strawberry.type(description="People who are given access to private sessions together.")
class Group:
    """One group."""

    key: ID = strawberry.field(description="Its key.")
    name: str = strawberry.field(description="Its name, unique in the workspace.")
    size: int = strawberry.field(description="How many people are in it.")
    created_at: DateTime = strawberry.field(description="When it was made.")

    @classmethod
    def of(cls, group: domain.Group) -> Self:
        """As the domain knows it."""
        return cls(key=ID(group.id), name=group.name, size=group.size, created_at=DateTime(group.created_at_ms))


@strawberry.type(description="Somebody to whom a private session is open, or some.")
class AccessEntry:
    """A person or a group."""

    key: ID = strawberry.field(description="The key of the person or the group.")
    name: str = strawberry.field(description="Its name.")
    level: Level = strawberry.field(description="What they may do in the session, as far as their role allows it.")


@strawberry.type(description="To whom a session is open.")
class SessionAccess:
    """Of one session."""

    private: bool = strawberry.field(description="Whether it is closed to others than those named and administrators.")
    people: list[AccessEntry] = strawberry.field(description="The people who are named.")
    groups: list[AccessEntry] = strawberry.field(description="The groups that are named.")

    @classmethod
    def of(cls, access: ShownAccess) -> Self:
        """As the service shows it."""
        return cls(
            private=access.private,
            people=[AccessEntry(key=ID(one.id), name=one.name, level=level) for one, level in access.people],
            groups=[AccessEntry(key=ID(one.id), name=one.name, level=level) for one, level in access.groups],
        )


def group_page(page: Page[domain.Group], *, after: str | None) -> Connection[Group]:
    """A page of groups."""
    edges = [Edge(cursor=place, node=Group.of(each)) for place, each in zip(page.places, page.found, strict=True)]
    return Connection.of(edges, more=page.next is not None, earlier=after is not None, total=page.total)
