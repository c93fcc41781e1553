"""Holds tokens, accounts and workspaces to what they may ask of `/v1` and `/mcp`; each answer says what is left."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broker.domain.plans.request_rate import RequestRate
from broker.services.plans.metered import metered

_PREFIXES = ("/v1/", "/mcp")


class RequestMeter:
    """Answers that name another limit, as that of sign-ins, are left as they are: it is the one that matters there."""

    def __init__(self, app: ASGIApp, *, rate: RequestRate) -> None:
        self._app = app
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] != "http" or not path.startswith(_PREFIXES):
            await self._app(scope, receive, send)
            return
        with metered(self._rate) as request:

            async def told(message: Message) -> None:
                if message["type"] == "http.response.start" and request.limit is not None:
                    headers = MutableHeaders(scope=message)
                    for name, value in request.limit.headers.items():
                        headers.setdefault(name, value)
                await send(message)

            await self._app(scope, receive, told)
