"""The WebSocket endpoint: whom a connection is accepted for."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from broker.domain.errors import BadRequest, RelayError
from broker.domain.people.access import Credential
from broker.protocol import close_codes
from graphql_api.serving.connection import Connection
from graphql_api.serving.running import Engine
from graphql_api.serving.transport import SUBPROTOCOL

ShownBy = Callable[[HTTPConnection], Credential]
"""What came with the upgrade. Raises `NotPermitted`, `BadRequest`."""
NamedBy = Callable[[HTTPConnection], str | None]
"""The workspace that it names. Raises `BadRequest`."""


class GraphQLSocket:
    """Serves graphql-transport-ws."""

    def __init__(self, engine: Engine, credential: ShownBy, *, named: NamedBy) -> None:
        self._engine = engine
        self._credential = credential
        self._named = named

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection. A refusal is a close code, never an HTTP status: browsers cannot read those."""
        if SUBPROTOCOL not in websocket.scope["subprotocols"]:
            await websocket.accept()
            await websocket.close(close_codes.NOT_ACCEPTABLE.code, close_codes.NOT_ACCEPTABLE.reason)
            return
        await websocket.accept(SUBPROTOCOL)
        refusal = None
        try:
            shown = Credential(token=None, workspace=self._named(websocket))
        except BadRequest as error:
            await websocket.close(close_codes.FORBIDDEN.code, close_codes.FORBIDDEN.because(error.message).reason)
            return
        try:
            shown = self._credential(websocket)
        except RelayError as error:  # the peer may say in its first message who it is
            refusal = error.message
        await Connection(websocket, self._engine, shown=shown, refusal=refusal).serve()
