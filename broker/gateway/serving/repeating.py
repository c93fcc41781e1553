"""Requests that a client sends again because their answer was lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.domain.errors import BadRequest, Conflict
from broker.domain.people.access import Principal
from broker.gateway.serving.answers import Answer, Body, Endpoint
from broker.gateway.serving.credentials import credential
from broker.services.container import Services

_LONGEST_KEY = 200


def idempotency_key(request: Request) -> str | None:
    """A client's own id for a request. Raises `BadRequest`."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= _LONGEST_KEY:
        raise BadRequest(f"Idempotency-Key: 1 to {_LONGEST_KEY} characters")
    return key


def once(services: Services, endpoint: Endpoint) -> Endpoint:
    """Carry a request without a body out once for an `Idempotency-Key`, and give the same answer again.

    What was removed is not found the second time, so that a client whose answer was lost could not tell a removal from
    a mistake. The answer is kept for a day: nothing secret may be in it.
    """

    async def call(request: Request) -> Response:
        key = idempotency_key(request)
        if key is None:
            return await endpoint(request)

        async def act() -> str:
            return bytes((await endpoint(request)).body).decode()

        principal = await services.access.authenticate(credential(request))
        about = (request.method, request.url.path, request.url.query)
        outcome = await services.requests.once(principal, key, about=about, act=act)
        return Response(outcome.text, media_type="application/json")

    return call


async def answer_once(
    services: Services,
    request: Request,
    principal: Principal,
    *,
    body: Body | None,
    make: Callable[[], Awaitable[dict[str, object]]],
    unkept: str,
) -> Response:
    """Make something that is shown with its secret, once for an `Idempotency-Key`.

    `unkept` is the member of the answer that has the secret. So who repeats the request is not given it again:
    raises `Conflict` (ALREADY_MADE), whose details are the rest of the answer.
    """
    made: dict[str, object] | None = None

    async def act() -> str:
        nonlocal made
        made = await make()
        return orjson.dumps({name: value for name, value in made.items() if name != unkept}).decode()

    about = (request.method, request.url.path, body and body.model_dump_json())
    outcome = await services.requests.once(principal, idempotency_key(request), about=about, act=act)
    if made is None:
        raise Conflict(
            f"this request was carried out before, and its {unkept} was shown then and is not kept: "
            "end what it made, and ask again under another Idempotency-Key",
            code="ALREADY_MADE",
            details=orjson.loads(outcome.text),
        )
    return Answer(made)
