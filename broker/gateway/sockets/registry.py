"""All open sockets of this process: closing them when their access ends or the gateway drains."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect

from broker.domain.errors import NotAuthenticated, NotFound, NotPermitted, Unavailable
from broker.domain.people.access import Credential, Permission, Principal
from broker.domain.people.access_changes import AccessChange
from broker.gateway.serving.websocket_protocol import EXTENSION
from broker.protocol import close_codes
from broker.protocol.close_codes import CloseCode
from broker.protocol.errors import ProtocolViolation

_TRIES, _RETRY_S = 20, 0.5
"""How long access may stay unchecked while the store is away; then the peer has to come again."""


class Access(Protocol):
    """Whom tokens stand for; see `services.access.Access`."""

    async def authenticate(self, presented: Credential, /) -> Principal:
        """The caller behind a token. Raises `NotAuthenticated`, `Unavailable`."""

    async def present(self, principal: Principal) -> Principal:
        """A caller as it is now, whatever became of its token. Raises `NotAuthenticated`, `Unavailable`."""


@dataclass(slots=True)
class _Held:
    credential: Credential
    grace_s: float | None
    principal: Principal | None = None
    """None until it is authenticated."""
    stale: bool = False
    """Something changed while it was being authenticated, perhaps too late for the answer."""


class OpenSockets:
    """Knows every open socket and whose it is.

    Each is looked at again whenever its access may have become less: when something that it hangs on has changed, when
    its token should have ended, and when such news may have been missed. One that is opened for a while and renewed on
    the socket itself (with a `grace_s`) is asked only for what it hangs on; it ends when it was not renewed in time.
    """

    def __init__(self, access: Access, *, clock: Callable[[], float] = time.time, retry_s: float = _RETRY_S) -> None:
        """`clock`: Unix time, by which tokens end."""
        self._access = access
        self._clock = clock
        self._retry_s = retry_s
        self._open: dict[WebSocket, _Held] = {}
        self._others: list[Callable[[], None]] = []

    def drain_too(self, drain: Callable[[], None]) -> None:
        """What else is to tell its peers when the gateway drains."""
        self._others.append(drain)

    @contextlib.asynccontextmanager
    async def admitted(
        self, websocket: WebSocket, credential: Credential, *, grace_s: float | None = None
    ) -> AsyncIterator[Principal]:
        """Authenticate a socket and count it as open while the block runs. Raises `NotAuthenticated`.

        `grace_s`: how long after the end of its token it may still be given another.
        """
        held = self._open[websocket] = _Held(credential, grace_s)
        try:
            await self._become(held, credential)
            assert held.principal is not None
            yield held.principal
        finally:
            del self._open[websocket]

    async def go_on_with(self, websocket: WebSocket, token: str) -> Principal:
        """Another token for an open socket, which stays as it is when that one is no good.

        Raises `NotAuthenticated`, `NotPermitted` for what stands for somebody else, and `Unavailable`.
        """
        held = self._open[websocket]
        credential = held.credential.with_token(token)
        principal = await self._access.authenticate(credential)
        before = held.principal
        if before is None or not principal.is_same_as(before):
            raise NotPermitted("a connection goes on for whom it was opened; open another for others")
        held.credential, held.principal = credential, principal
        return principal

    def renewed(self, websocket: WebSocket, principal: Principal) -> None:
        """The token of an open socket was renewed on it."""
        self._open[websocket].principal = principal

    async def access_changed(self, change: AccessChange | None) -> None:
        """Follow a change, or None when some may have been missed."""
        for held in self._open.values():
            held.stale = held.principal is None
        await self._check(lambda principal: change is None or change.concerns(principal))

    async def end_expired(self) -> None:
        """Close what was opened with a token that has ended by now and was neither used nor renewed since."""
        now = self._clock()
        over = [(websocket, held) for websocket, held in self._open.items() if _ends_at(held) <= now]
        late = [websocket for websocket, held in over if held.grace_s is not None and _is_renewable(held)]
        await self._close(late, close_codes.NOT_RENEWED)
        await self._check_all([each for each in over if each[0] not in late])

    async def _become(self, held: _Held, credential: Credential) -> None:
        """Whoever is behind the token by the end of it."""
        principal = await self._access.authenticate(credential)
        while held.stale:
            held.stale = False
            principal = await self._access.authenticate(credential)
        held.principal = principal

    async def _check(self, concerned: Callable[[Principal], bool]) -> None:
        await self._check_all(
            [each for each in self._open.items() if each[1].principal is not None and concerned(each[1].principal)]
        )

    async def _check_all(self, found: Sequence[tuple[WebSocket, _Held]]) -> None:
        await asyncio.gather(*(self._check_one(websocket, held) for websocket, held in found))

    async def _check_one(self, websocket: WebSocket, held: _Held) -> None:
        for _ in range(_TRIES):
            credential = held.credential
            try:
                await self._look_again(held)
            except (NotAuthenticated, NotFound):  # or its workspace is called otherwise by now
                if held.credential is not credential:  # it was given another meanwhile
                    return
                is_over = held.grace_s is None and _ends_at(held) <= self._clock() and _is_renewable(held)
                await close(websocket, close_codes.NOT_RENEWED if is_over else close_codes.UNAUTHENTICATED)
            except NotPermitted:
                await close(websocket, close_codes.NOT_PERMITTED)
            except Unavailable:
                await asyncio.sleep(self._retry_s)
                continue
            return
        await close(websocket, close_codes.STORE_AWAY)

    async def _look_again(self, held: _Held) -> None:
        before = held.principal
        if held.grace_s is not None and before is not None:
            await self._access.present(before)
            return
        principal = await self._access.authenticate(held.credential)
        principal.require(Permission.READ)
        if held.principal is before:  # not given another token meanwhile
            held.principal = principal

    async def drain(self) -> None:
        """Tell everybody to reconnect elsewhere."""
        for drain in self._others:
            drain()
        await self._close(list(self._open), close_codes.DRAINING)

    async def _close(self, websockets: list[WebSocket], code: CloseCode) -> None:
        await asyncio.gather(*(close(websocket, code) for websocket in websockets))


def _ends_at(held: _Held) -> float:
    """Unix time."""
    ends_at_ms = held.principal.expires_at_ms if held.principal else None
    grace_s = held.grace_s if _is_renewable(held) else None
    return float("inf") if ends_at_ms is None else ends_at_ms / 1000 + (grace_s or 0)


def _is_renewable(held: _Held) -> bool:
    """Whether another token comes after its own; a machine of an earlier version has one for a day."""
    principal = held.principal
    return principal is not None and (principal.family is not None or principal.proxy is not None)


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
