"""The HTTP API for who runs the broker."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.gateway.serving.answers import Answer, guard, measure
from broker.gateway.serving.credentials import credential
from broker.services.container import Services


class StatusApi:
    """The endpoint."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        path = "/v1/status"
        return [Route(path, measure(path, guard(self.status)), methods=["GET"])]

    async def status(self, request: Request) -> Response:
        """Processes, stores, what waits, and what somebody should do something about."""
        status = await self._s.status.get(await self._s.access.authenticate(credential(request)))
        return Answer({**asdict(status), "problems": status.problems})
