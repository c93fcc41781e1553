"""The HTTP API of tokens: those of the workspace, service accounts with theirs, and people's personal ones."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.agents.sessions import Session
from broker.domain.ids import TokenId
from broker.domain.people.access import MAX_ONLY, Principal, TokenScope
from broker.domain.people.dependants import Dependants
from broker.domain.people.token_kinds import TokenKind
from broker.gateway.serving.answers import Answer, Body, guard, measure, read_body
from broker.gateway.serving.credentials import credential
from broker.gateway.serving.repeating import answer_once, once
from broker.services.container import Services
from broker.services.people.access import TokenAbout
from broker.services.people.scoped_tokens import MAX_OVERLAP_S, MAX_SCOPED_S, OVERLAP_S, SCOPED_S
from broker.services.ports import ServiceAccount, TokenRecord

_Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Life = Annotated[int, Field(ge=60, le=MAX_SCOPED_S)]


class _NewToken(Body):
    kind: TokenKind
    name: _Short
    person: bool = False


class _NewAccount(Body):
    name: _Short


class _Scoped(Body):
    scopes: list[TokenScope] = Field(min_length=1, max_length=len(TokenScope))
    sessions: list[_Short] = Field(default_factory=list, max_length=MAX_ONLY)
    """By id or name: the token is limited to those; none for all that the caller sees."""


class _NewServiceToken(_Scoped):
    name: _Short | None = None
    expires_in_s: _Life | None = SCOPED_S
    """null: it does not end by itself."""


class _NewPersonalToken(_Scoped):
    name: _Short
    expires_in_s: _Life = SCOPED_S


class _Rotation(Body):
    overlap_s: int = Field(OVERLAP_S, ge=0, le=MAX_OVERLAP_S)
    """How long the token that is rotated works on."""
    expires_in_s: _Life | None = None
    """Of the new one; null: as long as the old one was good."""


class TokensApi:
    """The endpoints. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        accounts = "/v1/service-accounts"
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/tokens", self.tokens),
            ("POST", "/v1/tokens", self.mint),
            ("DELETE", "/v1/tokens/{token}", once(self._s, self.revoke)),
            ("POST", "/v1/tokens/{token}/rotate", self.rotate),
            ("GET", "/v1/personal-tokens", self.personal),
            ("POST", "/v1/personal-tokens", self.mint_personal),
            ("GET", accounts, self.accounts),
            ("POST", accounts, self.create),
            ("DELETE", f"{accounts}/{{account}}", once(self._s, self.remove)),
            ("POST", f"{accounts}/{{account}}/tokens", self.mint_service),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def _named(self, principal: Principal, references: list[str]) -> list[Session]:
        return [await self._s.sessions.look_up(principal, each) for each in references]

    async def tokens(self, request: Request) -> Response:
        """The workspace's tokens, without secrets: who made each, and what would end with it."""
        principal = await self._caller(request)
        tokens, about = await self._s.access.tokens(principal), await self._s.access.about_tokens(principal)
        return Answer({"tokens": [_show(each, about.get(each.id)) for each in tokens]})

    async def mint(self, request: Request) -> Response:
        """A new token; its secret is in this answer and nowhere else."""
        principal = await self._caller(request)
        body = await read_body(request, _NewToken)

        async def make() -> dict[str, object]:
            record, token = await self._s.access.mint(principal, kind=body.kind, name=body.name, person=body.person)
            return {"id": record.id, "kind": record.kind, "name": record.name, "token": token}

        return await answer_once(self._s, request, principal, body=body, make=make, unkept="token")

    async def revoke(self, request: Request) -> Response:
        """End a token and all that hangs on it at once; says what that was."""
        principal = await self._caller(request)
        ended = await self._s.access.revoke(principal, TokenId(request.path_params["token"]))
        return Answer({"ended": ended})

    async def rotate(self, request: Request) -> Response:
        """Another token in the place of one, which works on for a while; the new secret is in this answer alone."""
        principal = await self._caller(request)
        body = await read_body(request, _Rotation)
        token = TokenId(request.path_params["token"])

        async def make() -> dict[str, object]:
            return _show_made(
                *await self._s.scoped_tokens.rotate(
                    principal, token, overlap_s=body.overlap_s, expires_in_s=body.expires_in_s
                )
            )

        return await answer_once(self._s, request, principal, body=body, make=make, unkept="token")

    async def personal(self, request: Request) -> Response:
        """The caller's own personal tokens, without secrets."""
        found = await self._s.scoped_tokens.personal(await self._caller(request))
        return Answer({"tokens": [_show(each, None) for each in found]})

    async def mint_personal(self, request: Request) -> Response:
        """A token for a program of the caller's; its secret is in this answer and nowhere else."""
        principal = await self._caller(request)
        body = await read_body(request, _NewPersonalToken)

        async def make() -> dict[str, object]:
            return _show_made(
                *await self._s.scoped_tokens.mint_personal(
                    principal,
                    scopes=body.scopes,
                    name=body.name,
                    only=await self._named(principal, body.sessions),
                    expires_in_s=body.expires_in_s,
                )
            )

        return await answer_once(self._s, request, principal, body=body, make=make, unkept="token")

    async def accounts(self, request: Request) -> Response:
        """The service accounts of the workspace, each with its tokens."""
        principal = await self._caller(request)
        accounts = await self._s.scoped_tokens.accounts(principal)
        tokens, about = await self._s.access.tokens(principal), await self._s.access.about_tokens(principal)
        shown = [
            {**_show_account(account), "tokens": [_show(t, about.get(t.id)) for t in tokens if t.service == account.id]}
            for account in accounts
        ]
        return Answer({"service_accounts": shown})

    async def create(self, request: Request) -> Response:
        """A new service account, without tokens yet."""
        principal = await self._caller(request)
        body = await read_body(request, _NewAccount)
        return Answer(_show_account(await self._s.scoped_tokens.create(principal, body.name)))

    async def remove(self, request: Request) -> Response:
        """End a service account with its tokens; says what has ended with it."""
        principal = await self._caller(request)
        return Answer({"ended": await self._s.scoped_tokens.remove(principal, request.path_params["account"])})

    async def mint_service(self, request: Request) -> Response:
        """A token of a service account; its secret is in this answer and nowhere else."""
        principal = await self._caller(request)
        body = await read_body(request, _NewServiceToken)

        async def make() -> dict[str, object]:
            return _show_made(
                *await self._s.scoped_tokens.mint(
                    principal,
                    request.path_params["account"],
                    scopes=body.scopes,
                    name=body.name,
                    only=await self._named(principal, body.sessions),
                    expires_in_s=body.expires_in_s,
                )
            )

        return await answer_once(self._s, request, principal, body=body, make=make, unkept="token")


def _show_made(record: TokenRecord, secret: str) -> dict[str, object]:
    return {**_show(record, None), "token": secret}


def _show_account(account: ServiceAccount) -> dict[str, object]:
    return {"id": account.id, "name": account.name, "created_at_ms": account.created_at_ms}


def _show(token: TokenRecord, about: TokenAbout | None) -> dict[str, object]:
    by = token.made_by
    return {
        "id": token.id,
        "kind": token.kind,
        "name": token.name,
        "created_at_ms": token.created_at_ms,
        "expires_at_ms": token.expires_at_ms,
        "last_used_at_ms": token.last_used_at_ms,
        "session": token.session,
        "scopes": token.scopes,
        "sessions": token.only,
        "service_account": token.service,
        "rotated_to": token.rotated_to,
        "made_by": by and {"token": by.token, "member": by.member, "name": about and about.made_by},
        "ends": about.ends if about else Dependants(),
    }
