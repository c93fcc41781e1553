"""Addresses that name a workspace: `/w/<slug>/…` is `…` in that one. A header says the same to whoever prefers it."""

from __future__ import annotations

import re

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from broker.domain.errors import BadRequest

HEADER = "relaycast-workspace"
PREFIX = "/w/"
_NAMING = re.compile(rf"{PREFIX}(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{{0,63}})(?P<rest>/.*)", re.DOTALL)
"""Slugs and ids: what stands there is written into pages, and needs no escaping."""
_NAMED = "relaycast.workspace"
_LONGEST = 100


class WorkspacePath:
    """Takes the workspace out of the path, and leaves the address as it is otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        if scope["type"] in {"http", "websocket"}:
            root = scope.get("root_path", "")
            found = _NAMING.fullmatch(scope["path"].removeprefix(root))
            if found:
                scope = {**scope, "path": root + found["rest"], _NAMED: found["name"]}
        await self._app(scope, receive, send)


def read_workspace(connection: HTTPConnection) -> str | None:
    """The slug or id that a request names; None for none. Raises `BadRequest` when it names two."""
    in_path: str | None = connection.scope.get(_NAMED)
    in_header = connection.headers.get(HEADER)
    if in_path and in_header and in_path != in_header:
        raise BadRequest(f"the path names the workspace {in_path[:_LONGEST]!r}, the header another")
    return in_path or in_header or None


def path_of(connection: HTTPConnection) -> str:
    """What stood before the address of a page: `/w/<slug>`, or nothing."""
    named: str | None = connection.scope.get(_NAMED)
    return f"{PREFIX}{named}" if named else ""
