"""The HTTP API of invitations: making them, and what whoever has the link of one sees and does."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.errors import NotPermitted
from broker.domain.ids import InvitationId
from broker.domain.people.access import MemberRole, Principal
from broker.domain.people.invitations import (
    INVITATION_DAYS,
    MAX_INVITATION_DAYS,
    MAX_INVITED_GROUPS,
    InvitationLink,
)
from broker.gateway.serving.addresses import caller_address
from broker.gateway.serving.answers import Answer, Body, guard, measure, read_body
from broker.gateway.serving.credentials import credential, require_own_origin, show_caller, sign_in_browser
from broker.gateway.serving.repeating import answer_once, once
from broker.services.container import Services
from broker.services.people.invitations import Offer, ShownInvitation
from broker.services.people.web_links import invitation_url

_MAX_BYTES = 4096
"""Read before anybody knows who asks."""
_Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Days = Annotated[int, Field(ge=1, le=MAX_INVITATION_DAYS)]


class _New(Body):
    role: MemberRole
    name: _Short | None = None
    groups: list[_Short] = Field(default_factory=list, max_length=MAX_INVITED_GROUPS)
    days: _Days = INVITATION_DAYS


class _Again(Body):
    days: _Days = INVITATION_DAYS


class _Link(Body):
    code: _Short = Field(repr=False)


class _Accept(_Link):
    name: _Short | None = None
    join: bool = False
    """Whether whoever is signed in to this browser comes in, and stays who they are."""


class InvitationsApi:
    """The endpoints. Each authenticates, or takes a link, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/invitations", self.list),
            ("POST", "/v1/invitations", self.make),
            ("POST", "/v1/invitations/look", self.look),
            ("POST", "/v1/invitations/accept", self.accept),
            ("POST", "/v1/invitations/{invitation}/send-again", self.send_again),
            ("DELETE", "/v1/invitations/{invitation}", once(self._s, self.revoke)),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def list(self, request: Request) -> Response:
        """Those that are open, the newest first; without their links, which nobody knows any more."""
        found = await self._s.invitations.list(await self._caller(request))
        return Answer({"invitations": [_show(each) for each in found]})

    async def make(self, request: Request) -> Response:
        """A new one; the answer holds its link, this once."""
        principal = await self._caller(request)
        body = await read_body(request, _New)

        async def make() -> dict[str, object]:
            link = await self._s.invitations.invite(
                principal, role=body.role, name=body.name, groups=body.groups, days=body.days
            )
            return await self._show_link(principal, link)

        return await answer_once(self._s, request, principal, body=body, make=make, unkept="url")

    async def send_again(self, request: Request) -> Response:
        """A fresh link to one; the link before leads nowhere."""
        principal = await self._caller(request)
        invitation = InvitationId(request.path_params["invitation"])
        body = await read_body(request, _Again)

        async def make() -> dict[str, object]:
            link = await self._s.invitations.send_again(principal, invitation, days=body.days)
            return await self._show_link(principal, link)

        return await answer_once(self._s, request, principal, body=body, make=make, unkept="url")

    async def revoke(self, request: Request) -> Response:
        """The end of one."""
        await self._s.invitations.revoke(await self._caller(request), InvitationId(request.path_params["invitation"]))
        return Answer({})

    async def look(self, request: Request) -> Response:
        """What whoever has a link is invited to. The link stays good."""
        body = await read_body(request, _Link, most=_MAX_BYTES)
        return Answer(_show_offer(await self._s.invitations.look(body.code, address=caller_address(request))))

    async def accept(self, request: Request) -> Response:
        """Come in: as a new person, who is signed in to this browser by it, or as who is signed in already."""
        require_own_origin(request, may_be_absent=True)  # else a page could sign its visitors in as somebody else
        body = await read_body(request, _Accept, most=_MAX_BYTES)
        address = caller_address(request)
        if body.join:
            return await self._join(request, body, address=address)
        device = request.headers.get("user-agent", "")
        token = await self._s.invitations.accept(body.code, name=body.name, address=address, device=device)
        return await sign_in_browser(request, self._s.access, token)

    async def _join(self, request: Request, body: _Accept, *, address: str) -> Response:
        shown = credential(request).for_workspace(None)
        person = await self._s.access.find_sign_in(shown)
        if person is None:
            raise NotPermitted("this is for a person who is signed in; a token is of one workspace")
        workspace = await self._s.invitations.join(person, body.code, name=body.name, address=address)
        return Answer(show_caller(await self._s.access.authenticate(shown.for_workspace(workspace))))

    async def _show_link(self, principal: Principal, link: InvitationLink) -> dict[str, object]:
        (shown,) = await self._s.invitations.show(principal.workspace, [link.invitation])
        return {"invitation": _show(shown), "url": invitation_url(self._s.public_url, link.secret)}


def _show(shown: ShownInvitation) -> dict[str, object]:
    invitation = shown.invitation
    return {
        "id": invitation.id,
        "role": invitation.preset.role,
        "name": invitation.preset.name,
        "groups": [{"id": each.id, "name": each.name} for each in shown.groups],
        "made_by": shown.made_by,
        "made_at_ms": invitation.made_at_ms,
        "sent_at_ms": invitation.sent_at_ms,
        "expires_at_ms": invitation.expires_at_ms,
    }


def _show_offer(offer: Offer) -> dict[str, object]:
    """No ids: they are for who is in."""
    invitation = offer.shown.invitation
    return {
        "workspace": {"name": offer.workspace.name, "slug": offer.workspace.slug},
        "role": invitation.preset.role,
        "name": invitation.preset.name,
        "groups": [each.name for each in offer.shown.groups],
        "made_by": offer.shown.made_by,
        "expires_at_ms": invitation.expires_at_ms,
    }
