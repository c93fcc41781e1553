"""The live event socket: /v1/sessions/{session}/events."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal

import orjson
from pydantic import BaseModel, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from broker.domain.agents.sessions import Session
from broker.domain.errors import BadRequest, NotAuthenticated, NotFound, NotPermitted, RelayError, Unavailable
from broker.domain.logs.events import Cursor, parse_cursor
from broker.domain.people.access import Permission, Principal
from broker.gateway.serving.credentials import credential
from broker.gateway.sockets.peers import close, close_when_lost, receive_text
from broker.protocol import close_codes
from broker.protocol.close_codes import CloseCode
from broker.protocol.errors import ProtocolViolation
from broker.services.container import Services
from broker.services.live.hub import Reset
from broker.services.people.open_connections import OpenConnection, OpenConnections
from broker.telemetry import EVENT_READERS


class EventSocket:
    """Follows one session's log for one reader, at the reader's own pace: the log itself is the queue."""

    def __init__(self, services: Services, connections: OpenConnections) -> None:
        self._s = services
        self._connections = connections

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection. A refusal is a close code, never an HTTP status: browsers cannot read those."""
        await websocket.accept()
        try:
            lost = close_when_lost(websocket)
            shown: list[Session] = []

            async def see_again() -> None:
                if not all(peer.caller.sees(each.id) for each in shown):
                    raise NotPermitted("this session is private now, and not open to you")

            with OpenConnection(self._connections, lost=lost, kept=see_again, requires=Permission.READ) as peer:
                await peer.begin(credential(websocket))
                with EVENT_READERS.track_inprogress():
                    await self._follow(websocket, peer, shown)
        except RelayError as error:
            close(websocket, _code(error))
        except (WebSocketDisconnect, RuntimeError):
            return  # the peer left before it was served

    async def _follow(self, websocket: WebSocket, peer: OpenConnection, shown: list[Session]) -> None:
        """`shown`: takes the session that the peer is shown from here on."""
        session = await self._s.sessions.look_up(peer.caller, websocket.path_params["session"])
        shown.append(session)
        text = websocket.query_params.get("after")
        head = Cursor(session.epoch, session.offset)
        after = head if text is None else None if text == "0" else parse_cursor(text)
        await websocket.send_text(_control("hello", head))
        await self._serve(websocket, peer, session, after)

    async def _serve(self, websocket: WebSocket, peer: OpenConnection, session: Session, after: Cursor | None) -> None:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(self._send(websocket, peer.caller, session, after))
            await self._until_gone(websocket, peer)
            sending.cancel()

    async def _send(self, websocket: WebSocket, principal: Principal, session: Session, after: Cursor | None) -> None:
        try:
            async with contextlib.aclosing(self._s.hub.follow(principal.workspace, session.id, after=after)) as items:
                async for item in items:
                    await websocket.send_text(_control("reset", item.first) if isinstance(item, Reset) else item)
        except RelayError as error:  # also: the session was deleted
            close(websocket, _code(error))
        except (WebSocketDisconnect, RuntimeError):
            return  # the peer left while we were sending

    async def _until_gone(self, websocket: WebSocket, peer: OpenConnection) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await self._hear(websocket, peer)
                await asyncio.sleep(0)  # many messages may have come at once; others have their turn between them

    async def _hear(self, websocket: WebSocket, peer: OpenConnection) -> None:
        """Take a fresh token, in the place of one that will end. All else that a reader says is passed over.

        `{"type": "auth", "token": …}` is answered, between two events, by `{"kind": "auth", "renewed": true,
        "expires_at_ms": …}`, or `{"kind": "auth", "renewed": false, "code": …, "message": …}`: then it goes on with
        the one it had.
        """
        try:
            said = _Auth.model_validate_json(await receive_text(websocket))
        except (ProtocolViolation, ValidationError):
            return
        try:
            principal = await peer.go_on_with(said.token)
        except RelayError as error:
            await websocket.send_text(_answer(renewed=False, code=error.code, message=error.message))
        else:
            await websocket.send_text(_answer(renewed=True, expires_at_ms=principal.expires_at_ms))


class _Auth(BaseModel):
    type: Literal["auth"]
    token: str = Field(max_length=1000, repr=False)


def _answer(**about: object) -> str:
    return orjson.dumps({"kind": "auth", **about}).decode()


def _control(kind: str, cursor: Cursor) -> str:
    return orjson.dumps({"kind": kind, "epoch": cursor.epoch, "offset": cursor.offset}).decode()


def _code(error: RelayError) -> CloseCode:
    if isinstance(error, NotAuthenticated):
        return close_codes.UNAUTHENTICATED
    if isinstance(error, NotFound):
        return close_codes.UNKNOWN
    if isinstance(error, BadRequest):
        return close_codes.BAD_MESSAGE
    if isinstance(error, Unavailable):
        return close_codes.STORE_AWAY
    return close_codes.NOT_PERMITTED
