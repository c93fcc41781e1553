"""Making and ending tokens, and forgetting machines."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.errors import Conflict
from broker.domain.ids import TokenId
from broker.domain.people.token_kinds import TokenKind
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once, short
from graphql_api.node_ids import key_of
from graphql_api.refusals import Refused
from graphql_api.types.proxies import Proxy
from graphql_api.types.scalars import DateTime
from graphql_api.types.sessions import session_named
from graphql_api.types.tokens import Token, TokenDependants


@strawberry.input(description="A token to be made.")
class MintTokenInput(Repeatable):
    """A token to be made."""

    kind: TokenKind = strawberry.field(description="What it stands for: WORKSPACE, PROXY or OBSERVER.")
    name: str = strawberry.field(description="What to call it.")
    person: bool = strawberry.field(default=False, description="Whether a human will use it: signs its messages so.")
    session: ID | None = strawberry.field(default=None, description="An observer's only session: its id, key or name.")
    expires_at: DateTime | None = strawberry.field(default=None, description="When it ends by itself; null for never.")


@strawberry.type(description="The token was made. Its secret is in this answer and nowhere else.")
class TokenMinted:
    """The token."""

    token: Token = strawberry.field(description="The token.")
    secret: str = strawberry.field(description="What a request carries as `Authorization: Bearer …`.")


MintTokenResult = Annotated[
    TokenMinted | Refused,
    strawberry.union(
        "MintTokenResult",
        description="The token, or why there is none. A repeat is refused with ALREADY_DONE, as a secret cannot be"
        " shown twice; its message names the token.",
    ),
]


@strawberry.input(description="A token to be ended.")
class RevokeTokenInput(Repeatable):
    """A token to be ended."""

    token: ID = strawberry.field(description="The token: its id or key.")


@strawberry.type(description="The token is good no longer; what was open with it is closed.")
class TokenRevoked:
    """The token is gone."""

    key: ID = strawberry.field(description="The key it had.")
    ended: TokenDependants | None = strawberry.field(description="What has ended with it; null in a repeat.")


RevokeTokenResult = Annotated[
    TokenRevoked | Refused, strawberry.union("RevokeTokenResult", description="That it is gone, or why not.")
]


@strawberry.input(description="A machine to be forgotten.")
class ForgetProxyInput(Repeatable):
    """A machine to be forgotten."""

    proxy: ID = strawberry.field(description="The machine: its id or key.")


@strawberry.type(description="The machine is listed no longer.")
class ProxyForgotten:
    """The machine is gone."""

    key: ID = strawberry.field(description="The key it had.")


ForgetProxyResult = Annotated[
    ProxyForgotten | Refused, strawberry.union("ForgetProxyResult", description="That it is gone, or why not.")
]


@strawberry.input(description="A machine to be adopted.")
class AdoptProxyInput(Repeatable):
    """A machine to be adopted."""

    proxy: ID = strawberry.field(description="The machine: its id or key.")


@strawberry.type(description="The machine is yours as soon as it is linked with a token of yours.")
class ProxyAdopted:
    """The machine was adopted."""

    proxy: Proxy = strawberry.field(description="The machine as it is now.")


AdoptProxyResult = Annotated[
    ProxyAdopted | Refused, strawberry.union("AdoptProxyResult", description="The machine, or why not.")
]


@strawberry.type
class TokenMutations:
    """Mutations of tokens and machines."""

    @mutation("Make a token. For who administers.")
    async def mint_token(self, info: Info, input: Annotated[MintTokenInput, GIVEN]) -> MintTokenResult:
        """The secret is shown this once."""
        access, principal = info.context.services.access, info.context.principal
        made: list[TokenMinted] = []

        async def mint() -> str:
            session = None if input.session is None else (await session_named(info, input.session)).id
            record, secret = await access.mint(
                principal,
                kind=input.kind,
                name=short("name", input.name),
                person=input.person,
                session=session,
                expires_at_ms=input.expires_at,
            )
            made.append(TokenMinted(token=Token.of(record), secret=secret))
            return record.id

        minted = await once(info, input, mint)
        if minted.repeated:
            raise Conflict(
                f"token {minted.text} was made by this request before, and its secret was shown then: revoke it and"
                " make another if that was lost",
                code="ALREADY_DONE",
            )
        return made[0]

    @mutation("End a token, and all that hangs on it, at once. For who administers.")
    async def revoke_token(self, info: Info, input: Annotated[RevokeTokenInput, GIVEN]) -> RevokeTokenResult:
        """For good, with all that hangs on it."""
        token = TokenId(key_of("Token", input.token))

        ended: list[TokenDependants] = []

        async def revoke() -> str:
            ended.append(TokenDependants.of(await info.context.services.access.revoke(info.context.principal, token)))
            return token

        revoked = await once(info, input, revoke)
        return TokenRevoked(key=ID(revoked.text), ended=None if revoked.repeated else ended[0])

    @mutation("Forget a machine that is offline. For its owner and who administers.")
    async def forget_proxy(self, info: Info, input: Annotated[ForgetProxyInput, GIVEN]) -> ForgetProxyResult:
        """It is listed again when it comes back."""
        proxy = key_of("Proxy", input.proxy)

        async def forget() -> str:
            return (await info.context.services.sessions.forget_proxy(info.context.principal, proxy)).id

        return ProxyForgotten(key=ID((await once(info, input, forget)).text))

    @mutation("Let a machine whose owner was removed, or that has none, be yours. For who administers.")
    async def adopt_proxy(self, info: Info, input: Annotated[AdoptProxyInput, GIVEN]) -> AdoptProxyResult:
        """It is yours once it is linked with a token of yours."""
        sessions, principal = info.context.services.sessions, info.context.principal
        return ProxyAdopted(proxy=Proxy.of(await sessions.adopt_proxy(principal, key_of("Proxy", input.proxy))))
