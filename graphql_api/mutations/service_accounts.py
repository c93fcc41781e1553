"""Service accounts, their tokens and people's personal ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.agents.sessions import Session
from broker.domain.errors import Conflict
from broker.domain.ids import TokenId
from broker.domain.people.access import TokenScope
from broker.services.people.scoped_tokens import OVERLAP_S, SCOPED_S
from broker.services.ports import TokenRecord
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once, short
from graphql_api.mutations.tokens import TokenMinted
from graphql_api.node_ids import key_of
from graphql_api.refusals import Refused
from graphql_api.types.sessions import session_named
from graphql_api.types.tokens import ServiceAccount, Token, TokenDependants

_SCOPES = "What it may do, one or more."
_SESSIONS = "The sessions that it is limited to, each by id, key or name; none for no limit."
_LIFE = "How long it is good, in seconds"


@strawberry.input(description="A service account to be made.")
class CreateServiceAccountInput(Repeatable):
    """A service account to be made."""

    name: str = strawberry.field(description="What to call it.")


@strawberry.type(description="The service account was made; it has no token yet.")
class ServiceAccountCreated:
    """The account."""

    service_account: ServiceAccount = strawberry.field(description="The account.")


CreateServiceAccountResult = Annotated[
    ServiceAccountCreated | Refused,
    strawberry.union("CreateServiceAccountResult", description="The account, or why there is none."),
]


@strawberry.input(description="A service account to be removed.")
class RemoveServiceAccountInput(Repeatable):
    """A service account to be removed."""

    service_account: ID = strawberry.field(description="The account: its key or name.")


@strawberry.type(description="The service account and its tokens are gone.")
class ServiceAccountRemoved:
    """What has ended."""

    ended: TokenDependants | None = strawberry.field(description="What has ended with it; null in a repeat.")


RemoveServiceAccountResult = Annotated[
    ServiceAccountRemoved | Refused,
    strawberry.union("RemoveServiceAccountResult", description="That it is gone, or why not."),
]


@strawberry.input(description="A token of a service account, to be made.")
class MintServiceTokenInput(Repeatable):
    """A token to be made."""

    service_account: ID = strawberry.field(description="The account: its key or name.")
    scopes: list[TokenScope] = strawberry.field(description=_SCOPES)
    name: str | None = strawberry.field(default=None, description="What to call it; null: as the account.")
    sessions: list[ID] = strawberry.field(default_factory=list, description=_SESSIONS)
    expires_in_s: int | None = strawberry.field(default=SCOPED_S, description=f"{_LIFE}; null for ever.")


@strawberry.input(description="A personal token, to be made.")
class MintPersonalTokenInput(Repeatable):
    """A token to be made."""

    name: str = strawberry.field(description="What to call it.")
    scopes: list[TokenScope] = strawberry.field(description=_SCOPES)
    sessions: list[ID] = strawberry.field(default_factory=list, description=_SESSIONS)
    expires_in_s: int = strawberry.field(default=SCOPED_S, description=f"{_LIFE}.")


@strawberry.input(description="A token that another takes the place of.")
class RotateTokenInput(Repeatable):
    """A token to be rotated."""

    token: ID = strawberry.field(description="The token: its id or key.")
    overlap_s: int = strawberry.field(default=OVERLAP_S, description="How long it works on, in seconds.")
    expires_in_s: int | None = strawberry.field(
        default=None, description=f"{_LIFE}, of the new one; null: as long as the old one was."
    )


ScopedTokenResult = Annotated[
    TokenMinted | Refused,
    strawberry.union(
        "ScopedTokenResult",
        description="The token, or why there is none. A repeat is refused with ALREADY_DONE, as a secret cannot be"
        " shown twice; its message names the token.",
    ),
]


@strawberry.type
class ScopedTokenMutations:
    """Mutations of service accounts and of tokens with scopes."""

    @mutation("Make a service account. For who administers.")
    async def create_service_account(
        self, info: Info, input: Annotated[CreateServiceAccountInput, GIVEN]
    ) -> CreateServiceAccountResult:
        """Without tokens yet."""
        scoped, principal = info.context.services.scoped_tokens, info.context.principal

        async def create() -> str:
            return (await scoped.create(principal, short("name", input.name))).id

        key = (await once(info, input, create)).text
        found = next((each for each in await scoped.accounts(principal) if each.id == key), None)
        if found is None:
            raise Conflict("the service account was made, and is gone by now", code="ALREADY_DONE")
        return ServiceAccountCreated(service_account=ServiceAccount.of(found))

    @mutation("Remove a service account with its tokens, at once. For who administers.")
    async def remove_service_account(
        self, info: Info, input: Annotated[RemoveServiceAccountInput, GIVEN]
    ) -> RemoveServiceAccountResult:
        """For good."""
        scoped, principal = info.context.services.scoped_tokens, info.context.principal
        ended: list[TokenDependants] = []

        async def remove() -> str:
            ended.append(TokenDependants.of(await scoped.remove(principal, input.service_account)))
            return "removed"

        removed = await once(info, input, remove)
        return ServiceAccountRemoved(ended=None if removed.repeated else ended[0])

    @mutation("Make a token of a service account. For who administers.")
    async def mint_service_token(self, info: Info, input: Annotated[MintServiceTokenInput, GIVEN]) -> ScopedTokenResult:
        """The secret is shown this once."""
        scoped, principal = info.context.services.scoped_tokens, info.context.principal

        async def mint() -> tuple[TokenRecord, str]:
            return await scoped.mint(
                principal,
                input.service_account,
                scopes=input.scopes,
                name=None if input.name is None else short("name", input.name),
                only=await _sessions(info, input.sessions),
                expires_in_s=input.expires_in_s,
            )

        return await _show_once(info, input, mint)

    @mutation("Make a token for a program of one's own. For who signed in.")
    async def mint_personal_token(
        self, info: Info, input: Annotated[MintPersonalTokenInput, GIVEN]
    ) -> ScopedTokenResult:
        """The secret is shown this once."""
        scoped, principal = info.context.services.scoped_tokens, info.context.principal

        async def mint() -> tuple[TokenRecord, str]:
            return await scoped.mint_personal(
                principal,
                scopes=input.scopes,
                name=short("name", input.name),
                only=await _sessions(info, input.sessions),
                expires_in_s=input.expires_in_s,
            )

        return await _show_once(info, input, mint)

    @mutation("Put another token in the place of one, which works on for a while. For whose it is, or who administers.")
    async def rotate_token(self, info: Info, input: Annotated[RotateTokenInput, GIVEN]) -> ScopedTokenResult:
        """The new secret is shown this once."""
        scoped, principal = info.context.services.scoped_tokens, info.context.principal
        token = TokenId(key_of("Token", input.token))

        async def rotate() -> tuple[TokenRecord, str]:
            return await scoped.rotate(principal, token, overlap_s=input.overlap_s, expires_in_s=input.expires_in_s)

        return await _show_once(info, input, rotate)


async def _sessions(info: Info, references: list[ID]) -> list[Session]:
    return [await session_named(info, each) for each in references]


async def _show_once(
    info: Info, input: Repeatable, make: Callable[[], Awaitable[tuple[TokenRecord, str]]]
) -> TokenMinted:
    made: list[TokenMinted] = []

    async def mint() -> str:
        record, secret = await make()
        made.append(TokenMinted(token=Token.of(record), secret=secret))
        return record.id

    minted = await once(info, input, mint)
    if minted.repeated:
        raise Conflict(
            f"token {minted.text} was made by this request before, and its secret was shown then: revoke it and make"
            " another if that was lost",
            code="ALREADY_DONE",
        )
    return made[0]
