"""Opens subscriptions and produces their items, for every transport."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult, create_source_event_stream, execute_subscription_event
from graphql.execution.executor import Executor
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_api.context import Context
from graphql_api.errors import RequestRefused
from graphql_api.execution.operations import Operation, Operations, Response, response


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A subscription that its field has permitted; nothing has been read yet."""

    executor: Executor[Any]
    items: AsyncIterable[Any]

    async def answer(self, item: Any) -> Response:
        """The response for one item."""
        executor = self.executor.build_per_event_executor(item)
        asked: Context = executor.context_value
        executor.context_value = Context.of(asked.principal, asked.services)  # what loaders know grows old
        made = execute_subscription_event(executor)
        return response(made if isinstance(made, ExecutionResult) else await made)

    def answer_now(self, item: Any) -> Response:
        """The response for an item whose fields wait for nothing."""
        made = execute_subscription_event(self.executor.build_per_event_executor(item))
        assert isinstance(made, ExecutionResult), "a field of a logged event waits for something"
        return response(made)


async def open_subscription(
    operations: Operations, operation: Operation, variables: Mapping[str, Any] | None, context: Context
) -> Opened:
    """Begin a subscription. Raises `RequestRefused`, with what the field said when it does not permit it."""
    executor = StrawberryGraphQLCoreExecutionContext.build(
        operations.schema,
        operation.document,
        context_value=context,
        raw_variable_values=dict(variables or {}),
        operation_name=operation.name,
    )
    if isinstance(executor, list):
        raise RequestRefused(executor)
    made = create_source_event_stream(executor)
    items = await made if inspect.isawaitable(made) else made
    if isinstance(items, ExecutionResult):
        raise RequestRefused(items.errors or [])
    return Opened(executor=executor, items=items)
