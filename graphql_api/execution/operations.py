"""Parses, validates and executes operations, for every transport."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
    specified_rules,
    validate,
)
from strawberry import Schema

from broker.domain.plans.api_limits import ApiLimits
from graphql_api.context import Context
from graphql_api.errors import RequestRefused, show
from graphql_api.execution.document_cache import DocumentCache, Sender, tokens_of
from graphql_api.execution.fast_path import LogExecutor
from graphql_api.execution.limits import DocumentLimits
from graphql_api.execution.weight import Weight

_READ_AT_ONCE = 2000
"""Characters. Reading takes 3 ms for each thousand; more of it is done beside the event loop."""

Response = dict[str, Any]
"""`data` and, where there are any, `errors`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of a checked document, ready to be run with any variables."""

    document: DocumentNode
    definition: OperationDefinitionNode
    name: str | None
    fragments: Mapping[str, FragmentDefinitionNode] = field(repr=False)
    weight: Weight

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.definition.operation


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A document that keeps the limits and fits the schema."""

    document: DocumentNode
    weights: Mapping[str | None, Weight]


class Operations:
    """Checks documents, once for each text, and runs them. Raises `RequestRefused` for what it will not begin."""

    def __init__(self, schema: Schema, limits: ApiLimits) -> None:
        self.schema = schema._schema
        self.limits = limits
        self._document_limits = DocumentLimits(self.schema, limits)
        self._checked: DocumentCache[_Checked] = DocumentCache()
        self._listed: dict[str, _Checked] = {}
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")

    def find_known(self, text: str, name: str | None = None) -> Operation | None:
        """The operation of a document that was read before. Raises `RequestRefused`."""
        checked = self._listed.get(text) or self._checked.get(text)
        return None if checked is None else _operation(checked, name)

    async def read(self, text: str, name: str | None = None, *, sender: Sender | None) -> Operation:
        """The operation called `name`, or the only one, of a document that fits the schema.

        It is kept on the account of its sender; None: it is one of a list that is kept whole. Raises `RequestRefused`.
        """
        if len(text) <= _READ_AT_ONCE:
            checked = self._check(text)
        else:  # one at a time: each would take its share of the interpreter from the event loop
            checked = await asyncio.get_running_loop().run_in_executor(self._reader, self._check, text)
        if sender is None:
            self._listed[text] = checked
        else:
            self._checked.keep(text, checked, tokens=tokens_of(checked.document), sender=sender)
        return _operation(checked, name)

    async def admit(self, operation: Operation, variables: Mapping[str, Any] | None, context: Context) -> None:
        """Let an operation begin, and have its caller pay for it: before each query, mutation and subscription.

        Raises `RequestRefused` when it costs too much with these variables, `RateLimited`.
        """
        weight = operation.weight
        if weight.varies:
            try:
                weight = self._document_limits.scales(operation.document).weigh(operation.definition, variables or {})
                self._document_limits.check_cost(weight)
            except GraphQLError as error:
                raise RequestRefused([error]) from None
        context.paid.append(await context.services.allowance.take(context.principal, cost=weight.cost))

    async def run(self, operation: Operation, variables: Mapping[str, Any] | None, context: Context) -> Response:
        """The response of a query or mutation. Raises `RequestRefused` when the variables do not fit, `RateLimited`."""
        await self.admit(operation, variables, context)
        made = execute(
            self.schema,
            operation.document,
            context_value=context,
            variable_values=dict(variables or {}),
            operation_name=operation.name,
            hide_suggestions=not self.limits.introspection,
            executor_class=LogExecutor,
        )
        result = made if isinstance(made, ExecutionResult) else await made
        return response(result)

    def _check(self, text: str) -> _Checked:
        try:
            document = self._document_limits.parse_document(text)
            weights = self._document_limits.weights(document)
        except GraphQLError as error:
            raise RequestRefused([error]) from None
        hidden = not self.limits.introspection  # suggestions would tell the schema name by name
        errors = validate(self.schema, document, specified_rules, max_errors=20, hide_suggestions=hidden)
        if errors:
            raise RequestRefused(errors)
        return _Checked(document=document, weights=weights)


def _operation(checked: _Checked, name: str | None) -> Operation:
    document = checked.document
    definition = get_operation_ast(document, name)
    if definition is None:
        raise RequestRefused([GraphQLError(_no_operation(name))])
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    weight = checked.weights[definition.name.value if definition.name else None]
    return Operation(document=document, definition=definition, name=name, fragments=fragments, weight=weight)


def response(result: ExecutionResult) -> Response:
    """What is sent. Raises `RequestRefused` when nothing was executed."""
    if result.data is None and result.errors and all(error.path is None for error in result.errors):
        raise RequestRefused(result.errors)
    if result.errors:
        return {"data": result.data, "errors": [show(error) for error in result.errors]}
    return {"data": result.data}


def _no_operation(name: str | None) -> str:
    if name is not None:
        return f"the document has no operation called {name[:80]!r}"
    return "the document has no operation, or several: say which with operationName"
