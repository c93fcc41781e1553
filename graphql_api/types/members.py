"""The people of a workspace."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.people import members as domain
from broker.domain.people.access import MemberRole
from graphql_api.types.node import Node
from graphql_api.types.scalars import DateTime


@strawberry.type(description="A person in the workspace.")
class Member(Node):
    """One person."""

    name: str = strawberry.field(description="The person's name, unique in the workspace.")
    role: MemberRole = strawberry.field(description="What the person may do.")
    created_at: DateTime = strawberry.field(description="When the person was added.")

    @classmethod
    def of(cls, member: domain.Member) -> Self:
        """As the domain knows it."""
        return cls(key=ID(member.id), name=member.name, role=member.role, created_at=DateTime(member.created_at_ms))
