"""A session's events over a WebSocket that comes back by itself: no gap, no duplicate, and losses are told."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

from broker.domain.errors import NotAuthenticated, RelayError, Unavailable
from broker.domain.people.token_text import hide_tokens
from broker.protocol.close_codes import NOT_PERMITTED, UNAUTHENTICATED, UNKNOWN, may_return
from broker.protocol.message_sizes import MAX_LINK_MESSAGE_BYTES
from connect.access.endpoint import Endpoint
from connect.sdk.api_client import relay_error
from connect.sdk.tokens import FixedToken, TokenSource
from connect.sdk.types import Event, LinkLost, LinkUp, Reset

FeedItem = Event | Reset | LinkUp | LinkLost
_log = logging.getLogger(__name__)
_Loss = OSError | TimeoutError | WebSocketException | Unavailable | NotAuthenticated

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0
_OPEN_TIMEOUT_S = 10
_CLOSE_TIMEOUT_S = 1
"""With unread events waiting, the answer to a close frame is never seen; leaving must not take the default ten."""
_LOOK_S = 60.0
"""How often it is looked whether there is a fresh token."""
_SHORTEST_LOOK_S = 1.0
_PING_S = 10
"""A broken network is noticed within two of these."""
_STATUS_OF_CLOSE = {UNAUTHENTICATED.code: 401, NOT_PERMITTED.code: 403, UNKNOWN.code: 404}
_FINAL_STATUSES = frozenset({400, 401, 403, 404})


class EventFeed:
    """Reads one session's log from a cursor on.

    Invariant: the cursor is the last event handed out (or the head at the first connection), so a reconnect resumes
    exactly behind it, and events at or before it are dropped.
    """

    def __init__(
        self, endpoint: Endpoint, session: str, *, after: str | None = None, tokens: TokenSource | None = None
    ) -> None:
        self._endpoint = endpoint
        self._tokens = tokens or FixedToken(endpoint.token)
        self._session = session
        self._start = after
        self._epoch: str | None = None
        self._offset = 0
        epoch, colon, offset = (after or "").rpartition(":")
        if colon and offset.isdecimal():
            self._epoch, self._offset = epoch, int(offset)
        self._closing = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._keeping: asyncio.Future[None] | None = None

    async def close(self) -> None:
        """End it: whoever reads it comes to its end, and nothing of it stays open when nobody does any more."""
        self._closing.set()
        if self._keeping is not None:
            self._keeping.cancel()
        if self._socket is not None:
            await self._socket.close()

    async def items(self) -> AsyncGenerator[FeedItem, None]:
        """Every event, and what happens to the connection, until it is closed, or the broker says not to come back."""
        attempt = 0
        while not self._closing.is_set():
            reason, token = "closed", ""
            try:
                token = await self._tokens.access()
                async with self._connect(token) as socket, self._keep_token_fresh(socket, token):
                    if self._closing.is_set():  # while it was opened
                        return
                    async for message in socket:
                        for item in self._read(message):
                            attempt = 0
                            yield item
                if self._closing.is_set():
                    return
                reason = _explain_close(socket)
            except (OSError, TimeoutError, WebSocketException, Unavailable, NotAuthenticated) as error:
                if self._closing.is_set():
                    return
                reason = await self._explain_loss(error, token)
            if attempt == 0 and not self._closing.is_set():
                yield LinkLost(reason=reason)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _delay_s(attempt))
            attempt += 1

    async def _explain_loss(self, error: _Loss, token: str) -> str:
        """Why there is no connection; raises when there will be none, not with another token either."""
        try:
            return _explain_loss(error)
        except NotAuthenticated:
            if token and await self._tokens.replace(token):
                return "the token had ended"
            raise

    @asynccontextmanager
    async def _keep_token_fresh(self, socket: ClientConnection, token: str) -> AsyncIterator[None]:
        self._socket = socket
        self._keeping = keeping = asyncio.ensure_future(self._keep_fresh(socket, token))
        try:
            yield
        finally:
            self._socket = self._keeping = None
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _keep_fresh(self, socket: ClientConnection, presented: str) -> None:
        """Present each fresh token on the open socket, so that it need not be opened anew."""
        while (due_s := self._tokens.due_in_s()) is not None:
            await asyncio.sleep(min(_LOOK_S, max(_SHORTEST_LOOK_S, due_s)))
            with suppress(Unavailable):
                token = await self._tokens.access()
                if token != presented:
                    await socket.send(orjson.dumps({"type": "auth", "token": token}).decode())
                    presented = token

    def _connect(self, token: str) -> connect:
        after = self._start if self._epoch is None else f"{self._epoch}:{self._offset}"
        query = "" if after is None else "?" + urlencode({"after": after})
        return connect(
            f"{self._endpoint.websocket_url}/v1/sessions/{quote(self._session, safe='')}/events{query}",
            additional_headers={"Authorization": f"Bearer {token}"},
            max_size=MAX_LINK_MESSAGE_BYTES,
            compression=None,
            open_timeout=_OPEN_TIMEOUT_S,
            ping_interval=_PING_S,
            ping_timeout=_PING_S,
            close_timeout=_CLOSE_TIMEOUT_S,
            proxy=None if self._endpoint.local else True,
        )

    def _read(self, message: str | bytes) -> Iterator[FeedItem]:
        try:
            found: Any = orjson.loads(message)
            match found.get("kind") if isinstance(found, dict) else None:
                case "hello":
                    yield self._on_hello(LinkUp.model_validate(found))
                case "reset":
                    yield self._on_reset(Reset.model_validate(found))
                case "auth":
                    pass  # whether it took the fresh token: if not, it says so by closing when the old one ends
                case str():
                    yield from self._on_event(Event.model_validate(found))
        except (orjson.JSONDecodeError, ValidationError) as error:
            # A newer broker's. If it was an event, the next one comes behind a hole, which is told.
            _log.warning("passed over what is no event that this version knows: %s", type(error).__name__)

    def _on_hello(self, hello: LinkUp) -> LinkUp:
        if self._epoch is None and self._start is None:
            self._epoch, self._offset = hello.epoch, hello.offset
        return hello

    def _on_reset(self, reset: Reset) -> Reset:
        self._epoch, self._offset = reset.epoch, reset.offset - 1
        return reset

    def _on_event(self, event: Event) -> Iterator[Event | Reset]:
        if event.epoch == self._epoch and event.offset <= self._offset:
            return
        # Offsets have no holes, and another epoch is said: what comes unsaid means that something is missing.
        if self._epoch is not None and (event.epoch, event.offset) != (self._epoch, self._offset + 1):
            yield Reset(epoch=event.epoch, offset=event.offset)
        self._epoch, self._offset = event.epoch, event.offset
        yield event


def _explain_close(socket: ClientConnection) -> str:
    """Why a connection that was ended in order has ended; raises when it must not be opened again."""
    code = socket.close_code or 1006
    if not may_return(code):
        raise _final(code, socket.close_reason or "")
    return socket.close_reason or f"closed with {code}"


def _explain_loss(error: _Loss) -> str:
    match error:
        case NotAuthenticated():
            raise error
        case Unavailable():
            return error.message
        case ConnectionClosed() if error.rcvd is not None and not may_return(error.rcvd.code):
            raise _final(error.rcvd.code, error.rcvd.reason)
        case InvalidStatus() if error.response.status_code in _FINAL_STATUSES:
            status = error.response.status_code
            raise relay_error(status, code="EVENTS_REFUSED", message=f"the broker refused the event stream ({status})")
        case InvalidHandshake():
            return f"the broker did not take the connection ({hide_tokens(str(error))})"
        case ConnectionClosed():
            return "the connection broke" if error.rcvd is None else error.rcvd.reason or f"closed ({error.rcvd.code})"
        case _:
            return hide_tokens(str(error)) or type(error).__name__


def _final(code: int, reason: str) -> RelayError:
    status = _STATUS_OF_CLOSE.get(code, 400)
    return relay_error(status, code="EVENTS_REFUSED", message=reason or f"the broker ended the event stream ({code})")


def _delay_s(attempt: int) -> float:
    backoff = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(attempt, 10))
    return backoff * random.uniform(0.5, 1.0)  # noqa: S311 - spreads reconnects, keeps no secret
