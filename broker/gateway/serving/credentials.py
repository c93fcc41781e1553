"""The credential of a request: a bearer token, else the cookie of somebody who signed in with a browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from broker.domain.errors import NotAuthenticated
from broker.domain.people.access import Credential, Principal
from broker.domain.people.single_sign_on import SSO_REQUIRED
from broker.domain.people.token_kinds import PREFIXES, TokenKind
from broker.gateway.serving.answers import Answer, Refusal, bearer
from broker.gateway.serving.edge import Origins
from broker.gateway.serving.workspace_path import read_workspace
from broker.services.people.access import Access

_FORMER_COOKIE = "relaycast"
"""Of version 0.1.0, which all brokers of a host shared: who signed in to that one stays signed in."""
_COOKIE_LIFE_S = 400 * 24 * 3600
"""The most that browsers keep. How long it is good for is the token's business, which moves on while it is used."""
_IN_COOKIES = PREFIXES[TokenKind.MEMBER]
"""People's alone. The page keeps a share's token by itself, for one tab: it must not replace anybody's sign-in."""
_CHALLENGE = ".sso"
"""Behind a cookie's name: of a browser that is at an identity provider."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def credential(connection: HTTPConnection) -> Credential:
    """The token that comes with a request or a socket, and the workspace that it names.

    A browser sends a cookie whoever asked it to, and programs on other ports of the same machine count as the same
    site: what can change something must come from our own pages, and say so. Raises `NotPermitted` (ORIGIN_REFUSED).
    """
    if "authorization" in connection.headers:
        return in_header(connection)
    token = read_cookie(connection)
    if token and (connection.scope["type"] == "websocket" or connection.scope["method"] not in _SAFE_METHODS):
        require_own_origin(connection, may_be_absent=False)
    return Credential(token=token or None, workspace=read_workspace(connection))


def in_header(connection: HTTPConnection) -> Credential:
    """The same where a browser's cookie does not count."""
    return Credential(token=bearer(connection), workspace=read_workspace(connection))


def in_cookie(connection: HTTPConnection) -> Credential:
    """The same where nothing but a browser's cookie counts."""
    return Credential(token=read_cookie(connection) or None, workspace=read_workspace(connection))


def require_own_origin(connection: HTTPConnection, *, may_be_absent: bool) -> None:
    """Raise `NotPermitted` (ORIGIN_REFUSED) unless a page of ours, or of an allowed origin, asked."""
    origins: Origins = connection.app.state.origins
    origins.require(connection, may_be_absent=may_be_absent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """What a browser keeps a sign-in in."""

    name: str
    path: str
    """Below which it is sent: what else is on the host gets no sign-in to see."""
    secure: bool

    @classmethod
    def of(cls, url: str) -> Self:
        """The cookie of the broker at `url`.

        Browsers send cookies to every port of a host, so brokers that share one must not share the name. With TLS,
        nobody but the host itself can set one that is called `__Host-`, which is for all of a host (RFC 6265bis,
        section 4.1.3.2), and nothing that is not encrypted one that is called `__Secure-`.
        """
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        prefix = ("__Secure-" if parts.path else "__Host-") if secure else ""
        port = "" if secure and parts.port in {None, 443} else f"-{parts.port or 80}"
        below = parts.path.replace("/", ".")
        return cls(name=f"{prefix}relaycast{port}{below}", path=parts.path or "/", secure=secure)


def read_cookie(connection: HTTPConnection) -> str:
    """The token of the browser's cookie; empty without one, and for what no cookie of ours holds."""
    cookies = connection.cookies
    token = cookies.get(_cookie(connection).name) or cookies.get(_FORMER_COOKIE) or ""
    return token if token.startswith(_IN_COOKIES) else ""


def has_cookie(connection: HTTPConnection) -> bool:
    """Whether there is one to forget."""
    return not {_cookie(connection).name, _FORMER_COOKIE}.isdisjoint(connection.cookies)


def set_cookie(request: Request, response: Response, token: str) -> None:
    """Let the browser keep the token where no script can read it."""
    cookie = _cookie(request)
    response.set_cookie(
        cookie.name,
        token,
        max_age=_COOKIE_LIFE_S,
        path=cookie.path,
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )


async def sign_in_browser(request: Request, access: Access, token: str) -> Response:
    """Who has signed in with a link. Where only single sign-on lets them act, they are refused and signed in all the
    same: so their identity becomes theirs, and no new person."""
    try:
        answer: Response = Answer(show_caller(await access.authenticate(await access.begin_in(token))))
    except NotAuthenticated as refused:
        if refused.code != SSO_REQUIRED:
            raise
        answer = Refusal(refused)
    set_cookie(request, answer, token)
    return answer


def drop_cookie(request: Request, response: Response) -> None:
    """Make the browser forget it."""
    kept = {_FORMER_COOKIE: "/", _cookie(request).name: _cookie(request).path}
    for name in sorted(kept.keys() & request.cookies.keys()):
        response.delete_cookie(name, path=kept[name], secure=_is_secure(request), httponly=True, samesite="strict")


def keep_challenge(request: Request, response: Response, kept: str, *, life_s: int) -> None:
    """Let the browser keep what ties an identity provider's answer to it.

    Lax, as it comes back from another site: a cookie of our own kind would stay at home.
    """
    response.set_cookie(
        _cookie(request).name + _CHALLENGE,
        kept,
        max_age=life_s,
        path=_cookie(request).path,
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


def read_challenge(request: Request) -> str:
    """What it has kept; empty when that is nothing."""
    return request.cookies.get(_cookie(request).name + _CHALLENGE, "")


def drop_challenge(request: Request, response: Response) -> None:
    """It is used up."""
    cookie = _cookie(request)
    response.delete_cookie(
        cookie.name + _CHALLENGE, path=cookie.path, secure=_is_secure(request), httponly=True, samesite="lax"
    )


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https" or _cookie(request).secure


def _cookie(connection: HTTPConnection) -> Cookie:
    cookie: Cookie = connection.app.state.cookie
    return cookie


def show_caller(caller: Principal) -> dict[str, object]:
    """Who the caller is and what it may do, as `GET /v1/whoami` answers."""
    return {
        "workspace": {"id": caller.workspace, "slug": caller.slug, "plan": caller.plan},
        "kind": caller.kind,
        "name": caller.name,
        "permissions": sorted(caller.permissions),
        "session": caller.session,
        "scopes": caller.scopes,
        "sessions": caller.only,
        "service_account": caller.service,
        "member": caller.member,
        "role": caller.role,
        "expires_at_ms": caller.expires_at_ms,
    }
