"""What a client asks over HTTP: parameters in the URL or in a JSON body, and nothing that a form of a page can send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request

from broker.domain.errors import BadRequest, TooLarge
from graphql_api.execution.documents import GraphQLRequest
from graphql_api.serving.http_errors import UnsupportedMediaType

_MAX_BODY_BYTES = 1024 * 1024
_OBJECTS = ("variables", "extensions")
_UTF_8 = frozenset({"utf-8", "utf8"})


async def read_request(request: Request) -> GraphQLRequest:
    """What a GET or a POST asks. Raises `BadRequest`, `TooLarge`, `UnsupportedMediaType`."""
    if request.method == "POST":
        require_json(request.headers)
        return _read_request(_parse(await _body(request), "the body"))
    parameters: dict[str, Any] = {name: value for name, value in request.query_params.items() if value}
    for name in _OBJECTS:
        if name in parameters:
            parameters[name] = _parse(parameters[name].encode(), name)
    return _read_request(parameters)


def require_json(headers: Headers) -> None:
    """Raise `UnsupportedMediaType` unless the body is JSON in UTF-8: a page of another origin cannot send that."""
    kind, *parameters = (part.strip() for part in headers.get("content-type", "").lower().split(";"))
    if kind != "application/json":
        raise UnsupportedMediaType("send the body as 'Content-Type: application/json'")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in _UTF_8:
            raise UnsupportedMediaType("send the body in UTF-8")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("send the body without a Content-Encoding")


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _MAX_BODY_BYTES:
            raise TooLarge(f"the body is larger than {_MAX_BODY_BYTES} bytes")
        parts.append(chunk)
    return b"".join(parts)


def _parse(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest(f"{what} is not JSON") from None


def _read_request(parameters: Any) -> GraphQLRequest:
    if not isinstance(parameters, dict):
        raise BadRequest("the request is an object with `query`; several at once are not taken")
    return GraphQLRequest(
        query=_text(parameters, "query"),
        document_id=_text(parameters, "documentId"),
        operation_name=_text(parameters, "operationName"),
        variables=_object(parameters, "variables"),
        extensions=_object(parameters, "extensions"),
    )


def _text(parameters: Mapping[str, Any], name: str) -> str | None:
    value = parameters.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name}: a string")
    return value


def _object(parameters: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{name}: an object")
    return value
