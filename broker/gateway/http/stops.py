"""The HTTP API around Stop all: of a session, a machine and the workspace."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.agents.stops import StopHow
from broker.domain.people.access import Principal
from broker.gateway.serving.answers import Answer, Body, guard, measure, read_body
from broker.gateway.serving.credentials import credential
from broker.services.container import Services

_NOTE = 4000
"""Above what is taken, so that the refusal is the service's own."""


class _Stop(Body):
    how: StopHow = StopHow.PAUSE
    note: str = Field("", max_length=_NOTE)


class _Resume(Body):
    note: str = Field("", max_length=_NOTE)


class StopsApi:
    """The endpoints. Each authenticates, calls one service and answers `{"stop": …}`.

    A stop answers with the one that stands, a resume with the one that is over, null when there was none.
    """

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        session, machine, workspace = "/v1/sessions/{session}", "/v1/proxies/{proxy}", "/v1/workspace"
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/stops", self.standing),
            ("POST", f"{session}/stop", self.stop_session),
            ("POST", f"{session}/resume", self.resume_session),
            ("POST", f"{machine}/stop", self.stop_machine),
            ("POST", f"{machine}/resume", self.resume_machine),
            ("POST", f"{workspace}/stop", self.stop_workspace),
            ("POST", f"{workspace}/resume", self.resume_workspace),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def standing(self, request: Request) -> Response:
        """What is stopped, the widest first."""
        return Answer({"stops": await self._s.stops.standing(await self._caller(request))})

    async def stop_session(self, request: Request) -> Response:
        """Let no turn begin in a session."""
        principal = await self._caller(request)
        session = await self._s.sessions.get(principal, request.path_params["session"])
        body = await read_body(request, _Stop)
        return Answer({"stop": await self._s.stops.stop_session(principal, session, how=body.how, note=body.note)})

    async def resume_session(self, request: Request) -> Response:
        """Let it go on."""
        principal = await self._caller(request)
        session = await self._s.sessions.get(principal, request.path_params["session"])
        body = await read_body(request, _Resume)
        return Answer({"stop": await self._s.stops.resume_session(principal, session, note=body.note)})

    async def stop_machine(self, request: Request) -> Response:
        """Let no turn begin on a machine, by id or name."""
        principal, machine = await self._caller(request), request.path_params["proxy"]
        body = await read_body(request, _Stop)
        return Answer({"stop": await self._s.stops.stop_machine(principal, machine, how=body.how, note=body.note)})

    async def resume_machine(self, request: Request) -> Response:
        """Let it go on."""
        principal, machine = await self._caller(request), request.path_params["proxy"]
        body = await read_body(request, _Resume)
        return Answer({"stop": await self._s.stops.resume_machine(principal, machine, note=body.note)})

    async def stop_workspace(self, request: Request) -> Response:
        """Let no turn begin anywhere in the workspace."""
        principal = await self._caller(request)
        body = await read_body(request, _Stop)
        return Answer({"stop": await self._s.stops.stop_workspace(principal, how=body.how, note=body.note)})

    async def resume_workspace(self, request: Request) -> Response:
        """Let it go on."""
        principal = await self._caller(request)
        body = await read_body(request, _Resume)
        return Answer({"stop": await self._s.stops.resume_workspace(principal, note=body.note)})
