"""The shape of HTTP answers, and the one place where errors become them."""

from __future__ import annotations

import logging
import math
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from typing_extensions import override

from broker.domain.errors import BadRequest, NotFound, RateLimited, RelayError, TooLarge
from broker.telemetry import BROKEN_OFF, REQUEST_SECONDS, count_refusal

_log = logging.getLogger(__name__)
_MAX_BODY_BYTES = 1024 * 1024
_CLIENT_GONE = 499
_DIGITS = 12
_Body = TypeVar("_Body", bound=BaseModel)


class Body(BaseModel):
    """A request body of our own API: unknown members are refused, and numbers that JSON does not have."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Answer(JSONResponse):
    """`{"ok": true, "data": …}`; dataclasses serialise by their fields."""

    def __init__(self, data: Any, status: int = 200) -> None:
        super().__init__({"ok": True, "data": data}, status)

    @override
    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


class Refusal(JSONResponse):
    """`{"ok": false, "error": {"code", "message", "retryable"}}`, with `details` where there are any."""

    def __init__(self, error: RelayError) -> None:
        count_refusal(error)
        retry_after = error.retry_after_s or (60 if error.http_status == 429 else 1 if error.retryable else None)
        headers = {"Retry-After": str(max(1, math.ceil(retry_after)))} if retry_after else {}
        if isinstance(error, RateLimited) and error.limit is not None:
            headers |= error.limit.headers
        body: dict[str, object] = {"code": error.code, "message": error.message, "retryable": error.retryable}
        if error.details:
            body["details"] = error.details
        super().__init__({"ok": False, "error": body}, error.http_status, headers)


def bearer(connection: HTTPConnection) -> str | None:
    """The token of an Authorization header, as it is."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def read_body(request: Request, model: type[_Body], *, most: int = _MAX_BODY_BYTES) -> _Body:
    """The request's JSON body. Raises `TooLarge`, and `BadRequest` that names the member at fault."""
    text = await read_bytes(request, most=most)
    try:
        return model.model_validate_json(text or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{where}: {first['msg']}" if where else first["msg"]) from None


async def read_bytes(request: Request, *, most: int = _MAX_BODY_BYTES) -> bytes:
    """The request's body as it came. Raises `TooLarge`."""
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told[:_DIGITS]) > most:
        raise TooLarge(f"the body is larger than {most} bytes")
    size = 0
    parts = []
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise TooLarge(f"the body is larger than {most} bytes")
        parts.append(chunk)
    return b"".join(parts)


Endpoint = Callable[[Request], Awaitable[Response]]


def guard(endpoint: Endpoint) -> Endpoint:
    """Turn what an endpoint raises into an answer; an unforeseen error is logged with an id and shown masked."""

    async def call(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RelayError as error:
            return Refusal(error)
        except ClientDisconnect:  # nobody reads this
            BROKEN_OFF.inc()
            return Response(status_code=_CLIENT_GONE)
        except Exception:  # the top of a request
            incident = uuid.uuid4().hex[:12]
            _log.exception("incident %s at %s %s", incident, request.method, request.url.path)
            return Refusal(RelayError(f"something went wrong here; the log has it as incident {incident}"))

    return call


def measure(path: str, endpoint: Endpoint) -> Endpoint:
    """Measure an endpoint under its route."""
    seconds = REQUEST_SECONDS.labels(path)

    async def call(request: Request) -> Response:
        with seconds.time():
            return await endpoint(request)

    return call


def integer(request: Request, name: str, *, default: int, most: int, least: int = 1) -> int:
    """A number of the query string. Raises `BadRequest`."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise BadRequest(f"{name}: a whole number from {least} to {most}")
    return int(text)


async def not_found(request: Request, _error: Exception) -> Response:
    """No such path."""
    return Refusal(NotFound(f"no such path: {request.url.path}", code="PATH_NOT_FOUND"))


async def wrong_method(request: Request, error: Exception) -> Response:
    """A path that exists, asked with another method; `Allow` names those that it has."""
    refusal = NotFound(f"{request.method} is not offered at {request.url.path}", code="METHOD_NOT_ALLOWED")
    refusal.http_status = 405
    answer = Refusal(refusal)
    if isinstance(error, HTTPException):
        answer.headers.update(error.headers or {})
    return answer
