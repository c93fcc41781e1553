"""Reading from the peer of a socket, and closing it with a code."""

from __future__ import annotations

from typing import assert_never

from starlette.websockets import WebSocket, WebSocketDisconnect

from broker.gateway.serving.websocket_protocol import EXTENSION
from broker.gateway.sockets.steps import count_close
from broker.protocol import close_codes
from broker.protocol.close_codes import CloseCode
from broker.protocol.errors import ProtocolViolation
from broker.services.people.open_connections import Loss, Lost


async def receive_text(websocket: WebSocket) -> str:
    """The next message; a binary one is read as text. Raises `ProtocolViolation`, `WebSocketDisconnect`."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"], message.get("reason"))
    text: str | None = message.get("text")
    if text is not None:
        return text
    try:
        return bytes(message.get("bytes") or b"").decode()
    except UnicodeDecodeError as error:
        raise ProtocolViolation("a binary message that is no text; all messages here are", offset=error.start) from None


def close(websocket: WebSocket, code: CloseCode) -> None:
    """Close with a code that says whether to come back, at once: the peer may not read. One that is gone is fine."""
    websocket.scope["extensions"][EXTENSION].hang_up(code.code, code.reason)


def close_when_lost(websocket: WebSocket) -> Lost:
    """Closes a socket whose peer may not go on, and counts that."""

    def lost(loss: Loss, _why: str) -> None:
        code = _code(loss)
        count_close(code)
        close(websocket, code)

    return lost


def first_cause(group: ExceptionGroup[Exception]) -> Exception:
    """What really ended a group of tasks: the first error in it, however deep."""
    error = group.exceptions[0]
    return first_cause(error) if isinstance(error, ExceptionGroup) else error


def _code(loss: Loss) -> CloseCode:
    match loss:
        case Loss.ENDED | Loss.EXPIRED:
            return close_codes.UNAUTHENTICATED
        case Loss.NOT_RENEWED:
            return close_codes.NOT_RENEWED
        case Loss.NOT_PERMITTED:
            return close_codes.NOT_PERMITTED
        case Loss.UNCHECKED:
            return close_codes.STORE_AWAY
        case Loss.DRAINING:
            return close_codes.DRAINING
        case _ as other:
            assert_never(other)
