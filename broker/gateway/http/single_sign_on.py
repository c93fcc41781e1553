"""The HTTP API of single sign-on: setting it up, and the way of a browser to the identity provider and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from broker.domain.people.access import MemberRole, Principal
from broker.domain.people.single_sign_on import MAX_DOMAINS, SIGN_IN_HOURS, IdentityProvider, ProviderTerms
from broker.gateway.serving.addresses import caller_address
from broker.gateway.serving.answers import Answer, Body, guard, measure, read_body
from broker.gateway.serving.credentials import (
    credential,
    drop_challenge,
    in_cookie,
    keep_challenge,
    read_challenge,
    require_own_origin,
    set_cookie,
)
from broker.services.container import Services
from broker.services.people.single_sign_on import ANSWER_PATH, UNDER_WAY_S, ProviderAnswer, Returned

_MAX_BYTES = 4096
"""Read before anybody knows who asks."""
_LONGEST_ANSWER = 8192
"""Of a code or another member of a provider's answer."""
_SEE_OTHER = 303
_Short = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
_Slug = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class _Terms(Body):
    issuer: _Short
    client_id: _Short
    secret: _Short | None = None
    domains: list[_Short] = Field(default_factory=list, max_length=MAX_DOMAINS)
    joins_as: MemberRole | None = None
    required: bool = False
    hours: int = SIGN_IN_HOURS


class _Begin(Body):
    workspace: _Slug
    then: str | None = None


class SingleSignOnApi:
    """The endpoints. Each authenticates, or takes a browser's cookie, and calls one service."""

    def __init__(self, services: Services) -> None:
        self._s = services
        self._sso = services.single_sign_on

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/single-sign-on", self.show),
            ("PUT", "/v1/single-sign-on", self.set),
            ("DELETE", "/v1/single-sign-on", self.remove),
            ("POST", "/v1/sign-in/single-sign-on", self.begin),
            ("GET", ANSWER_PATH, self.answer),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def show(self, request: Request) -> Response:
        """The workspace's identity provider, what is registered there, and why nobody could sign in lately."""
        principal = await self._caller(request)
        return await self._show(principal, await self._sso.get(principal))

    async def set(self, request: Request) -> Response:
        """Set it up, or change it; the provider is asked first."""
        principal = await self._caller(request)
        body = await read_body(request, _Terms)
        terms = ProviderTerms(**(body.model_dump() | {"domains": tuple(body.domains)}))
        return await self._show(principal, await self._sso.set(principal, terms))

    async def remove(self, request: Request) -> Response:
        """End it, and every sign-in through it."""
        await self._sso.remove(await self._caller(request))
        return Answer({})

    async def begin(self, request: Request) -> Response:
        """Where a browser goes; it keeps what ties the answer to it."""
        require_own_origin(request, may_be_absent=True)  # else a page could sign its visitors in as somebody else
        body = await read_body(request, _Begin, most=_MAX_BYTES)
        who = await self._s.access.find_member(in_cookie(request).for_workspace(body.workspace))
        begun = await self._sso.begin(body.workspace, who=who, then=body.then)
        answer = Answer({"url": begun.url})
        keep_challenge(request, answer, begun.kept, life_s=UNDER_WAY_S)
        return answer

    async def answer(self, request: Request) -> Response:
        """The provider has sent a browser back: on to the dashboard, signed in, or told why not."""
        asked = {name: value[:_LONGEST_ANSWER] for name, value in request.query_params.items()}
        came_back = ProviderAnswer(
            state=asked.get("state"), code=asked.get("code"), error=asked.get("error"), issuer=asked.get("iss")
        )
        returned = await self._sso.finish(read_challenge(request), came_back, address=caller_address(request))
        answer = RedirectResponse(
            self._s.public_url + _page(returned),
            status_code=_SEE_OTHER,
            headers={"Cache-Control": "no-store"},  # by nothing that lies between
        )
        drop_challenge(request, answer)
        if returned.token is not None:
            set_cookie(request, answer, returned.token)
        return answer

    async def _show(self, principal: Principal, provider: IdentityProvider | None) -> Response:
        return Answer(
            {
                "provider": provider and asdict(provider.terms),
                "answer_at": self._sso.answer_at,
                "sign_in_at": self._sso.sign_in_at(principal.slug),
                "last_failure": await self._sso.last_failure(principal),
            }
        )


def _page(returned: Returned) -> str:
    """The path of the dashboard that a browser goes to. What was refused is said by its code: words are the page's."""
    if returned.refused is None:
        return returned.then or f"/w/{returned.slug}/"
    said = {"workspace": returned.slug, "refused": returned.refused.code, "then": returned.then}
    return "/sign-in?" + urlencode({name: value for name, value in said.items() if value})
