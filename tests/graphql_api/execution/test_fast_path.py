"""The fast path answers exactly as execution does, for any operation and any event."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    GraphQLObjectType,
    GraphQLSchema,
    execute_subscription_event,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.executor import Executor
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_api.execution.fast_path import LogExecutor, Projector
from graphql_api.schema import build_schema
from graphql_api.types.log.events import CaughtUp, Reset, event_type
from graphql_api.types.log.told import FromLog

_KINDS = [
    "message.accepted",
    "message.receipt",
    "turn.started",
    "turn.ended",
    "agent.frame",
    "agent.state",
    "agent.failed",
    "approval.requested",
    "approval.resolved",
    "proxy.connected",
    "log.overflow",
    "link.reports_lost",
    "something.newer",
]
_CONTENTS = [
    "text",
    "text_delta",
    "thought",
    "thought_delta",
    "plan",
    "tool_call",
    "tool_result",
    "command",
    "files",
    "usage",
    "problem",
    "unrecognised",
    "newer",
]
_NAMES = [
    "id",
    "from",
    "to",
    "text",
    "mode",
    "thread",
    "recipients",
    "message",
    "state",
    "because",
    "reason",
    "turn",
    "outcome",
    "messages",
    "was",
    "detail",
    "status",
    "tool",
    "title",
    "command",
    "by",
    "note",
    "direction",
    "frame_type",
    "transient",
    "raw",
    "proxy",
    "machine",
    "delta",
    "call_id",
    "server",
    "input",
    "ok",
    "output",
    "cwd",
    "exit_code",
    "changes",
    "steps",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cost_usd",
    "cumulative",
    "will_retry",
    "path",
    "change",
    "diff",
    "name",
    "role",
    "agent",
]

odd = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
said = st.sampled_from(["", "wait", "steer", "human", "pending", "denied", "queued", "Bob", "naïve ✓\n"]) | st.text(
    max_size=8
)
values = st.recursive(
    odd | said,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=8,
)
members = st.dictionaries(st.sampled_from(_NAMES), values, max_size=10)
contents = st.builds(lambda kind, rest: {**rest, "type": kind}, st.sampled_from(_CONTENTS) | values, members)


@st.composite
def logged_events(draw: st.DrawFn) -> FromLog:
    data = draw(members)
    if draw(st.booleans()):
        data["events"] = draw(st.lists(contents, max_size=4) | values)
    if draw(st.booleans()):
        data["changes"] = draw(st.lists(members, max_size=3))
    event = {
        "epoch": "e1",
        "offset": draw(st.integers(1, 2**31 - 1)),
        "kind": draw(st.sampled_from(_KINDS)),
        "at_ms": draw(st.integers(0, 4_000_000_000_000)),
        "agent": draw(st.none() | st.text(max_size=4)),
        "name": draw(st.none() | st.text(max_size=4)),
        "data": data,
    }
    return event_type(event)(source=event)


items = (
    logged_events()
    | st.just(Reset(source={"first": "e1:7"}))
    | st.just(Reset(source={}))
    | st.just(CaughtUp(source={"head": "e1:9"}))
)


@cache
def schema() -> GraphQLSchema:
    return build_schema()._schema


class _Writer:
    """Writes a document part by part, as hypothesis decides."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.fragments: list[str] = []

    def selection(self, kind: Any, depth: int) -> str:
        """A selection set on a type: fields, inline fragments, named fragments, in any order and more than once."""
        parts = [self._part(kind, depth) for _ in range(self._draw(st.integers(1, 5)))]
        return "{ " + " ".join(parts) + " }"

    def _part(self, kind: Any, depth: int) -> str:
        kinds = [kind]
        if is_abstract_type(kind):
            kinds += schema().get_possible_types(kind)
        elif isinstance(kind, GraphQLObjectType):
            kinds += kind.interfaces
        how = self._draw(st.sampled_from(["field", "field", "inline", "named"]))
        if how == "field" or depth == 0:
            return self._field(kind, depth)
        on = self._draw(st.sampled_from(kinds))
        if how == "inline":
            return f"... on {on.name}{self._condition()} {self.selection(on, depth - 1)}"
        name = f"F{len(self.fragments)}"
        self.fragments.append("")
        self.fragments[int(name[1:])] = f"fragment {name} on {on.name} {self.selection(on, depth - 1)}"
        return f"...{name}{self._condition()}"

    def _field(self, kind: Any, depth: int) -> str:
        fields = getattr(kind, "fields", {})
        name: str = self._draw(st.sampled_from(["__typename", *fields]))
        if name == "__typename":
            return self._alias("typename") + name + self._condition()
        inner = get_named_type(fields[name].type)
        if is_leaf_type(inner):
            return self._alias(name) + name + self._condition()
        if depth == 0:
            return "__typename"
        return f"{self._alias(f'{name}{kind.name}')}{name}{self._condition()} {self.selection(inner, depth - 1)}"

    def _alias(self, name: str) -> str:
        """Only such as cannot conflict: one name always stands for the same field."""
        alias: str = self._draw(st.sampled_from(["", "", f"as_{name}: "]))
        return alias

    def _condition(self) -> str:
        conditions = ["", "", "", " @include(if: $yes)", " @skip(if: $no)", " @include(if: false)", " @skip(if: $yes)"]
        condition: str = self._draw(st.sampled_from(conditions))
        return condition


@st.composite
def operations(draw: st.DrawFn) -> str:
    writer = _Writer(draw)
    selection = writer.selection(schema().type_map["SessionItem"], 3)
    alias = draw(st.sampled_from(["", "events: "]))
    root = f'{alias}sessionEvents(session: "s", after: $after) {selection}'
    return " ".join(
        [f"subscription($yes: Boolean!, $no: Boolean = false, $after: Cursor) {{ {root} }}", *writer.fragments]
    )


def executor_of(
    document: str, kind: type[Executor[Any]] = StrawberryGraphQLCoreExecutionContext, **variables: Any
) -> Executor[Any]:
    made = kind.build(schema(), parse(document), raw_variable_values=variables)
    assert isinstance(made, Executor), made
    return made


def executed(executor: Executor[Any], item: FromLog) -> Any:
    result = execute_subscription_event(executor.build_per_event_executor(item))
    assert isinstance(result, ExecutionResult)
    assert not result.errors, result.errors
    return result.data


@settings(max_examples=100)
@given(operations(), st.booleans(), st.lists(items, min_size=1, max_size=4))
def test_the_fast_path_is_equal_to_execution_byte_for_byte(document: str, yes: bool, some: list[FromLog]) -> None:
    errors = validate(schema(), parse(document), specified_rules)
    if any("conflict" in error.message for error in errors):
        return  # fields of different types under one name: no document a client could send
    unused = ("never used", "is not used")
    assert not [error for error in errors if not any(word in error.message for word in unused)]
    executor = executor_of(document, yes=yes, after="e1:3")
    projector = Projector(executor)
    projecting = executor_of(document, LogExecutor, yes=yes, after="e1:3")
    for item in some:
        expected = orjson.dumps(executed(executor, item))
        assert orjson.dumps(projector.data(item)) == expected
        assert orjson.dumps(executed(projecting, item)) == expected, "as queries are answered"
