"""One WebSocket connection of the graphql-transport-ws protocol, and who is behind it."""

from __future__ import annotations

import asyncio
import time

from starlette.websockets import WebSocket

from broker.domain.access import Principal
from broker.domain.errors import NotAuthenticated, NotPermitted, RelayError, Unavailable
from graphql_api import transport
from graphql_api.outbox import HungUp, outbox_of, until_room
from graphql_api.running import Engine, RunningOperation
from graphql_api.transport import CloseCode, Complete, ConnectionInit, InvalidMessage, Message, Ping, Pong, Subscribe

_INIT_S = 10.0
"""For the client's first message."""
_MAX_OPERATIONS = 100
"""At the same time, on one connection."""
_TRIES, _RETRY_S = 40, 0.25
"""How long access may stay unchecked while the store is away; then the peer has to come again."""
_LONGEST_TIMER_S = 3600.0
_AFTER_EXPIRY_S = 0.2
"""The store's clock may be a little behind ours."""


class Connection:
    """Serves one peer until it leaves."""

    def __init__(self, websocket: WebSocket, engine: Engine, *, token: str | None, refusal: str | None = None) -> None:
        self._websocket = websocket
        self._engine = engine
        self._token = token
        self._refusal = refusal
        """Why the credential that came with the upgrade does not count."""
        self._outbox = outbox_of(websocket)
        self._running: dict[str, RunningOperation] = {}
        self._principal: Principal | None = None
        self._initialised = False
        self._hung_up = False
        self._tasks = asyncio.TaskGroup()
        self._expiry: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        """Until the peer leaves or is hung up on."""
        late = asyncio.get_running_loop().call_later(_INIT_S, self._too_late)
        try:
            async with self._tasks:
                await self._read()
                self._stop_all()
        finally:
            late.cancel()
            if self._expiry is not None:
                self._expiry.cancel()

    def hang_up(self, code: CloseCode, reason: str) -> None:
        """Close with a code that says whether to come back."""
        self._hung_up = True
        self._outbox.hang_up(code, reason)

    def belongs_to(self, subject: str) -> bool:
        """Whether a change of access is about this peer: the id of a token, or `member:<id>`."""
        caller = self._principal
        return caller is not None and subject in {caller.token_id, f"member:{caller.member}"}

    def check_access(self) -> None:
        """Look again, soon, whether the peer may go on with what it does."""
        if self._principal is not None:
            self._tasks.create_task(self._check_access())

    async def _read(self) -> None:
        while not self._hung_up:
            received = await self._websocket.receive()
            if received["type"] == "websocket.disconnect":
                return
            try:
                await self._take(transport.read_message(received.get("text") or ""))
            except InvalidMessage as error:
                self.hang_up(CloseCode.INVALID_MESSAGE, str(error))
            except HungUp:
                return

    async def _take(self, message: Message) -> None:
        match message:
            case ConnectionInit():
                await self._initialise(message)
            case Subscribe():
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
            self.hang_up(CloseCode.INITIALISED_TWICE, "Too many initialisation requests")
            return
        self._initialised = True
        given = _bearer(message.payload.get("authorization"))
        try:
            if given is None and self._refusal is not None:
                raise NotPermitted(self._refusal)
            self._token = given or self._token
            self._become(await self._engine.services.access.authenticate(self._token))
        except Unavailable:
            self.hang_up(CloseCode.RESTARTING, "The store is away; come again")
        except RelayError as error:
            self.hang_up(CloseCode.FORBIDDEN, _short(f"Forbidden: {error.message}"))
        else:
            self._outbox.write(transport.connection_ack())

    def _too_late(self) -> None:
        if not self._initialised:
            self.hang_up(CloseCode.TOO_LATE, "Connection initialisation timeout")

    def _subscribe(self, message: Subscribe) -> None:
        if self._principal is None:
            self.hang_up(CloseCode.UNAUTHORIZED, "Unauthorized")
        elif message.id in self._running:
            self.hang_up(CloseCode.DUPLICATE, _short(f"Subscriber for {message.id} already exists"))
        elif len(self._running) >= _MAX_OPERATIONS:
            refusal = {
                "message": f"{_MAX_OPERATIONS} operations run on this connection already; end one, or open another"
            }
            self._outbox.write(
                transport.error(message.id, [{**refusal, "extensions": {"code": "TOO_MANY_OPERATIONS"}}])
            )
        else:
            running = RunningOperation(message, self._engine, self._outbox, caller=self._caller)
            self._running[message.id] = running
            running.start(self._tasks, lambda: self._ended(message.id, running))

    def _ended(self, operation: str, running: RunningOperation) -> None:
        if self._running.get(operation) is running:  # the peer may have stopped it and used the id again
            del self._running[operation]

    def _caller(self) -> Principal:
        assert self._principal is not None
        return self._principal

    async def _pong(self, message: Ping) -> None:
        await until_room(self._outbox)
        given = _bearer(message.payload.get("authorization"))
        self._outbox.write(transport.pong(None if given is None else await self._refresh(given)))

    async def _refresh(self, token: str) -> dict[str, object]:
        """Go on with another token, of the same workspace; the present one stays when that one is no good."""
        try:
            principal = await self._engine.services.access.authenticate(token)
            if self._principal is None or principal.workspace != self._principal.workspace:
                raise NotPermitted("a connection stays in the workspace that it was opened for")
        except RelayError as error:
            return {"refreshed": False, "code": error.code, "message": error.message}
        self._token = token
        self._become(principal)
        await self._check_operations()
        return {"refreshed": True}

    async def _check_access(self) -> None:
        for _ in range(_TRIES):
            try:
                self._become(await self._engine.services.access.authenticate(self._token))
            except NotAuthenticated as error:
                expired = self._expires_in() <= 0
                self.hang_up(CloseCode.FORBIDDEN if expired else CloseCode.UNAUTHORIZED, _short(error.message))
                return
            except Unavailable:
                await asyncio.sleep(_RETRY_S)
            else:
                await self._check_operations()
                return
        self.hang_up(CloseCode.RESTARTING, "The store is away; come again")

    async def _check_operations(self) -> None:
        for running in list(self._running.values()):
            await running.check()

    def _become(self, principal: Principal) -> None:
        self._principal = principal
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if principal.expires_at_ms is not None:
            delay = min(max(self._expires_in(), _AFTER_EXPIRY_S), _LONGEST_TIMER_S)
            self._expiry = asyncio.get_running_loop().call_later(delay, self.check_access)

    def _expires_in(self) -> float:
        """Seconds."""
        expires_at_ms = self._caller().expires_at_ms
        return float("inf") if expires_at_ms is None else expires_at_ms / 1000 - time.time()

    def _stop_all(self) -> None:
        for running in self._running.values():
            running.stop()


def _bearer(value: object) -> str | None:
    """The token of an `authorization` member."""
    if not isinstance(value, str):
        return None
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _short(reason: str) -> str:
    """A close frame has room for 123 bytes."""
    return reason.encode()[:120].decode(errors="ignore")
