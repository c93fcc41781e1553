"""All open sockets of this process: closing them when their token is revoked or the gateway drains."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from starlette.websockets import WebSocket, WebSocketDisconnect

from broker.domain.access import Principal
from broker.protocol import close_codes
from broker.protocol.close_codes import CloseCode
from broker.protocol.errors import ProtocolViolation

_CLOSE_S = 2.0
"""A peer that does not answer a close frame must not hold up a shutdown."""


class OpenSockets:
    """Knows every open socket and whose it is."""

    def __init__(self) -> None:
        self._open: dict[WebSocket, Principal] = {}
        self._others: list[Callable[[], None]] = []

    def drain_too(self, drain: Callable[[], None]) -> None:
        """What else is to tell its peers when the gateway drains."""
        self._others.append(drain)

    @contextlib.contextmanager
    def holding(self, websocket: WebSocket, principal: Principal) -> Iterator[None]:
        """Count a socket as open while the block runs."""
        self._open[websocket] = principal
        try:
            yield
        finally:
            del self._open[websocket]

    async def revoked(self, token_id: str) -> None:
        """Close what a revoked token opened."""
        await self._close([w for w, p in self._open.items() if p.token_id == token_id], close_codes.UNAUTHENTICATED)

    async def drain(self) -> None:
        """Tell everybody to reconnect elsewhere."""
        for drain in self._others:
            drain()
        await self._close(list(self._open), close_codes.DRAINING)

    async def _close(self, websockets: list[WebSocket], code: CloseCode) -> None:
        await asyncio.gather(*(close(websocket, code) for websocket in websockets))


async def receive_text(websocket: WebSocket) -> str:
    """The next message. Raises `ProtocolViolation` for a binary one, `WebSocketDisconnect`."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"], message.get("reason"))
    text: str | None = message.get("text")
    if text is None:
        raise ProtocolViolation("a binary message; all messages here are text", offset=0)
    return text


async def close(websocket: WebSocket, code: CloseCode) -> None:
    """Close with a code that says whether to come back; a peer that is gone already is fine."""
    with contextlib.suppress(RuntimeError, TimeoutError, WebSocketDisconnect):
        async with asyncio.timeout(_CLOSE_S):
            await websocket.close(code.code, code.reason)


def first_cause(group: ExceptionGroup[Exception]) -> Exception:
    """What really ended a group of tasks: the first error in it, however deep."""
    error = group.exceptions[0]
    return first_cause(error) if isinstance(error, ExceptionGroup) else error
