"""The credential of a request: a bearer token, else the cookie of somebody who signed in with a browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from broker.domain.access import PREFIXES, Principal, TokenKind
from broker.gateway.edge import Origins
from broker.gateway.http import bearer

_FORMER_COOKIE = "relaycast"
"""Of version 0.1.0, which all brokers of a host shared: who signed in to that one stays signed in."""
_COOKIE_LIFE_S = 400 * 24 * 3600
"""The most that browsers keep. How long it is good for is the token's business, which moves on while it is used."""
_IN_COOKIES = PREFIXES[TokenKind.MEMBER]
"""People's alone. The page keeps a share's token by itself, for one tab: it must not replace anybody's sign-in."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def credential(connection: HTTPConnection) -> str | None:
    """The token that comes with a request or a socket.

    A browser sends a cookie whoever asked it to, and programs on other ports of the same machine count as the same
    site: what can change something must come from our own pages, and say so. Raises `NotPermitted` (ORIGIN_REFUSED).
    """
    if "authorization" in connection.headers:
        return bearer(connection)
    token = kept_in_browser(connection)
    if not token:
        return None
    if connection.scope["type"] == "websocket" or connection.scope["method"] not in _SAFE_METHODS:
        require_own_origin(connection, may_be_absent=False)
    return token


def require_own_origin(connection: HTTPConnection, *, may_be_absent: bool) -> None:
    """Raise `NotPermitted` (ORIGIN_REFUSED) unless a page of ours, or of an allowed origin, asked."""
    origins: Origins = connection.app.state.origins
    origins.require(connection, may_be_absent=may_be_absent)


def cookie_name(url: str) -> str:
    """What the cookie of the broker at `url` is called.

    Browsers send cookies to every port of a host, so brokers that share one must not share the name. With TLS, nobody
    but the host itself can set one with this prefix (RFC 6265bis, section 4.1.3.2).
    """
    parts = urlsplit(url)
    if parts.scheme == "https":
        return "__Host-relaycast" if parts.port in {None, 443} else f"__Host-relaycast-{parts.port}"
    return f"relaycast-{parts.port or 80}"


def kept_in_browser(connection: HTTPConnection) -> str:
    """The token of the browser's cookie; empty without one, and for what no cookie of ours holds."""
    cookies = connection.cookies
    token = cookies.get(connection.app.state.cookie) or cookies.get(_FORMER_COOKIE) or ""
    return token if token.startswith(_IN_COOKIES) else ""


def has_cookie(connection: HTTPConnection) -> bool:
    """Whether there is one to forget."""
    return not {connection.app.state.cookie, _FORMER_COOKIE}.isdisjoint(connection.cookies)


def set_cookie(request: Request, response: Response, token: str) -> None:
    """Let the browser keep the token where no script can read it."""
    name = request.app.state.cookie
    response.set_cookie(
        name, token, max_age=_COOKIE_LIFE_S, path="/", secure=_is_secure(request), httponly=True, samesite="strict"
    )


def drop_cookie(request: Request, response: Response) -> None:
    """Make the browser forget it."""
    for name in sorted({request.app.state.cookie, _FORMER_COOKIE} & set(request.cookies)):
        response.delete_cookie(name, path="/", secure=_is_secure(request), httponly=True, samesite="strict")


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https" or request.app.state.cookie.startswith("__Host-")


def shown_caller(caller: Principal) -> dict[str, object]:
    """Who the caller is and what it may do, as `GET /v1/whoami` answers."""
    return {
        "workspace": {"id": caller.workspace, "plan": caller.plan},
        "kind": caller.kind,
        "name": caller.name,
        "permissions": sorted(caller.permissions),
        "session": caller.session,
        "member": caller.member,
        "role": caller.role,
        "expires_at_ms": caller.expires_at_ms,
    }
