"""The credential of a request: a bearer token, else the cookie of somebody who signed in with a browser."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from broker.domain.access import PREFIXES, Principal, TokenKind
from broker.gateway.edge import Origins
from broker.gateway.http import bearer

COOKIE = "relaycast"
_COOKIE_LIFE_S = 400 * 24 * 3600
"""The most that browsers keep. How long it is good for is the token's business, which moves on while it is used."""
_IN_COOKIES = (PREFIXES[TokenKind.MEMBER], PREFIXES[TokenKind.OBSERVER])
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def credential(connection: HTTPConnection) -> str | None:
    """The token that comes with a request or a socket.

    A browser sends a cookie whoever asked it to, and programs on other ports of the same machine count as the same
    site: what can change something must come from our own pages, and say so. Raises `NotPermitted` (ORIGIN_REFUSED).
    """
    if "authorization" in connection.headers:
        return bearer(connection)
    token = connection.cookies.get(COOKIE, "")
    if not token.startswith(_IN_COOKIES):
        return None
    if connection.scope["type"] == "websocket" or connection.scope["method"] not in _SAFE_METHODS:
        require_own_origin(connection, may_be_absent=False)
    return token


def require_own_origin(connection: HTTPConnection, *, may_be_absent: bool) -> None:
    """Raise `NotPermitted` (ORIGIN_REFUSED) unless a page of ours, or of an allowed origin, asked."""
    origins: Origins = connection.app.state.origins
    origins.require(connection, may_be_absent=may_be_absent)


def set_cookie(response: Response, token: str, *, secure: bool) -> None:
    """Let the browser keep the token where no script can read it."""
    response.set_cookie(
        COOKIE, token, max_age=_COOKIE_LIFE_S, path="/", secure=secure, httponly=True, samesite="strict"
    )


def drop_cookie(response: Response, *, secure: bool) -> None:
    """Make the browser forget it."""
    response.delete_cookie(COOKIE, path="/", secure=secure, httponly=True, samesite="strict")


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
