"""What holds for every route and every socket before any of them is asked: whom a request was meant for, which page
sent it, and what a browser may do with the answer.

A page of somebody else can have its own name resolve to this machine (DNS rebinding), and is then our own page to a
browser. It cannot have itself called by our names.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from broker.domain.errors import BadRequest, NotPermitted, RelayError
from broker.gateway.serving.answers import Refusal
from broker.gateway.serving.hosts import Hosts
from broker.protocol.close_codes import NOT_PERMITTED
from broker.services.acting import Origin, Refusals, came_from
from broker.telemetry.correlation import HEADER, TRACE_HEADER, begin_request, follow_trace

GUARDS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
}
"""Of every answer that says nothing else: it is one caller's, is what it says it is, and is for our own pages."""
_RAW_GUARDS = tuple((name.encode(), value.encode()) for name, value in GUARDS.items())
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_GRAPHQL_FORBIDDEN = 4403
"""What graphql-transport-ws closes with. On a socket of that protocol our own numbers mean nothing."""


class Origins:
    """Pages that may use this broker: its own, and those of the origins that were named."""

    def __init__(self, *named: str) -> None:
        self._named = frozenset(named)

    def require(self, connection: HTTPConnection, *, may_be_absent: bool) -> None:
        """Raise `NotPermitted` (ORIGIN_REFUSED) unless such a page asked, or none that says so, where that is allowed.

        The name that was asked for must have been checked: a page is our own when that is its own name too.
        """
        origin = connection.headers.get("origin")
        if origin is None and may_be_absent:  # not a browser, or a page's plain link
            return
        if origin is None or (origin not in self._named and not _is_own(origin, connection.headers.get("host", ""))):
            raise NotPermitted(
                "a page of another origin may not act for you here; RELAYCAST_ALLOWED_ORIGINS names those that may",
                code="ORIGIN_REFUSED",
            )


def _is_own(origin: str, host: str) -> bool:
    asked = urlsplit(origin)
    return asked.scheme in {"http", "https"} and bool(host) and asked.netloc.lower() == host.lower()


class Edge:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, *, hosts: Hosts, origins: Origins, refusals: Refusals) -> None:
        """`refusals`: keeps what callers were not allowed."""
        self._app = app
        self._refusals = refusals
        self._hosts = hosts
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass, and complete the answer's headers."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        is_http = scope["type"] == "http"
        request = begin_request(next((value for name, value in scope["headers"] if name == HEADER), None))
        follow_trace(next((value for name, value in scope["headers"] if name == TRACE_HEADER), None))
        guarded = _guard(send, request.encode()) if is_http else send
        connection = HTTPConnection(scope)
        address = connection.client.host if connection.client else "unknown"
        came_from(Origin(address=address, request=request, refusals=self._refusals))
        try:
            self._require(connection, reads=is_http and scope["method"] in _SAFE_METHODS)
        except RelayError as error:
            await (
                Refusal(error)(scope, receive, guarded) if is_http else _refuse(WebSocket(scope, receive, send), error)
            )
            return
        await self._app(scope, receive, guarded)

    def _require(self, connection: HTTPConnection, *, reads: bool) -> None:
        hosts = connection.headers.getlist("host")
        if len(hosts) > 1:
            raise BadRequest("a request has one Host header (RFC 9112, section 3.2)")
        self._hosts.require(hosts[0] if hosts else None)
        # A browser adds no Authorization by itself: a page that has a token has it from somewhere.
        if not reads and "authorization" not in connection.headers:
            self._origins.require(connection, may_be_absent=True)


async def _refuse(websocket: WebSocket, error: RelayError) -> None:
    """By a close code: neither browsers nor old CLIs can read an HTTP refusal of a socket."""
    offered: list[str] = websocket.scope["subprotocols"]
    await websocket.accept(offered[0] if offered else None)
    code = _GRAPHQL_FORBIDDEN if "graphql-transport-ws" in offered else NOT_PERMITTED.code
    await websocket.close(code, NOT_PERMITTED.because(error.message).reason)


def _guard(send: Send, request: bytes) -> Send:
    async def complete(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_missing(message["headers"]), (HEADER, request)]
        await send(message)

    return complete


def _missing(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    said = {name.lower() for name, _ in headers}
    return [guard for guard in _RAW_GUARDS if guard[0] not in said]


def raw_guards() -> bytes:
    """The same as they stand in an answer, for refusals that no application makes."""
    return b"".join(b"%s: %s\r\n" % guard for guard in _RAW_GUARDS)


async def broken(_request: Request, error: Exception) -> Response:
    """What nobody foresaw, and this layer does not see pass; the server logs it."""
    answer = Refusal(RelayError(f"something went wrong here: {type(error).__name__}"))
    answer.headers.update(GUARDS)
    return answer
