"""What execution would answer for an event of a log, without executing.

A selection is compiled once, by the executor's own rules of which fields it asks for, and then applied to the JSON of
each event by the readers that the resolvers use too. What is not read from the log that way is left to execution.
Subscriptions are answered so as a whole, and in queries every object of a log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from graphql import (
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import (
    CollectedFields,
    FieldDetailsList,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.executor import Executor
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from typing_extensions import override

from graphql_api.types.log.reading import Json
from graphql_api.types.log.told import FromLog, Told, find_field

Shape = Callable[[Any], Any]
"""From what was read to what the response has."""
_TEXTS = frozenset({"String", "ID"})


class CannotProject(Exception):
    """Only execution can answer this."""


BROKEN = (CannotProject, KeyError, TypeError, ValueError, AttributeError)
"""What an object of the log that is not as it should be raises in a shape."""


class Projector:
    """One subscription whose items are read from the log. Making it raises `CannotProject`."""

    def __init__(self, executor: Executor[Any]) -> None:
        self._executor = executor
        key, details = self._root()
        root = cast(GraphQLObjectType, executor.schema.subscription_type)
        definition = executor.schema.get_field(root, details[0].node.name.value)
        if definition is None:
            raise CannotProject
        self._key = key
        self._shapes = Compiler(executor).by_type(_nullable(definition.type), details)

    def data(self, item: FromLog) -> Json:
        """The response's `data` for one item. Raises `CannotProject`."""
        try:
            return {self._key: self._shapes[type(item).__name__](item.source)}
        except BROKEN as error:
            raise CannotProject from error

    def _root(self) -> tuple[str, FieldDetailsList]:
        made = self._executor
        if made.schema.subscription_type is None:
            raise CannotProject
        fields = _plain(
            collect_fields(
                made.schema, made.fragments, made.variable_values, made.schema.subscription_type, made.operation
            )
        )
        if len(fields) != 1:
            raise CannotProject
        return next(iter(fields.items()))


class LogExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes queries, and projects the objects of a log that they come to."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._compiled: dict[tuple[str, int], tuple[FieldDetailsList, Shape | None]] = {}
        """By type and selection; with the selection, so that its identity stays its own."""

    @override
    def collect_and_execute_subfields(
        self, return_type: GraphQLObjectType, field_details_list: FieldDetailsList, path: Any, result: Any, *rest: Any
    ) -> Any:
        shape = self._shape(return_type, field_details_list) if isinstance(result, FromLog) else None
        if shape is not None:
            try:
                return shape(result.source)
            except BROKEN:
                pass  # the same object, executed, says what is wrong with it
        return super().collect_and_execute_subfields(return_type, field_details_list, path, result, *rest)

    def _shape(self, kind: GraphQLObjectType, details: FieldDetailsList) -> Shape | None:
        key = (kind.name, id(details))
        if key not in self._compiled:
            try:
                self._compiled[key] = details, Compiler(self).object(kind, details)
            except CannotProject:
                self._compiled[key] = details, None
        return self._compiled[key][1]


class Compiler:
    """Makes shapes of selections, in one operation. Its methods raise `CannotProject`."""

    def __init__(self, executor: Executor[Any]) -> None:
        self._executor = executor

    def by_type(self, kind: GraphQLOutputType, details: FieldDetailsList) -> Mapping[str, Shape]:
        """For each type that a field's objects may have."""
        if is_object_type(kind):
            return {kind.name: self.object(kind, details)}
        if is_abstract_type(kind):
            possible = self._executor.schema.get_possible_types(kind)
            return {each.name: self.object(each, details) for each in possible}
        raise CannotProject

    def object(self, kind: GraphQLObjectType, details: FieldDetailsList) -> Shape:
        """For objects of one type."""
        made = self._executor
        fields = _plain(
            collect_subfields(
                made.schema,
                made.fragments,
                made.variable_values,
                made.operation,
                return_type=kind,
                field_details_list=details,
            )
        )
        members = [(key, self._member(kind, asked)) for key, asked in fields.items()]
        return lambda source: {key: member(source) for key, member in members}

    def _member(self, parent: GraphQLObjectType, details: FieldDetailsList) -> Shape:
        name = details[0].node.name.value
        if name == "__typename":
            return lambda _: parent.name
        definition = self._executor.schema.get_field(parent, name)
        if definition is None:
            raise CannotProject
        told = find_field(definition.extensions.get("strawberry-definition"))
        if told is None:
            raise CannotProject
        read, shape = told.read, self._shape(definition.type, told, details)
        return lambda source: shape(read(source))

    def _shape(self, kind: GraphQLOutputType, told: Told, details: FieldDetailsList) -> Shape:
        if is_non_null_type(kind):
            return _require(self._shape(kind.of_type, told, details))
        if is_list_type(kind):
            return _each(self._shape(kind.of_type, told, details))
        if is_leaf_type(kind):
            return _leaf(kind)
        type_of, shapes = told.type_of, self.by_type(kind, details)
        if type_of is None:
            raise CannotProject
        return lambda source: None if source is None else shapes[type_of(source).__name__](source)


def _plain(collected: CollectedFields) -> GroupedFieldSet:
    if collected.new_defer_usages:
        raise CannotProject
    return collected.grouped_field_set


def _nullable(kind: GraphQLOutputType) -> GraphQLOutputType:
    return kind.of_type if is_non_null_type(kind) else kind


def _require(shape: Shape) -> Shape:
    def required(value: Any) -> Any:
        found = shape(value)
        if found is None:
            raise CannotProject  # a null that execution would pass up
        return found

    return required


def _each(shape: Shape) -> Shape:
    def each(value: Any) -> Any:
        if value is None or isinstance(value, list):
            return value and [shape(one) for one in value]
        raise CannotProject

    return each


def _leaf(kind: GraphQLLeafType) -> Shape:
    written = kind.coerce_output_value

    def leaf(value: Any) -> Any:
        found = written(value)
        if found is None:
            raise CannotProject  # execution makes an error of it
        return found

    if kind.name in _TEXTS:
        return lambda value: value if value is None or type(value) is str else leaf(value)
    return lambda value: None if value is None else leaf(value)
