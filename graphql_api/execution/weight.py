"""The cost of an operation, computed from its text and variables alone.

Cost: a field that has fields of its own costs 1 and what they cost; a leaf costs nothing, nor does what a logged event
says, which is at hand with the event. In a list a field counts once for each item: as many as `first`, `last`, `lines`
or `buckets` of the field or of its connection say, else ten. A mutation costs 10 more, what reads the long history 100
more, all of introspection 100. So

    { workspace { sessions(first: 20) { nodes { name agents { nodes { name } } } } } }

costs 2 + 20 · (1 + 1 + 100), as a page of agents has 100 unless told otherwise.

It is measured before a document is held against the schema, as that is what a heavy one makes slow: fields of one name
are compared each with each, and 4,000 tokens took four seconds. Hence a walk that ends at the first limit it meets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLCompositeType,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Undefined,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from broker.domain.plans.api_limits import ApiLimits
from graphql_api.types.log.told import find_field

LIST_ITEMS = 10
"""Of a list that is not paged: such lists are short by their nature."""
MUTATION_COST = 10
SEARCH_COST = 100
SEARCHES = frozenset({"changes", "facets", "histogram", "logs", "turnChanges", "usage"})
"""The fields of a session or a workspace that read the long history."""
_WITH_HISTORY = frozenset({"Session", "Workspace"})
INTROSPECTION = frozenset({"__schema", "__type"})
_INTROSPECTION_DEPTH = 30
"""Only so that the walk ends; the standard rules have a limit that fits what introspection is."""
_PAGES = ("first", "last")
_SIZES = (*_PAGES, "lines", "buckets")
_DIGITS = 10
"""Of a number are enough to see that it is too large; Python refuses to read thousands."""
_MOST = 10**_DIGITS


class _Selection(NamedTuple):
    """A field, with the type it is selected on; None where the schema has no such type."""

    on: GraphQLCompositeType | None
    node: FieldNode


_Level: TypeAlias = list[tuple[GraphQLCompositeType | None, SelectionSetNode]]
"""The selections that make up one object of the response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """Of one operation."""

    cost: int
    varies: bool
    """Whether a page is as long as a variable says; without variables each counts as the longest there may be."""


def refusal(code: str, message: str, node: FieldNode | None = None) -> GraphQLError:
    """What breaks a limit, with a stable code."""
    return GraphQLError(message, node, extensions={"code": code})


