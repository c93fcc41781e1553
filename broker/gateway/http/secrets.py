"""The HTTP API of secrets: which there are, setting and deleting them. No answer has a value."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.people.access import Principal
from broker.gateway.serving.answers import Answer, Body, guard, measure, read_body
from broker.gateway.serving.credentials import credential
from broker.services.container import Services


class _Secret(Body):
    name: str
    value: SecretStr
    at_once: bool = False
    """Whether a value that is replaced ends now; else it holds for a day more, so that receivers can follow."""


class SecretsApi:
    """The endpoints. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/secrets", self.show),
            ("POST", "/v1/secrets", self.set),
            ("DELETE", "/v1/secrets/{secret}", self.delete),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def show(self, request: Request) -> Response:
        """Names, who set them, when, and with which key they are sealed."""
        return Answer({"secrets": await self._s.secrets.show(await self._caller(request))})

    async def set(self, request: Request) -> Response:
        """Set one."""
        principal = await self._caller(request)
        body = await read_body(request, _Secret)
        value = body.value.get_secret_value()
        return Answer(await self._s.secrets.set(principal, body.name, value=value, at_once=body.at_once))

    async def delete(self, request: Request) -> Response:
        """Remove one."""
        await self._s.secrets.delete(await self._caller(request), request.path_params["secret"])
        return Answer({})
