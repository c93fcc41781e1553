"""Tokens, never with their secrets."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.people.access import TokenKind
from broker.domain.people.dependants import Dependants
from broker.services.ports import TokenRecord
from graphql_api.context import Info
from graphql_api.types.fields import resolved
from graphql_api.types.node import Node
from graphql_api.types.scalars import DateTime


@strawberry.type(description="Who made a token.")
class TokenMaker:
    """The member, or the token it was made with."""

    name: str | None = strawberry.field(
        description="What the member or the token is called; null for one that is gone."
    )
    member_key: ID | None = strawberry.field(description="The member's key; null where none stands behind it.")
    token_key: ID | None = strawberry.field(
        description="The key of the token it was made with; null for who signed in."
    )


@strawberry.type(description="What ends with a token, besides itself and what is short-lived.")
class TokenDependants:
    """How much hangs on a token."""

    tokens: int = strawberry.field(description="Tokens made with it, and with those, and so on.")
    machines: int = strawberry.field(description="Machines linked with one of them.")
    agents: int = strawberry.field(
        description="Agents on those machines: they stay, and cannot act until their machine is linked again."
    )

    @classmethod
    def of(cls, found: Dependants) -> Self:
        """As they were counted."""
        return cls(tokens=found.tokens, machines=found.machines, agents=found.agents)


@strawberry.type(description="A token of the workspace. Its secret was shown once and is not kept.")
class Token(Node):
    """One token."""

    kind: TokenKind = strawberry.field(description="What it stands for.")
    name: str = strawberry.field(description="What it is called.")
    session_key: ID | None = strawberry.field(description="The only session it is good for; null when not of one.")
    created_at: DateTime = strawberry.field(description="When it was made.")
    expires_at: DateTime | None = strawberry.field(description="When it ends by itself; null for never.")

    record: strawberry.Private[TokenRecord]

    @resolved("Who made it; null for the key of a data folder, and where that was not written down.")
    async def made_by(self, info: Info) -> TokenMaker | None:
        """By name."""
        by = self.record.made_by
        if by is None:
            return None
        return TokenMaker(
            name=(await info.context.loaders.token.load(self.record.id)).made_by,
            member_key=ID(by.member) if by.member else None,
            token_key=ID(by.token) if by.token else None,
        )

    @resolved("What would end with it.")
    async def ends(self, info: Info) -> TokenDependants:
        """Counted now."""
        return TokenDependants.of((await info.context.loaders.token.load(self.record.id)).ends)

    @classmethod
    def of(cls, record: TokenRecord) -> Self:
        """As it is kept."""
        return cls(
            record=record,
            key=ID(record.id),
            kind=record.kind,
            name=record.name,
            session_key=None if record.session is None else ID(record.session),
            created_at=DateTime(record.created_at_ms),
            expires_at=None if record.expires_at_ms is None else DateTime(record.expires_at_ms),
        )