class Scales:
    """Weighs the operations of one document."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], limits: ApiLimits
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._limits = limits

    def weigh(self, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None = None) -> Weight:
        """The weight with these variables, or the most it can be. Raises `GraphQLError` at the first limit met."""
        return _Walk(self._schema, self._fragments, self._limits, variables=variables).through(operation)


class _Walk:
    """Expands fragments and merges fields as execution does."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        limits: ApiLimits,
        *,
        variables: Mapping[str, Any] | None,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._limits = limits
        self._variables = variables
        self._defaults: dict[str, Any] = {}
        self._selections = 0
        self._merges = 0
        self._varies = False

    def through(self, operation: OperationDefinitionNode) -> Weight:
        for variable in operation.variable_definitions or ():
            if isinstance(variable.default_value, IntValueNode):
                self._defaults[variable.variable.name.value] = int(variable.default_value.value)
        root = self._schema.get_root_type(operation.operation)
        fields = self._merge([(root, operation.selection_set)])
        if len(fields) > (most := self._limits.max_root_fields):
            raise refusal("TOO_MANY_ROOT_FIELDS", f"{len(fields)} fields at the root; at most {most} at once")
        cost = self._level(fields, depth=1, items=None, deepest=self._limits.max_depth)
        if operation.operation is OperationType.MUTATION:
            cost += MUTATION_COST * len(fields)
        return Weight(cost=cost, varies=self._varies)

    def _level(self, fields: Mapping[str, list[_Selection]], *, depth: int, items: int | None, deepest: int) -> int:
        if depth > deepest:
            node = next(iter(fields.values()))[0].node
            raise refusal("TOO_DEEP", f"fields are nested more than {deepest} deep", node)
        return sum(self._field(group, depth=depth, items=items, deepest=deepest) for group in fields.values())

    def _field(self, group: Sequence[_Selection], *, depth: int, items: int | None, deepest: int) -> int:
        """The cost of one field of the response, wherever in the document it is selected."""
        node = group[0].node
        definition = _definition(group[0])
        kind = None if definition is None else get_named_type(definition.type)
        composite = kind if is_composite_type(kind) else None
        below: _Level = [(composite, each.node.selection_set) for each in group if each.node.selection_set]
        if not below:
            return 0
        introspecting = node.name.value in INTROSPECTION
        at_hand = definition is not None and find_field(definition.extensions.get("strawberry-definition")) is not None
        size = self._size(node, definition)
        in_list = definition is not None and is_list_type(get_nullable_type(definition.type))
        inside = self._level(
            self._merge(below),
            depth=depth + 1,
            items=None if in_list else size,
            deepest=_INTROSPECTION_DEPTH if introspecting else deepest,
        )
        if introspecting:
            return SEARCH_COST
        if at_hand:
            return 0
        search = SEARCH_COST if _reads_history(group[0]) else 0
        return search + (_items(size, items) if in_list else 1) * (1 + inside)

    def _merge(self, level: _Level) -> dict[str, list[_Selection]]:
        """The fields of an object by their names in the response."""
        fields: dict[str, list[_Selection]] = {}
        spread: set[str] = set()
        waiting = list(reversed(level))
        while waiting:
            on, selection_set = waiting.pop()
            for selection in selection_set.selections:
                self._count()
                if isinstance(selection, FieldNode):
                    name = (selection.alias or selection.name).value
                    same = fields.setdefault(name, [])
                    self._merges += len(same)
                    same.append(_Selection(on, selection))
                elif isinstance(selection, InlineFragmentNode):
                    waiting.append((self._narrow(on, selection), selection.selection_set))
                elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
                    spread.add(selection.name.value)
                    fragment = self._fragments.get(selection.name.value)
                    if fragment is not None:
                        waiting.append((self._narrow(on, fragment), fragment.selection_set))
        if self._merges > (most := self._limits.max_merges):
            raise refusal(
                "TOO_MANY_FIELDS", f"the same fields are selected again and again; at most {most} repetitions"
            )
        return fields

    def _count(self) -> None:
        self._selections += 1
        if self._selections > (most := self._limits.max_fields):
            raise refusal("TOO_MANY_FIELDS", f"more than {most} fields, with fragments expanded")

    def _narrow(
        self, on: GraphQLCompositeType | None, fragment: InlineFragmentNode | FragmentDefinitionNode
    ) -> GraphQLCompositeType | None:
        if fragment.type_condition is None:
            return on
        kind = self._schema.get_type(fragment.type_condition.name.value)
        return kind if is_composite_type(kind) else None

    def _size(self, node: FieldNode, definition: GraphQLField | None) -> int | None:
        """How many items a field is asked for; None when it is not the kind of field that can be asked so."""
        if definition is None:
            return None
        known = [name for name in _SIZES if name in definition.args]
        if not known:
            return None
        sizes = [self._number(node, name, definition.args[name]) for name in known]
        return max((size for size in sizes if size is not None), default=self._limits.max_page)

    def _number(self, node: FieldNode, name: str, argument: GraphQLArgument) -> int | None:
        given = next((each.value for each in node.arguments or () if each.name.value == name), None)
        match given:
            case None:
                return _default(argument)
            case IntValueNode():
                number = int(given.value[:_DIGITS])
            case VariableNode():
                number = self._variable(given.name.value)
            case _:
                return None
        if name in _PAGES and number > (most := self._limits.max_page):
            raise refusal("PAGE_TOO_LARGE", f"{name}: {number} items; at most {most} at once", node)
        return max(number, 0)

    def _variable(self, name: str) -> int:
        if self._variables is None:
            self._varies = True
            return self._limits.max_page
        value = self._variables.get(name, self._defaults.get(name))
        return int(max(-_MOST, min(value, _MOST))) if isinstance(value, int | float) else self._limits.max_page


def _items(*sizes: int | None) -> int:
    return next((size for size in sizes if size is not None), LIST_ITEMS)


def _reads_history(selection: _Selection) -> bool:
    """Whether it is one of `SEARCHES`; an edit's own `changes` are at hand."""
    on = selection.on
    return selection.node.name.value in SEARCHES and (on is None or on.name in _WITH_HISTORY)


def _definition(selection: _Selection) -> GraphQLField | None:
    on = selection.on
    if isinstance(on, GraphQLObjectType | GraphQLInterfaceType):
        found: GraphQLField | None = on.fields.get(selection.node.name.value)
        return found
    return None


def _default(argument: GraphQLArgument) -> int | None:
    value = argument.default_value
    if value is Undefined and argument.default is not None:
        literal = argument.default.literal
        value = int(literal.value) if isinstance(literal, IntValueNode) else argument.default.value
    return value if isinstance(value, int) else None
