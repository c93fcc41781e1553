"""The HTTP endpoint: one operation in, its response out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from broker.domain.access import Principal
from broker.domain.errors import RelayError
from graphql_api.context import ApiServices, Context
from graphql_api.errors import RequestRefused
from graphql_api.operations import Operations

Authenticate = Callable[[HTTPConnection], Awaitable[Principal]]
"""Who is behind a request. Raises `NotAuthenticated`, `NotPermitted`."""


class _Request(BaseModel):
    query: str
    operationName: str | None = None  # noqa: N815  (the protocol's name)
    variables: dict[str, Any] | None = None


class GraphQLView:
    """Answers POST /graphql."""

    def __init__(self, operations: Operations, services: ApiServices, authenticate: Authenticate) -> None:
        self._operations = operations
        self._services = services
        self._authenticate = authenticate

    async def post(self, request: Request) -> Response:
        """One operation."""
        try:
            principal = await self._authenticate(request)
            asked = _Request.model_validate_json(await request.body())
            operation = self._operations.read(asked.query, asked.operationName)
            context = Context(principal=principal, services=self._services)
            return _json(await self._operations.run(operation, asked.variables, context))
        except RequestRefused as refused:
            return _json({"errors": refused.shown}, 400)
        except ValidationError:
            return _json({"errors": [_error("the body is no GraphQL request", "INVALID_ARGUMENT")]}, 400)
        except RelayError as error:
            return _json({"errors": [_error(error.message, error.code)]}, error.http_status)


def _error(message: str, code: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
