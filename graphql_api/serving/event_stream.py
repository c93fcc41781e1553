"""Subscriptions for clients without WebSockets: server-sent events, one operation on each request.

The "distinct connections mode" of https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, assert_never, cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from broker.domain.errors import NotAuthenticated, NotPermitted, RelayError
from broker.domain.people.access import Credential
from broker.services.people.open_connections import Loss, OpenConnection
from graphql_api.context import Context
from graphql_api.errors import RequestRefused, incident, refusal_shown
from graphql_api.execution.common_answers import to_json
from graphql_api.execution.live import Opened, open_subscription
from graphql_api.execution.operations import Operation
from graphql_api.serving.running import Engine

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "Vary": "Accept",
    "X-Accel-Buffering": "no",  # nginx would keep events back
}
COMPLETE = b"event: complete\ndata:\n\n"
_HEARTBEAT = b":\n\n"
_HEARTBEAT_S = 15.0
"""Proxies close what is silent for a minute or less."""


def next_event(response: Mapping[str, Any]) -> bytes:
    """One answer."""
    return b"event: next\ndata: " + to_json(dict(response)) + b"\n\n"


class _Over(Exception):
    """Unwinds the tasks of a stream."""


class EventStream(Response):
    """Runs one subscription for as long as its client listens and may."""

    def __init__(
        self,
        engine: Engine,
        operation: Operation,
        variables: Mapping[str, Any],
        *,
        shown: Credential,
        unread_s: float,
    ) -> None:
        """`unread_s`: a client that reads nothing for so long has to come again."""
        super().__init__(headers=HEADERS)
        self._engine = engine
        self._operation = operation
        self._variables = variables
        self._shown = shown
        self._unread_s = unread_s
        self._is_read = True
        self._opened: Opened | None = None
        self._over = asyncio.Event()
        self._last_words = b""
        self._sending = asyncio.Lock()
        self._peer = OpenConnection(engine.connections, lost=self._lose, kept=self._reopen)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [each for each in self.raw_headers if each[0] != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            with self._peer:
                async with asyncio.TaskGroup() as tasks:
                    for task in (self._answer(send), self._beat(send), self._until_gone(receive), self._until_over()):
                        tasks.create_task(task)
        except* _Over:
            pass
        if self._is_read:
            await self._write(send, self._last_words, more=False)

    def _end(self, last_words: bytes = b"") -> None:
        """Stop, with what is still to be said."""
        if not self._over.is_set():
            self._last_words = last_words
            self._over.set()

    async def _answer(self, send: Send) -> None:
        try:
            await self._peer.begin(self._shown)
            opened = await self._open_for_whoever_calls()
            async with aclosing(cast(AsyncGenerator[Any, None], aiter(opened.items))) as items:
                async for item in items:
                    assert self._opened is not None
                    await self._write(send, next_event(await self._opened.answer(item)))
            self._end(COMPLETE)
        except RequestRefused as refused:
            self._refuse(refused.shown)
        except RelayError as error:
            self._refuse([refusal_shown(error)])
        except Exception as error:  # the top of a task
            self._refuse([incident(error, "an event stream")])

    async def _open_for_whoever_calls(self) -> Opened:
        while True:
            caller = self._peer.caller
            self._opened = await self._open()
            if self._peer.caller is caller:
                return self._opened

    async def _open(self) -> Opened:
        context = Context.of(self._peer.caller, self._engine.services)
        return await open_subscription(self._engine.operations, self._operation, self._variables, context)

    async def _reopen(self) -> None:
        """Ask the field again whether it permits the subscription to the present caller."""
        if self._opened is None:
            return
        try:
            again = await self._open()
        except RequestRefused as refused:
            self._refuse(refused.shown)
        else:
            self._opened = replace(self._opened, executor=again.executor)

    def _lose(self, loss: Loss, why: str) -> None:
        match loss:
            case Loss.UNCHECKED | Loss.DRAINING:
                self._end()  # without a last event, so that the client comes again
            case Loss.NOT_PERMITTED:
                self._refuse([refusal_shown(NotPermitted(why))])
            case Loss.ENDED | Loss.EXPIRED | Loss.NOT_RENEWED:
                self._refuse([refusal_shown(NotAuthenticated(why))])
            case _ as other:
                assert_never(other)

    def _refuse(self, errors: list[dict[str, Any]]) -> None:
        self._end(next_event({"errors": errors}) + COMPLETE)

    async def _beat(self, send: Send) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_S)
            await self._write(send, _HEARTBEAT)

    async def _until_over(self) -> None:
        await self._over.wait()
        raise _Over

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._end()

    async def _write(self, send: Send, content: bytes, *, more: bool = True) -> None:
        try:
            async with asyncio.timeout(self._unread_s), self._sending:
                await send({"type": "http.response.body", "body": content, "more_body": more})
        except TimeoutError:
            self._is_read = False
            self._end()
