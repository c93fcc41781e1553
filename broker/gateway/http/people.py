"""The HTTP API of people and their access: signing in and out, members, and sharing a session."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any, TypedDict

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.errors import BadRequest, NotAuthenticated, NotFound, NotPermitted
from broker.domain.ids import TokenId
from broker.domain.people.access import MAX_SHARE_S, SHARE_S, Credential, MemberRole, Principal
from broker.domain.people.members import Member
from broker.domain.people.pages import MAX_PEOPLE_PAGE, Page
from broker.domain.people.single_sign_on import SSO_REQUIRED
from broker.domain.people.token_families import Purpose
from broker.domain.people.token_kinds import TokenKind
from broker.gateway.serving.addresses import caller_address
from broker.gateway.serving.answers import Answer, Body, guard, integer, measure, read_body
from broker.gateway.serving.credentials import (
    credential,
    drop_cookie,
    has_cookie,
    in_cookie,
    in_header,
    require_own_origin,
    show_caller,
    sign_in_browser,
)
from broker.gateway.serving.repeating import answer_once, once
from broker.services.container import Services
from broker.services.people.accounts import SignedIn
from broker.services.people.short_lived_tokens import TokenPair
from broker.services.people.sign_in import OneTimeCode
from broker.services.people.web_links import share_url, sign_in_url

_MAX_SIGN_IN_BYTES = 4096
"""Read before anybody knows who asks."""
_Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class PageAsked(TypedDict):
    """A page that is asked for."""

    search: str | None
    after: str | None
    limit: int


class _SignIn(Body):
    code: _Short
    join: bool = False
    """Whether whoever is signed in to this browser is to be that member, too, and stay who they are."""


class _SignOut(Body):
    everywhere: bool = False


class _Exchange(Body):
    purpose: Purpose = Field(alias="for")
    machine_id: _Short | None = None
    name: _Short | None = None


class _Refresh(Body):
    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = Field(repr=False)


class _NewMember(Body):
    name: _Short
    role: MemberRole


class _Role(Body):
    role: MemberRole


class _Share(Body):
    expires_in_s: int = Field(SHARE_S, gt=0, le=MAX_SHARE_S)


class AccessApi:
    """The endpoints. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/sign-in", self.show_sign_in),
            ("POST", "/v1/sign-in", self.sign_in),
            ("POST", "/v1/sign-out", self.sign_out),
            ("GET", "/v1/sign-ins", self.sign_ins),
            ("DELETE", "/v1/sign-ins/{sign_in}", self.end_sign_in),
            ("POST", "/v1/auth/exchange", self.exchange),
            ("POST", "/v1/auth/refresh", self.refresh),
            ("GET", "/v1/members", self.members),
            ("POST", "/v1/members", self.add),
            ("PATCH", "/v1/members/{member}", self.set_role),
            ("DELETE", "/v1/members/{member}", once(self._s, self.remove)),
            ("POST", "/v1/members/{member}/erase", once(self._s, self.erase)),
            ("POST", "/v1/members/{member}/suspend", self.suspend),
            ("POST", "/v1/members/{member}/reinstate", self.reinstate),
            ("DELETE", "/v1/members/{member}/sign-ins", self.end_sign_ins),
            ("POST", "/v1/members/{member}/link", self.link),
            ("POST", "/v1/sessions/{session}/share", self.share),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def show_sign_in(self, request: Request) -> Response:
        """Who is signed in to this browser, so that a link can ask before it makes that somebody else; null: nobody.

        `refused` is the code where the workspace that the request names wants to hear it from its identity provider.
        """
        shown = in_cookie(request)
        caller: dict[str, object] | None
        try:
            caller = await self._show_signed_in(shown)
        except NotAuthenticated as refused:
            caller = await self._show_refused(shown, refused)
        except NotFound:  # or not in the workspace that the address names
            caller = None
        return Answer({"caller": caller})

    async def _show_refused(self, shown: Credential, refused: NotAuthenticated) -> dict[str, object] | None:
        """Whom only single sign-on lets act there; None for nobody."""
        who = await self._s.access.find_member(shown) if refused.code == SSO_REQUIRED else None
        if who is None:
            return None
        there = replace(who, slug=str(refused.details["workspace"]))
        return {**show_caller(there), "refused": refused.code}

    async def _show_signed_in(self, shown: Credential) -> dict[str, object]:
        """As the workspace that the request names knows them; by name alone when it names none of several."""
        try:
            return show_caller(await self._s.access.authenticate(shown))
        except BadRequest as several:
            who = await self._s.access.find_sign_in(shown)
            if several.code != "WORKSPACE_REQUIRED" or who is None:
                raise
            return {"kind": TokenKind.MEMBER, "name": who.name, "workspace": None, "member": None, "role": None}

    async def sign_in(self, request: Request) -> Response:
        """Exchange a one-time code for a cookie."""
        require_own_origin(request, may_be_absent=True)  # else a page could sign its visitors in as somebody else
        body = await read_body(request, _SignIn, most=_MAX_SIGN_IN_BYTES)
        if body.join:
            return await self._join(request, body.code)
        device = request.headers.get("user-agent", "")
        token = await self._s.sign_in.redeem(body.code, address=caller_address(request), device=device)
        return await sign_in_browser(request, self._s.access, token)

    async def _join(self, request: Request, code: str) -> Response:
        """Let whoever is signed in be whom a code is for, too; who they are there."""
        shown = credential(request).for_workspace(None)
        workspace = await self._s.sign_in.join(await self._person(shown), code, address=caller_address(request))
        return Answer(show_caller(await self._s.access.authenticate(shown.for_workspace(workspace))))

    async def _person(self, shown: Credential) -> SignedIn:
        person = await self._s.access.find_sign_in(shown)
        if person is None:
            raise NotPermitted("this is for a person who is signed in; a token is of one workspace")
        return person

    async def sign_ins(self, request: Request) -> Response:
        """Where the person is signed in."""
        person = await self._person(credential(request))
        found = await self._s.access.accounts.sign_ins(person)
        return Answer({"sign_ins": [{**asdict(each), "this": each.id == person.sign_in} for each in found]})

    async def end_sign_in(self, request: Request) -> Response:
        """End one of them, at once and in every workspace."""
        person = await self._person(credential(request))
        await self._s.access.accounts.end_one(person, TokenId(request.path_params["sign_in"]))
        return Answer({})

    async def sign_out(self, request: Request) -> Response:
        """End this sign-in, or all of this person; a browser forgets its cookie either way."""
        shown = credential(request)
        by_cookie = "authorization" not in request.headers
        try:
            person = await self._s.access.find_sign_in(shown)
            principal = None if person else await self._s.access.authenticate(shown)
        except NotAuthenticated:
            if not by_cookie or not has_cookie(request):
                raise
        else:
            body = await read_body(request, _SignOut, most=_MAX_SIGN_IN_BYTES)
            if person is not None:
                await self._s.sign_in.sign_person_out(person, everywhere=body.everywhere)
            elif principal is not None:
                await self._s.sign_in.sign_out(principal, shown.token or "", everywhere=body.everywhere)
        answer = Answer({})
        if by_cookie:  # another token's sign-out, as that of a tab with a share, leaves the browser's own alone
            drop_cookie(request, answer)
        return answer

    async def exchange(self, request: Request) -> Response:
        """Exchange a token for a short-lived one. A browser's cookie is not for this: pages keep no tokens."""
        principal = await self._s.access.authenticate(in_header(request))
        body = await read_body(request, _Exchange, most=_MAX_SIGN_IN_BYTES)
        pair = await self._s.short_lived.exchange(principal, body.purpose, machine=body.machine_id, name=body.name)
        return Answer(_show_pair(pair))

    async def refresh(self, request: Request) -> Response:
        """The next short-lived token; what is presented is used up."""
        body = await read_body(request, _Refresh, most=_MAX_SIGN_IN_BYTES)
        pair = await self._s.short_lived.renew(body.refresh_token, address=caller_address(request))
        return Answer(_show_pair(pair))

    async def members(self, request: Request) -> Response:
        """Some people of the workspace: `?search=&after=&limit=`, or `?first=owner` for the owner who came first."""
        principal = await self._caller(request)
        if request.query_params.get("first") == MemberRole.OWNER:
            owner = await self._s.members.first_owner(principal)
            return Answer({"members": [_show(owner)] if owner else []})
        page = await self._s.members.page(principal, **read_page(request))
        return Answer(show_members(page))

    async def add(self, request: Request) -> Response:
        """Add a person; the answer holds the link that signs them in, once."""
        principal = await self._caller(request)
        body = await read_body(request, _NewMember)

        async def make() -> dict[str, object]:
            member = await self._s.members.add(principal, name=body.name, role=body.role)
            return {"member": _show(member), **self._link(await self._s.sign_in.invite(principal, member))}

        return await answer_once(self._s, request, principal, body=body, make=make, unkept="url")

    async def set_role(self, request: Request) -> Response:
        """Give a person another role."""
        principal = await self._caller(request)
        body = await read_body(request, _Role)
        return Answer(_show(await self._s.members.set_role(principal, request.path_params["member"], body.role)))

    async def remove(self, request: Request) -> Response:
        """Remove a person; says what has ended with them."""
        ended = await self._s.members.remove(await self._caller(request), request.path_params["member"])
        return Answer({"ended": ended})

    async def erase(self, request: Request) -> Response:
        """Remove a person and their name; says what has ended with them."""
        ended = await self._s.members.erase(await self._caller(request), request.path_params["member"])
        return Answer({"ended": ended})

    async def suspend(self, request: Request) -> Response:
        """Let a person neither sign in nor act, until they are reinstated."""
        return Answer(_show(await self._s.members.suspend(await self._caller(request), request.path_params["member"])))

    async def reinstate(self, request: Request) -> Response:
        """Let a suspended person act again."""
        return Answer(
            _show(await self._s.members.reinstate(await self._caller(request), request.path_params["member"]))
        )

    async def end_sign_ins(self, request: Request) -> Response:
        """Sign a person out everywhere."""
        return Answer(
            _show(await self._s.members.end_sign_ins(await self._caller(request), request.path_params["member"]))
        )

    async def link(self, request: Request) -> Response:
        """A fresh link for a person; `me` is oneself."""
        principal = await self._caller(request)
        member = await self._s.members.get(principal, request.path_params["member"])

        async def make() -> dict[str, object]:
            return self._link(await self._s.sign_in.invite(principal, member))

        return await answer_once(self._s, request, principal, body=None, make=make, unkept="url")

    async def share(self, request: Request) -> Response:
        """A link that shows one session to whoever has it, for a while."""
        principal = await self._caller(request)
        session = await self._s.sessions.get(principal, request.path_params["session"])
        body = await read_body(request, _Share)

        async def make() -> dict[str, object]:
            record, token = await self._s.access.share(principal, session, seconds=body.expires_in_s)
            url = share_url(self._s.public_url, session, token)
            return {"url": url, "token_id": record.id, "expires_at_ms": record.expires_at_ms}

        return await answer_once(self._s, request, principal, body=body, make=make, unkept="url")

    def _link(self, code: OneTimeCode) -> dict[str, object]:
        return {"url": sign_in_url(self._s.public_url, code), "expires_at_ms": code.expires_at_ms}


def read_page(request: Request) -> PageAsked:
    """Which page of a list of people or groups is asked for."""
    asked = request.query_params
    limit = integer(request, "limit", default=MAX_PEOPLE_PAGE, most=MAX_PEOPLE_PAGE)
    return {"search": asked.get("search"), "after": asked.get("after"), "limit": limit}


def show_members(page: Page[Member]) -> dict[str, object]:
    """A page of people."""
    return {"members": [_show(each) for each in page.found], "next": page.next, "total": page.total}


def _show(member: Member) -> dict[str, object]:
    return {
        "id": member.id,
        "name": member.name,
        "role": member.role,
        "created_at_ms": member.created_at_ms,
        "suspended_at_ms": member.suspended_at_ms,
    }


def _show_pair(pair: TokenPair) -> dict[str, object]:
    return {
        "token": pair.token,
        "refresh_token": pair.refresh_token,
        "expires_at_ms": pair.expires_at_ms,
        "kind": pair.principal.kind,
    }
