"""What execution would answer for an event of a log, without executing.

A selection is compiled once, by the executor's own rules of which fields it asks for, and then applied to the JSON of
each event by the readers that the resolvers use too. What is not read from the log that way is left to execution.
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

from graphql_api.types.reading import Json
from graphql_api.types.told import FromLog, Told, told_by

_Shape = Callable[[Any], Any]
"""From what was read to what the response has."""
_TEXTS = frozenset({"String", "ID"})


class CannotProject(Exception):
    """Only execution can answer this."""


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
        self._shapes = self._by_type(_nullable(definition.type), details)

    def data(self, item: FromLog) -> Json:
        """The response's `data` for one item. Raises `CannotProject`."""
        try:
            return {self._key: self._shapes[type(item).__name__](item.source)}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
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

    def _by_type(self, kind: GraphQLOutputType, details: FieldDetailsList) -> Mapping[str, _Shape]:
        if is_object_type(kind):
            return {kind.name: self._object(kind, details)}
        if is_abstract_type(kind):
            possible = self._executor.schema.get_possible_types(kind)
            return {each.name: self._object(each, details) for each in possible}
        raise CannotProject

    def _object(self, kind: GraphQLObjectType, details: FieldDetailsList) -> _Shape:
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

    def _member(self, parent: GraphQLObjectType, details: FieldDetailsList) -> _Shape:
        name = details[0].node.name.value
        if name == "__typename":
            return lambda _: parent.name
        definition = self._executor.schema.get_field(parent, name)
        if definition is None:
            raise CannotProject
        told = told_by(definition.extensions.get("strawberry-definition"))
        if told is None:
            raise CannotProject
        read, shape = told.read, self._shape(definition.type, told, details)
        return lambda source: shape(read(source))

    def _shape(self, kind: GraphQLOutputType, told: Told, details: FieldDetailsList) -> _Shape:
        if is_non_null_type(kind):
            return _required(self._shape(kind.of_type, told, details))
        if is_list_type(kind):
            return _each(self._shape(kind.of_type, told, details))
        if is_leaf_type(kind):
            return _leaf(kind)
        type_of, shapes = told.type_of, self._by_type(kind, details)
        if type_of is None:
            raise CannotProject
        return lambda source: None if source is None else shapes[type_of(source).__name__](source)


def _plain(collected: CollectedFields) -> GroupedFieldSet:
    if collected.new_defer_usages:
        raise CannotProject
    return collected.grouped_field_set


def _nullable(kind: GraphQLOutputType) -> GraphQLOutputType:
    return kind.of_type if is_non_null_type(kind) else kind


def _required(shape: _Shape) -> _Shape:
    def required(value: Any) -> Any:
        found = shape(value)
        if found is None:
            raise CannotProject  # a null that execution would pass up
        return found

    return required


def _each(shape: _Shape) -> _Shape:
    def each(value: Any) -> Any:
        if value is None or isinstance(value, list):
            return value and [shape(one) for one in value]
        raise CannotProject

    return each


def _leaf(kind: GraphQLLeafType) -> _Shape:
    written = kind.coerce_output_value

    def leaf(value: Any) -> Any:
        found = written(value)
        if found is None:
            raise CannotProject  # execution makes an error of it
        return found

    if kind.name in _TEXTS:
        return lambda value: value if value is None or type(value) is str else leaf(value)
    return lambda value: None if value is None else leaf(value)
