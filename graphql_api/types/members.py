"""The people of a workspace."""

from __future__ import annotations

from typing import Annotated, Self

import strawberry
from strawberry import ID

from broker.domain.people import members as domain
from broker.domain.people.access import MemberRole
from broker.domain.people.pages import LONGEST_SEARCH, Page
from graphql_api.pagination import Connection, Edge
from graphql_api.types.node import Node
from graphql_api.types.scalars import DateTime

Search = Annotated[
    str | None, strawberry.argument(description=f"A part of the name, {LONGEST_SEARCH} characters at most.")
]


@strawberry.type(description="A person in the workspace.")
class Member(Node):
    """One person."""

    name: str = strawberry.field(description="The person's name, unique in the workspace.")
    role: MemberRole = strawberry.field(description="What the person may do.")
    created_at: DateTime = strawberry.field(description="When the person was added.")
    has_signed_in: bool = strawberry.field(description="Whether the person has ever signed in.")
    suspended_at: DateTime | None = strawberry.field(
        description="Since when the person can neither sign in nor act; null for who can."
    )

    @classmethod
    def of(cls, member: domain.Member) -> Self:
        """As the domain knows it."""
        return cls(
            key=ID(member.id),
            name=member.name,
            role=member.role,
            created_at=DateTime(member.created_at_ms),
            has_signed_in=member.account is not None or member.has_identity,
            suspended_at=None if member.suspended_at_ms is None else DateTime(member.suspended_at_ms),
        )


def people_page(page: Page[domain.Member], *, after: str | None) -> Connection[Member]:
    """A page of people."""
    edges = [Edge(cursor=place, node=Member.of(each)) for place, each in zip(page.places, page.found, strict=True)]
    return Connection.of(edges, more=page.next is not None, earlier=after is not None, total=page.total)
