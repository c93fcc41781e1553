"""Implements GraphQL over HTTP (https://graphql.github.io/graphql-over-http/) at /graphql.

The specification leaves some status codes open. Invalid documents and variables are answered with 400; with 200 if the
client accepts only `application/json`, as it cannot tell our 400 from a proxy's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from graphql import OperationType
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from broker.domain.errors import RateLimited, RelayError
from broker.domain.people.access import Credential
from graphql_api.context import Context
from graphql_api.errors import RequestRefused, incident, refusal_shown
from graphql_api.execution.documents import GraphQLRequest
from graphql_api.execution.operations import Operation
from graphql_api.execution.operations import Response as OperationResponse
from graphql_api.serving.event_stream import COMPLETE, HEADERS, EventStream, next_event
from graphql_api.serving.explorer import Explorer
from graphql_api.serving.http_errors import MethodNotAllowed, NotAcceptable
from graphql_api.serving.http_request import read_request
from graphql_api.serving.media_types import MediaType, choose
from graphql_api.serving.running import Engine

ShownBy = Callable[[HTTPConnection], Credential]
"""What came with a request. Raises `NotPermitted` and other refusals."""
_METHODS = ("GET", "HEAD", "POST")
_OFFERED = frozenset({MediaType.RESPONSE, MediaType.JSON})
_STREAMED = frozenset({MediaType.EVENTS})
_SHOWN = frozenset({MediaType.PAGE})
_CLIENT_GONE = 499
_PARTIAL_SUCCESS = 294
"""Data and errors. Only with the media type that gives the number its meaning."""


class GraphQLView:
    """The ASGI application behind /graphql."""

    def __init__(
        self, engine: Engine, credential: ShownBy, *, unread_s: float, explorer: Explorer | None = None
    ) -> None:
        """`unread_s`: an event stream that is not read for so long is ended."""
        self._engine = engine
        self._unread_s = unread_s
        self._credential = credential
        self._explorer = explorer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        offered = _OFFERED | _STREAMED if request.method != "HEAD" else _OFFERED
        if self._explorer and request.method == "GET" and not request.query_params:
            offered |= _SHOWN
        media_type = choose(request.headers.get("accept"), offered=offered)
        if self._explorer and media_type is MediaType.PAGE:
            return self._explorer.page()
        try:
            return await self._run(request, media_type)
        except RequestRefused as refused:
            return _answer({"errors": refused.shown}, media_type, 400 if media_type is MediaType.RESPONSE else 200)
        except RelayError as error:
            return _answer({"errors": [refusal_shown(error)]}, media_type, error.http_status, _headers(error))
        except ClientDisconnect:  # a page that was closed meanwhile; nobody reads this
            return Response(status_code=_CLIENT_GONE)
        except Exception as error:  # the top of a request
            return _answer({"errors": [incident(error, request.url.path)]}, media_type, 500)

    async def _run(self, request: Request, media_type: MediaType | None) -> Response:
        shown = self._credential(request)
        if request.method not in _METHODS:
            raise MethodNotAllowed(f"{request.method} is not offered here", allowed=_METHODS)
        if media_type is None:
            raise NotAcceptable(f"the answer can be one of {', '.join(sorted(_OFFERED | _STREAMED))}")
        principal = await self._engine.services.access.authenticate(shown)
        asked = await read_request(request)
        context = Context.of(principal, self._engine.services)
        if media_type is not MediaType.EVENTS:
            response = await self._response(request, asked, context)
            partial = "errors" in response and media_type is MediaType.RESPONSE
            headers = context.paid[-1].headers if context.paid else None
            return _answer(response, media_type, _PARTIAL_SUCCESS if partial else 200, headers)
        try:
            return await self._stream(request, asked, context, shown=shown)
        except RequestRefused as refused:  # this protocol has it said in the stream
            return _single_event({"errors": refused.shown})

    async def _response(self, request: Request, asked: GraphQLRequest, context: Context) -> OperationResponse:
        operation = await self._operation(request, asked, context)
        if operation.kind is OperationType.SUBSCRIPTION:
            raise NotAcceptable("a subscription comes as 'Accept: text/event-stream', or over a WebSocket")
        return await self._engine.operations.run(operation, asked.variables, context)

    async def _stream(
        self, request: Request, asked: GraphQLRequest, context: Context, *, shown: Credential
    ) -> Response:
        operation = await self._operation(request, asked, context)
        if operation.kind is not OperationType.SUBSCRIPTION:
            return _single_event(await self._engine.operations.run(operation, asked.variables, context))
        await self._engine.operations.admit(operation, asked.variables, context)
        return EventStream(self._engine, operation, asked.variables, shown=shown, unread_s=self._unread_s)

    async def _operation(self, request: Request, asked: GraphQLRequest, context: Context) -> Operation:
        operation = await self._engine.read(asked, context.principal)
        if operation.kind is OperationType.MUTATION and request.method != "POST":
            raise MethodNotAllowed("what changes something is asked with POST", allowed=("POST",))
        return operation


def _single_event(response: Mapping[str, Any]) -> Response:
    return Response(next_event(response) + COMPLETE, headers=HEADERS)


def _answer(
    content: Mapping[str, Any], media_type: MediaType | None, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    shown = media_type if media_type in _OFFERED else MediaType.JSON
    return Response(
        orjson.dumps(content),
        status,
        {
            "Content-Type": f"{shown}; charset=utf-8",
            "Cache-Control": "no-store",
            "Vary": "Accept",
            "X-Content-Type-Options": "nosniff",
            **(headers or {}),
        },
    )


def _headers(error: RelayError) -> dict[str, str]:
    """What HTTP wants said of a refusal beside its number."""
    if isinstance(error, MethodNotAllowed):
        return {"Allow": ", ".join(error.allowed)}
    if error.http_status == 401:
        return {"WWW-Authenticate": "Bearer"}
    retry_after_s = error.retry_after_s or (60 if error.http_status == 429 else 1 if error.retryable else None)
    headers = {} if retry_after_s is None else {"Retry-After": str(max(1, math.ceil(retry_after_s)))}
    if isinstance(error, RateLimited) and error.limit is not None:
        headers |= error.limit.headers
    return headers
