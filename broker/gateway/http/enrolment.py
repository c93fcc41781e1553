"""The HTTP API of linking a machine by a short code."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.gateway.serving.addresses import caller_address
from broker.gateway.serving.answers import Answer, Body, guard, measure, read_body
from broker.gateway.serving.credentials import credential
from broker.gateway.serving.repeating import answer_once, once
from broker.services.container import Services

_MOST_BYTES = 1024
"""Read before anybody knows who asks."""
_Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Invited(Body):
    name: _Short


class _Enrolled(Body):
    code: _Short = Field(repr=False)


class EnrolmentApi:
    """The endpoints. Each calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("POST", "/v1/machine-codes", self.invite),
            ("GET", "/v1/machine-codes", self.codes),
            ("DELETE", "/v1/machine-codes/{code}", once(self._s, self.revoke)),
            ("POST", "/v1/enrol", self.enrol),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def invite(self, request: Request) -> Response:
        """A code; it is in this answer and nowhere else."""
        principal = await self._s.access.authenticate(credential(request))
        body = await read_body(request, _Invited)

        async def make() -> dict[str, object]:
            made = await self._s.enrolment.invite(principal, name=body.name)
            return {"id": made.id, "code": made.code, "expires_at_ms": made.expires_at_ms}

        return await answer_once(self._s, request, principal, body=body, make=make, unkept="code")

    async def codes(self, request: Request) -> Response:
        """Those that may still be used, the oldest first, without the codes themselves."""
        principal = await self._s.access.authenticate(credential(request))
        return Answer({"codes": await self._s.enrolment.codes(principal)})

    async def revoke(self, request: Request) -> Response:
        """End one, by its id."""
        principal = await self._s.access.authenticate(credential(request))
        return Answer(await self._s.enrolment.revoke(principal, request.path_params["code"]))

    async def enrol(self, request: Request) -> Response:
        """Exchange a code for a token that links a machine and does nothing else."""
        body = await read_body(request, _Enrolled, most=_MOST_BYTES)
        return Answer({"token": await self._s.enrolment.enrol(body.code, address=caller_address(request))})
