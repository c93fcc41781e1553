"""The HTTP API of groups, and of who may do what in a private session."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.errors import BadRequest
from broker.domain.people.access import Principal
from broker.domain.people.privacy import MAX_NAMED, Group, Level
from broker.gateway.http.people import read_page, show_members
from broker.gateway.serving.answers import Answer, Body, guard, measure, read_body
from broker.gateway.serving.credentials import credential
from broker.gateway.serving.repeating import once
from broker.services.container import Services
from broker.services.people.groups import ShownAccess

_Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Name(Body):
    name: _Short


class _Access(Body):
    private: bool
    people: dict[_Short, Level] = Field(default_factory=dict, max_length=MAX_NAMED)
    groups: dict[_Short, Level] = Field(default_factory=dict, max_length=MAX_NAMED)


class GroupsApi:
    """The endpoints. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/groups", self.groups),
            ("POST", "/v1/groups", self.create),
            ("GET", "/v1/groups/{group}", self.group),
            ("PATCH", "/v1/groups/{group}", self.rename),
            ("DELETE", "/v1/groups/{group}", once(self._s, self.remove)),
            ("GET", "/v1/groups/{group}/members", self.members),
            ("PUT", "/v1/groups/{group}/members/{member}", self.put_in),
            ("DELETE", "/v1/groups/{group}/members/{member}", self.take_out),
            ("GET", "/v1/sessions/{session}/access", self.access),
            ("PUT", "/v1/sessions/{session}/access", self.set_access),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def groups(self, request: Request) -> Response:
        """Some, by name: `?search=&after=&limit=`."""
        page = await self._s.groups.page(await self._caller(request), **read_page(request))
        return Answer({"groups": page.found, "next": page.next, "total": page.total})

    async def create(self, request: Request) -> Response:
        """A new one."""
        principal = await self._caller(request)
        return Answer(await self._s.groups.create(principal, (await read_body(request, _Name)).name))

    async def group(self, request: Request) -> Response:
        """One, by id or name."""
        return Answer(await self._s.groups.get(await self._caller(request), request.path_params["group"]))

    async def members(self, request: Request) -> Response:
        """Some of the people in one, by name: `?search=&after=&limit=`."""
        principal = await self._caller(request)
        return Answer(
            show_members(await self._s.groups.members(principal, request.path_params["group"], **read_page(request)))
        )

    async def rename(self, request: Request) -> Response:
        """Another name for one."""
        principal = await self._caller(request)
        body = await read_body(request, _Name)
        return Answer(await self._s.groups.rename(principal, request.path_params["group"], body.name))

    async def remove(self, request: Request) -> Response:
        """The end of one: what was open to it is so no longer."""
        return Answer(await self._s.groups.remove(await self._caller(request), request.path_params["group"]))

    async def put_in(self, request: Request) -> Response:
        """A member in a group."""
        return Answer(await self._change(request, joins=True))

    async def take_out(self, request: Request) -> Response:
        """A member out of a group."""
        return Answer(await self._change(request, joins=False))

    async def _change(self, request: Request, *, joins: bool) -> Group:
        principal, asked = await self._caller(request), request.path_params
        return await self._s.groups.change(principal, asked["group"], asked["member"], joins=joins)

    async def access(self, request: Request) -> Response:
        """To whom a session is open."""
        principal = await self._caller(request)
        session = await self._s.sessions.look_up(principal, request.path_params["session"])
        return Answer(_show(await self._s.groups.access(principal, session)))

    async def set_access(self, request: Request) -> Response:
        """To whom it is open from now on: `private` with `people` and `groups`, each by id or name with its level."""
        principal = await self._caller(request)
        session = await self._s.sessions.look_up(principal, request.path_params["session"])
        body = await read_body(request, _Access)
        if not body.private and (body.people or body.groups):
            raise BadRequest("people and groups go with private: true; an open session is open to everybody")
        people, groups = (body.people, body.groups) if body.private else (None, None)
        return Answer(_show(await self._s.groups.set_access(principal, session, people=people, groups=groups)))


def _show(access: ShownAccess) -> dict[str, Any]:
    return {
        "private": access.private,
        "people": [{"id": member.id, "name": member.name, "level": level} for member, level in access.people],
        "groups": [{"id": group.id, "name": group.name, "level": level} for group, level in access.groups],
    }
