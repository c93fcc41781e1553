"""One operation of a connection, from its subscribe message to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, cast

from graphql import OperationType
from typing_extensions import override

from broker.domain.errors import RelayError
from broker.domain.people.access import Principal
from broker.services.live.feeds import Listener, Show
from broker.services.people.open_connections import OpenConnections
from graphql_api.context import ApiServices, Context
from graphql_api.errors import RequestRefused, incident, refusal_shown
from graphql_api.execution.common_answers import Answer, CommonAnswers, show, to_json
from graphql_api.execution.document_cache import Sender
from graphql_api.execution.documents import Documents, GraphQLRequest
from graphql_api.execution.live import Opened, open_subscription
from graphql_api.execution.operations import Operation, Operations
from graphql_api.serving import transport
from graphql_api.serving.outbox import Outbox, until_room
from graphql_api.serving.transport import Subscribe
from graphql_api.subscriptions.session_events import SessionEvents, as_object


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What runs operations, shared by all connections of a process."""

    services: ApiServices
    operations: Operations
    documents: Documents
    connections: OpenConnections
    common: CommonAnswers | None
    """None: every subscriber's items are executed for it alone."""

    async def read(self, asked: GraphQLRequest, caller: Principal) -> Operation:
        """The operation that is asked. Raises `BadRequest`, `RequestRefused`, `RateLimited`.

        Whoever brings a text that is not known yet pays for its being read, whatever it turns out to be.
        """
        text, listed = self.documents.find(asked)
        known = self.operations.find_known(text, asked.operation_name)
        if known is not None:
            return known
        allowance = self.services.allowance
        if not listed:
            await allowance.take_for_text(caller, characters=len(text))
        sender = None if listed else Sender(caller.workspace, caller.token_id)
        try:
            return await self.operations.read(text, asked.operation_name, sender=sender)
        except RequestRefused:
            if not listed:
                await allowance.take_for_refusal(caller, characters=len(text))
            raise


class RunningOperation:
    """Writes the answers of one operation to its peer."""

    def __init__(self, asked: Subscribe, engine: Engine, outbox: Outbox, *, caller: Callable[[], Principal]) -> None:
        self._asked = asked
        self._engine = engine
        self._outbox = outbox
        self._caller = caller
        self._head = transport.next_head(asked.id)
        self._operation: Operation | None = None
        self._opened: Opened | None = None
        self._listener: _Subscriber | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = False

    def start(self, tasks: asyncio.TaskGroup, on_end: Callable[[], None]) -> None:
        """Run as a task of the connection's."""
        self._task = tasks.create_task(self._answer_asked())
        self._task.add_done_callback(lambda _: on_end())

    def stop(self) -> None:
        """The peer wants no more: from now on nothing is written."""
        self._over = True
        if self._listener is not None:
            self._listener.silent = True
        if self._task is not None:
            self._task.cancel()

    async def check(self) -> None:
        """Ask the field again whether it permits the operation to the present caller; if not, that is its end."""
        operation, opened = self._operation, self._opened
        if operation is None or opened is None or self._over:
            return
        try:
            again = await self._open(operation)
        except RequestRefused as refused:
            self._end(transport.error(self._asked.id, refused.shown))
            self.stop()
        else:
            self._opened = replace(opened, executor=again.executor)

    async def _answer_asked(self) -> None:
        try:
            await self._run()
            self._end(transport.complete(self._asked.id))
        except RequestRefused as refused:
            self._end(transport.error(self._asked.id, refused.shown))
        except RelayError as error:
            self._end(transport.error(self._asked.id, [refusal_shown(error)]))
        except Exception as error:  # the top of a task
            self._end(transport.error(self._asked.id, [incident(error, "a live operation")]))

    async def _run(self) -> None:
        operation = self._operation = await self._engine.read(self._asked.request, self._caller())
        if operation.kind is not OperationType.SUBSCRIPTION:
            response = await self._engine.operations.run(operation, self._asked.request.variables, self._context())
            await self._answer(to_json(response))
            return
        await self._engine.operations.admit(operation, self._asked.request.variables, self._context())
        opened = await self._open_for_whoever_calls(operation)
        common = self._engine.common and self._engine.common.of(operation, opened)
        if common:
            items = cast(SessionEvents, opened.items)
            await self._follow_with_others(items, show(*common, items), answer=common[1])
        else:
            await self._follow_alone(opened.items)

    async def _open_for_whoever_calls(self, operation: Operation) -> Opened:
        while True:
            caller = self._caller()
            self._opened = await self._open(operation)
            if self._caller() is caller:
                return self._opened

    async def _open(self, operation: Operation) -> Opened:
        return await open_subscription(
            self._engine.operations, operation, self._asked.request.variables, self._context()
        )

    def _context(self) -> Context:
        return Context.of(self._caller(), self._engine.services)

    async def _follow_alone(self, source: AsyncIterable[Any]) -> None:
        async with aclosing(cast(AsyncGenerator[Any, None], aiter(source))) as items:
            async for item in items:
                assert self._opened is not None
                await self._answer(to_json(await self._opened.answer(item)))

    async def _follow_with_others(self, items: SessionEvents, common: Show[bytes], *, answer: Answer) -> None:
        listener = self._listener = _Subscriber(self._outbox, self._head)
        async with aclosing(items.follow(listener, common)) as missed:
            async for item in missed:
                if items.admits(item):
                    await self._answer(answer(as_object(item)))

    async def _answer(self, response: bytes) -> None:
        await until_room(self._outbox)
        if not self._over:
            self._outbox.write(self._head, response + b"}")

    def _end(self, message: bytes) -> None:
        if not self._over:
            self._over = True
            self._outbox.write(message)


class _Subscriber(Listener[bytes]):
    """Takes the answers it shares with others."""

    def __init__(self, outbox: Outbox, head: bytes) -> None:
        super().__init__()
        self._outbox = outbox
        self._head = head
        self.silent = False

    @override
    def take(self, shown: bytes) -> bool:
        if self.silent:
            return True
        if not self._outbox.has_room:
            return False
        self._outbox.write(self._head, shown)
        return True

    @override
    async def room(self) -> None:
        await self._outbox.room()
