"""Tokens, never with their secrets."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.access import TokenKind
from broker.services.ports import TokenRecord
from graphql_api.types.node import Node
from graphql_api.types.scalars import DateTime


@strawberry.type(description="A token of the workspace. Its secret was shown once and is not kept.")
class Token(Node):
    """One token."""

    kind: TokenKind = strawberry.field(description="What it stands for.")
    name: str = strawberry.field(description="What it is called.")
    session_key: ID | None = strawberry.field(description="The only session it is good for; null when not of one.")
    created_at: DateTime = strawberry.field(description="When it was made.")
    expires_at: DateTime | None = strawberry.field(description="When it ends by itself; null for never.")

    @classmethod
    def of(cls, record: TokenRecord) -> Self:
        """As it is kept."""
        return cls(
            key=ID(record.id),
            kind=record.kind,
            name=record.name,
            session_key=None if record.session is None else ID(record.session),
            created_at=DateTime(record.created_at_ms),
            expires_at=None if record.expires_at_ms is None else DateTime(record.expires_at_ms),
        )
