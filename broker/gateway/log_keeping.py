"""The HTTP API around what is kept: what is masked in it."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.access import Principal
from broker.gateway.container import Services
from broker.gateway.http import Answer, Body, bearer, guarded, read_body, timed


class _RedactionRule(Body):
    name: str = Field(max_length=100)
    pattern: str = Field(max_length=1000)


class _RedactionRules(Body):
    rules: list[_RedactionRule]


class LogKeepingApi:
    """The endpoints. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/redaction", self.redaction),
            ("PUT", "/v1/redaction", self.set_redaction),
        ]
        return [Route(path, timed(path, guarded(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(bearer(request))

    async def redaction(self, request: Request) -> Response:
        """The workspace's own redaction rules."""
        return Answer({"rules": _shown(await self._s.redaction.rules(await self._caller(request)))})

    async def set_redaction(self, request: Request) -> Response:
        """Replace them."""
        principal = await self._caller(request)
        body = await read_body(request, _RedactionRules)
        rules = [(rule.name, rule.pattern) for rule in body.rules]
        return Answer({"rules": _shown(await self._s.redaction.set_rules(principal, rules))})


def _shown(rules: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "pattern": pattern} for name, pattern in rules]
