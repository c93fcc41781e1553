"""Serving below a path of a host that others share: `--public-url https://host/relay`.

Proxies differ in whether they pass `/relay` on or cut it off, so both are served, and so is whoever asks directly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from broker.domain.errors import BadRequest

_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")
"""What needs no escaping, in HTML, in a cookie and in a header either."""


def require_public_url(url: str | None) -> None:
    """Raise `BadRequest` for what cannot stand before the address of every page."""
    try:
        parts = urlsplit(url or "http://localhost")
        _ = parts.port
    except ValueError:
        raise BadRequest(f"--public-url {url}: that is no URL") from None
    extra = parts.query or parts.fragment or parts.username is not None or not (url or "").isprintable()
    if parts.scheme not in {"http", "https"} or not parts.hostname or extra:
        raise BadRequest(f"--public-url {url}: it looks like https://relay.example or https://host.example/relay")
    if not _PATH.fullmatch(parts.path):
        raise BadRequest(f"--public-url {url}: its path may have letters, digits and . _ ~ - between its slashes")


def require_unlike(path: str, routes: Iterable[BaseRoute]) -> None:
    """Raise `BadRequest` for a path that begins as one of the routes does: which of both is asked for is unknowable."""
    own = {route.path.split("/")[1] for route in routes if isinstance(route, Route | WebSocketRoute)} | {"w"}
    first = path.split("/")[1] if path else None
    if first in own:
        raise BadRequest(f"--public-url ends in {path}, and /{first} is an address of the broker's own: choose another")


class SubPath:
    """Gives every request the path that people see: what proxies cut off is put back, as ASGI's `root_path` asks."""

    def __init__(self, app: ASGIApp, *, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        if self._path and scope["type"] in {"http", "websocket"}:
            asked = scope["path"]
            if asked != self._path and not asked.startswith(f"{self._path}/"):
                asked = self._path + asked
            scope = {**scope, "path": asked, "root_path": self._path}
        await self._app(scope, receive, send)
