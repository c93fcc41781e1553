"""Tokens, never with their secrets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import strawberry
from strawberry import ID

from broker.domain.people.access import Permission, TokenScope
from broker.domain.people.dependants import Dependants
from broker.domain.people.token_kinds import TokenKind
from broker.services.ports import ServiceAccount as KnownAccount
from broker.services.ports import TokenRecord
from graphql_api.context import Info
from graphql_api.types.fields import resolve
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

    last_used_at: DateTime | None = strawberry.field(description="Give or take a minute; null for never.")
    scopes: list[TokenScope] | None = strawberry.field(
        description="What a personal token, or one of a service account, was made for; null for others."
    )
    session_keys: list[ID] | None = strawberry.field(
        description="The sessions that such a token is limited to; null for no limit."
    )
    service_account_key: ID | None = strawberry.field(description="The service account that it is of.")
    rotated_to_key: ID | None = strawberry.field(
        description="The token in its place: this one ends when `expiresAt` says."
    )

    record: strawberry.Private[TokenRecord]

    @resolve("Who made it; null for the key of a data folder, and where that was not written down.")
    async def made_by(self, info: Info) -> TokenMaker | None:
        """By name."""
        by = self.record.made_by
        if by is None:
            return None
        if _is_own(info, self.record):
            return TokenMaker(name=info.context.principal.name, member_key=ID(by.member or ""), token_key=None)
        return TokenMaker(
            name=(await info.context.loaders.token.load(self.record.id)).made_by,
            member_key=ID(by.member) if by.member else None,
            token_key=ID(by.token) if by.token else None,
        )

    @resolve("What would end with it.")
    async def ends(self, info: Info) -> TokenDependants:
        """Counted now."""
        if _is_own(info, self.record) and Permission.ADMINISTER not in info.context.principal.permissions:
            return TokenDependants(tokens=0, machines=0, agents=0)  # who may make something with it administers
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
            last_used_at=None if record.last_used_at_ms is None else DateTime(record.last_used_at_ms),
            scopes=None if record.scopes is None else list(record.scopes),
            session_keys=None if record.only is None else [ID(each) for each in record.only],
            service_account_key=None if record.service is None else ID(record.service),
            rotated_to_key=None if record.rotated_to is None else ID(record.rotated_to),
        )


def _is_own(info: Info, record: TokenRecord) -> bool:
    """Whether it is a personal token of whoever asks."""
    return record.member is not None and record.member == info.context.principal.member


@strawberry.type(description="A name for programs of the workspace that are nobody's in particular.")
class ServiceAccount:
    """One."""

    key: ID = strawberry.field(description="Its key.")
    name: str = strawberry.field(description="What it is called, unique in the workspace.")
    created_at: DateTime = strawberry.field(description="When it was made.")
    made_by_key: ID | None = strawberry.field(description="The key of the member who made it; null for a key's.")
    tokens: list[Token] = strawberry.field(description="Its tokens, the oldest first.")

    @classmethod
    def of(cls, account: KnownAccount, tokens: Iterable[TokenRecord] = ()) -> Self:
        """As it is kept."""
        by = account.made_by.member if account.made_by else None
        return cls(
            key=ID(account.id),
            name=account.name,
            created_at=DateTime(account.created_at_ms),
            made_by_key=None if by is None else ID(by),
            tokens=[Token.of(each) for each in tokens if each.service == account.id],
        )
