"""All open sockets of this process: closing them when their access ends or the gateway drains."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect

from broker.domain.access import Permission, Principal
from broker.domain.errors import NotAuthenticated, NotPermitted, Unavailable
from broker.gateway.websocket_protocol import EXTENSION
from broker.protocol import close_codes
from broker.protocol.close_codes import CloseCode
from broker.protocol.errors import ProtocolViolation

_TRIES, _RETRY_S = 20, 0.5
"""How long access may stay unchecked while the store is away; then the peer has to come again."""
_MEMBER = "member:"


@dataclass(slots=True)
class _Held:
    token: str | None
    renewed: bool
    principal: Principal | None = None
    """None until it is authenticated."""
    stale: bool = False
    """Something changed while it was being authenticated, perhaps too late for the answer."""


class OpenSockets:
    """Knows every open socket and whose it is.

    Each is looked at again whenever its access may have become less: when its member has changed, when its token
    should have ended, and when such news may have been missed. Those whose token is renewed in-band are closed only
    when it is revoked, known by `require_listed`: what they came with may end before they do.
    """

    def __init__(
        self,
        authenticate: Callable[[str | None], Awaitable[Principal]],
        *,
        require_listed: Callable[[Principal], Awaitable[None]],
        retry_s: float = _RETRY_S,
    ) -> None:
        self._authenticate = authenticate
        self._retry_s = retry_s
        self._require_listed = require_listed
        self._open: dict[WebSocket, _Held] = {}
        self._others: list[Callable[[], None]] = []

    def drain_too(self, drain: Callable[[], None]) -> None:
        """What else is to tell its peers when the gateway drains."""
        self._others.append(drain)

    @contextlib.asynccontextmanager
    async def admitted(
        self, websocket: WebSocket, token: str | None, *, renewed: bool = False
    ) -> AsyncIterator[Principal]:
        """Authenticate a socket and count it as open while the block runs. Raises `NotAuthenticated`."""
        held = self._open[websocket] = _Held(token, renewed)
        try:
            principal = await self._authenticate(token)
            while held.stale:
                held.stale = False
                principal = await self._authenticate(token)
            held.principal = principal
            yield principal
        finally:
            del self._open[websocket]

    async def access_changed(self, what: str | None) -> None:
        """Follow a change: a token's id, `member:<id>`, or None when some may have been missed."""
        for held in self._open.values():
            held.stale = held.principal is None
        if what is None:
            await self._check(lambda _: True)
        elif what.startswith(_MEMBER):
            await self._check(lambda principal: principal.member == what.removeprefix(_MEMBER))
        else:
            ended = [w for w, held in self._open.items() if held.principal and held.principal.token_id == what]
            await self._close(ended, close_codes.UNAUTHENTICATED)

    async def end_expired(self, now_ms: int) -> None:
        """Close what was opened with a token that has ended by now and was not used since."""
        await self._check(
            lambda principal: principal.expires_at_ms is not None and principal.expires_at_ms <= now_ms, renewed=False
        )

    async def _check(self, concerned: Callable[[Principal], bool], *, renewed: bool = True) -> None:
        """Look at those that are concerned, and of those who renew their tokens only if `renewed`."""
        found = [
            (websocket, held, held.principal)
            for websocket, held in self._open.items()
            if held.principal is not None and (renewed or not held.renewed) and concerned(held.principal)
        ]
        await asyncio.gather(*(self._check_one(*each) for each in found))

    async def _check_one(self, websocket: WebSocket, held: _Held, principal: Principal) -> None:
        for _ in range(_TRIES):
            try:
                if held.renewed:
                    await self._require_listed(principal)
                else:
                    held.principal = await self._authenticate(held.token)
                    held.principal.require(Permission.READ)
            except NotAuthenticated:
                await close(websocket, close_codes.UNAUTHENTICATED)
            except NotPermitted:
                await close(websocket, close_codes.NOT_PERMITTED)
            except Unavailable:
                await asyncio.sleep(self._retry_s)
                continue
            return
        await close(websocket, close_codes.STORE_AWAY)

    async def drain(self) -> None:
        """Tell everybody to reconnect elsewhere."""
        for drain in self._others:
            drain()
        await self._close(list(self._open), close_codes.DRAINING)

    async def _close(self, websockets: list[WebSocket], code: CloseCode) -> None:
        await asyncio.gather(*(close(websocket, code) for websocket in websockets))


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


async def close(websocket: WebSocket, code: CloseCode) -> None:
    """Close with a code that says whether to come back, at once: the peer may not read. One that is gone is fine."""
    websocket.scope["extensions"][EXTENSION].hang_up(code.code, code.reason)


def first_cause(group: ExceptionGroup[Exception]) -> Exception:
    """What really ended a group of tasks: the first error in it, however deep."""
    error = group.exceptions[0]
    return first_cause(error) if isinstance(error, ExceptionGroup) else error
