"""One WebSocket connection of the graphql-transport-ws protocol, and its principal."""

from __future__ import annotations

import asyncio
from typing import assert_never

from starlette.websockets import WebSocket

from broker.domain.errors import NotPermitted, RateLimited, RelayError, Unavailable
from broker.domain.people.access import Credential, Permission
from broker.protocol import close_codes
from broker.protocol.close_codes import CloseCode
from broker.services.people.open_connections import Loss, OpenConnection, require_same_sight
from graphql_api.errors import refusal_shown
from graphql_api.serving import transport
from graphql_api.serving.outbox import outbox_of, until_room
from graphql_api.serving.running import Engine, RunningOperation
from graphql_api.serving.transport import (
    Complete,
    ConnectionInit,
    InvalidMessage,
    Message,
    Ping,
    Pong,
    Subscribe,
)

_INIT_S = 10.0
"""For the client's first message."""


class Connection:
    """Serves one peer until it leaves."""

    def __init__(self, websocket: WebSocket, engine: Engine, *, shown: Credential, refusal: str | None = None) -> None:
        self._websocket = websocket
        self._engine = engine
        self._shown = shown
        self._refusal = refusal
        """Why the credential that came with the upgrade does not count."""
        self._outbox = outbox_of(websocket)
        self._running: dict[str, RunningOperation] = {}
        self._may: frozenset[Permission] | None = None
        """What the peer knows that it may."""
        self._initialised = False
        self._hung_up = False
        self._tasks = asyncio.TaskGroup()
        self._peer = OpenConnection(
            engine.connections,
            lost=lambda loss, why: self._hang_up(close_code(loss).because(why)),
            kept=self._check_operations,
            successor=require_same_sight,
        )

    async def serve(self) -> None:
        """Until the peer leaves or is hung up on."""
        late = asyncio.get_running_loop().call_later(_INIT_S, self._too_late)
        try:
            with self._peer:
                async with self._tasks:
                    await self._read()
                    self._stop_all()
        finally:
            late.cancel()

    def _hang_up(self, code: CloseCode) -> None:
        """Close with a code that says whether to come back."""
        self._hung_up = True
        self._outbox.hang_up(code.code, code.reason)

    async def _read(self) -> None:
        while not self._hung_up:
            received = await self._websocket.receive()
            if received["type"] == "websocket.disconnect":
                return
            try:
                await self._take(transport.read_message(received.get("text") or ""))
            except InvalidMessage as error:
                self._hang_up(close_codes.INVALID_MESSAGE.because(str(error)))
            await asyncio.sleep(0)  # many messages may have come at once; others have their turn between them

    async def _take(self, message: Message) -> None:
        match message:
            case ConnectionInit():
                await self._initialise(message)
            case Subscribe():
                await until_room(self._outbox)  # whatever comes of it is answered
                self._subscribe(message)
            case Complete():
                running = self._running.pop(message.id, None)
                if running is not None:
                    running.stop()
            case Ping():
                await self._pong(message)
            case Pong():
                pass

    async def _initialise(self, message: ConnectionInit) -> None:
        if self._initialised:
            self._hang_up(close_codes.INITIALISED_TWICE)
            return
        self._initialised = True
        given = _bearer(message.payload.get("authorization"))
        try:
            if given is None and self._refusal is not None:
                raise NotPermitted(self._refusal)
            await self._peer.begin(self._shown.with_token(given) if given else self._shown)
        except Unavailable:
            self._hang_up(close_codes.DRAINING.because("The store is away; come again"))
        except RelayError as error:
            self._hang_up(close_codes.FORBIDDEN.because(f"Forbidden: {error.message}"))
        else:
            self._outbox.write(transport.connection_ack())
            self._tell_access()

    def _too_late(self) -> None:
        if not self._initialised:
            self._hang_up(close_codes.TOO_LATE)

    def _subscribe(self, message: Subscribe) -> None:
        if not self._peer.known:
            self._hang_up(close_codes.UNAUTHORIZED)
        elif message.id in self._running:
            self._hang_up(close_codes.DUPLICATE.because(f"Subscriber for {message.id} already exists"))
        elif len(self._running) >= (most := self._engine.operations.limits.operations_per_connection):
            refusal = RateLimited(f"{most} operations run on this connection already", code="TOO_MANY_OPERATIONS")
            self._outbox.write(transport.error(message.id, [refusal_shown(refusal)]))
        else:
            running = RunningOperation(message, self._engine, self._outbox, caller=lambda: self._peer.caller)
            self._running[message.id] = running
            running.start(self._tasks, lambda: self._forget_operation(message.id, running))

    def _forget_operation(self, operation: str, running: RunningOperation) -> None:
        if self._running.get(operation) is running:  # the peer may have stopped it and used the id again
            del self._running[operation]

    async def _pong(self, message: Ping) -> None:
        await until_room(self._outbox)
        given = _bearer(message.payload.get("authorization"))
        self._outbox.write(transport.pong(None if given is None else await self._refresh(given)))

    async def _refresh(self, token: str) -> dict[str, object]:
        """Go on with another token, of the same workspace; the present one stays when that one is no good."""
        self._may = None  # it has chosen the token, and is told by the pong
        try:
            await self._peer.go_on_with(token)
        except RelayError as error:
            self._tell_access()
            return {"refreshed": False, "code": error.code, "message": error.message}
        return {"refreshed": True}

    async def _check_operations(self) -> None:
        for running in list(self._running.values()):
            await running.check()
        self._tell_access()

    def _tell_access(self) -> None:
        """A peer that may do more or less than before is told, by a ping that it answers as any other."""
        may = self._peer.caller.permissions
        if self._may is not None and may != self._may:
            self._outbox.write(transport.ping({"access": "changed"}))
        self._may = may

    def _stop_all(self) -> None:
        for running in self._running.values():
            running.stop()


def close_code(loss: Loss) -> CloseCode:
    """What a peer that may not go on is hung up on with."""
    match loss:
        case Loss.ENDED:
            return close_codes.UNAUTHORIZED
        case Loss.EXPIRED | Loss.NOT_RENEWED | Loss.NOT_PERMITTED:
            return close_codes.FORBIDDEN
        case Loss.UNCHECKED | Loss.DRAINING:
            return close_codes.DRAINING
        case _ as other:
            assert_never(other)


def _bearer(value: object) -> str | None:
    """The token of an `authorization` member."""
    if not isinstance(value, str):
        return None
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
