"""What is refused before anything is done, on a schema with one of everything that counts."""

import time
from dataclasses import replace
from typing import Any

import pytest
from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    get_introspection_query,
    specified_rules,
    validate,
)

from broker.domain.plans.api_limits import ApiLimits
from graphql_api.execution.limits import DocumentLimits
from graphql_api.execution.weight import SEARCHES
from graphql_api.schema import COMMITTED
from tests.graphql_api.examples import BOMBS

SCHEMA = build_schema("""
    type Query { workspace: Workspace!  node(id: ID!): Node }
    interface Node { id: ID! }
    type Workspace implements Node {
        id: ID!
        name: String!
        sessions(first: Int = 50, after: String): Sessions!
        rules: [Rule!]!
        logs(query: String!, first: Int = 50): Hits!
        histogram(buckets: Int = 60): [Bucket!]!
        parent: Workspace
    }
    type Sessions { edges: [Edge!]! nodes: [Session!]! pageInfo: PageInfo! }
    type PageInfo { hasNextPage: Boolean! }
    type Edge { node: Session! }
    type Session implements Node {
        id: ID!
        agents(first: Int, last: Int): Agents!
        around(lines: Int = 50): Agents!
    }
    type Agents { nodes: [Agent!]! }
    type Agent { id: ID! name: String! session: Session! changes: [Rule!]! }
    type Rule { tool: String! }
    type Hits { nodes: [Rule!]! }
    type Bucket { rule: Rule! }
    type Mutation { send(text: String): Workspace }
""")


def cost(text: str, variables: dict[str, Any] | None = None, **limits: Any) -> int:
    """Of the only operation, with everything else allowed."""
    document_limits = DocumentLimits(SCHEMA, ApiLimits(**{"max_cost": 10**9, **limits}))
    document = document_limits.parse_document(text)
    [weight] = document_limits.weights(document).values()
    if variables is None:
        return weight.cost
    operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    return document_limits.scales(document).weigh(operation, variables).cost


def refused(text: str, **limits: Any) -> tuple[str, str]:
    """The code and the message."""
    document_limits = DocumentLimits(SCHEMA, ApiLimits(**limits))
    with pytest.raises(GraphQLError) as found:
        document_limits.weights(document_limits.parse_document(text))
    assert found.value.extensions
    return found.value.extensions["code"], found.value.message


def nested(depth: int) -> str:
    return "{ workspace " + "{ parent " * (depth - 2) + "{ name " + "}" * depth


def test_a_leaf_costs_nothing_and_an_object_one() -> None:
    assert cost("{ __typename }") == 0
    assert cost("{ workspace { name id } }") == 1


def test_a_page_counts_for_each_of_its_items() -> None:
    assert cost("{ workspace { sessions(first: 20) { nodes { id } pageInfo { hasNextPage } } } }") == 1 + 1 + 20 + 1
    assert cost("{ workspace { sessions(first: 20) { edges { node { id } } } } }") == 1 + 1 + 20 * 2
    assert cost("{ workspace { sessions(first: 0) { nodes { id } } } }") == 2


def test_a_page_that_says_no_size_has_the_schemas_or_the_longest() -> None:
    assert cost("{ workspace { sessions { nodes { id } } } }") == 2 + 50
    assert cost("{ workspace { sessions(first: 1) { nodes { agents { nodes { id } } } } } }") == 2 + 1 + 1 + 100


def test_the_example_in_the_documentation_is_right() -> None:
    text = "{ workspace { sessions(first: 20) { nodes { id agents { nodes { name } } } } } }"
    assert cost(text) == 2 + 20 * (1 + 1 + 100)


def test_a_list_that_is_not_paged_counts_ten() -> None:
    assert cost("{ workspace { rules { tool } } }") == 1 + 10


def test_a_list_says_itself_how_long_it_is() -> None:
    assert cost("{ workspace { histogram(buckets: 7) { rule { tool } } } }") == 1 + 100 + 7 * 2
    assert cost("{ workspace { sessions(first: 1) { nodes { around(lines: 9) { nodes { id } } } } } }") == 2 + 1 + 1 + 9


def test_what_reads_the_long_history_costs_more() -> None:
    assert cost('{ workspace { logs(query: "x", first: 1) { nodes { tool } } } }') == 1 + 100 + 1 + 1


def test_a_mutation_costs_more() -> None:
    assert cost("mutation { a: send { name } b: send { name } }") == 2 * (1 + 10)


def test_a_variable_counts_as_it_is_given() -> None:
    text = "query($n: Int = 3) { workspace { sessions(first: $n) { nodes { id } } } }"
    assert cost(text) == 2 + 100
    assert cost(text, {"n": 5}) == 2 + 5
    assert cost(text, {}) == 2 + 3
    assert cost(text, {"n": 5.0}) == 2 + 5
    assert cost(text, {"n": -4}) == 2


@pytest.mark.parametrize("size", [101, 10**12, float("1e300"), "9" * 5000])
def test_a_page_is_never_longer_than_the_limit(size: Any) -> None:
    text = "query($n: Int) { workspace { sessions(first: $n) { nodes { id } } } }"
    if not isinstance(size, str):
        with pytest.raises(GraphQLError, match="at most 100"):
            cost(text, {"n": size})
    if not isinstance(size, float):
        code, _ = refused(f"{{ workspace {{ sessions(first: {size}) {{ nodes {{ id }} }} }} }}")
        assert code == "PAGE_TOO_LARGE"


def test_fields_that_share_a_place_in_the_response_count_once() -> None:
    again = "workspace { rules { tool } ...F }"
    assert cost(f"{{ {again} {again} }} fragment F on Workspace {{ rules {{ tool }} }}") == 11


def test_a_fragment_counts_where_it_is_spread() -> None:
    fragment = "fragment S on Session { agents(last: 3) { nodes { id } } }"
    spread = "{ node(id: 1) { ... on Workspace { rules { tool } } ...S } }"
    assert cost(f"{spread} {fragment}") == 1 + 10 + 1 + 3


def test_introspection_has_a_price_and_a_depth_of_its_own() -> None:
    assert cost(get_introspection_query(input_value_deprecation=True), max_depth=3) == 100


def test_introspection_can_be_turned_off() -> None:
    for text in ("{ __schema { types { name } } }", '{ ...F } fragment F on Query { __type(name: "Query") { name } }'):
        assert refused(text, introspection=False)[0] == "INTROSPECTION_OFF"
    assert cost("{ __typename }", introspection=False) == 0


@pytest.mark.parametrize(
    ("code", "text", "limits"),
    [
        ("DOCUMENT_TOO_LARGE", "{ " + "name " * 50 + "}", {"max_tokens": 50}),
        ("DOCUMENT_TOO_LARGE", "#\n" * 51 + "{ __typename }", {"max_tokens": 50}),
        ("DOCUMENT_TOO_LARGE", "{ __typename }" + " " * 100, {"max_source_length": 100}),
        ("DOCUMENT_TOO_LARGE", "{" + "a{" * 1900, {}),
        ("TOO_MANY_OPERATIONS", " ".join(f"query Q{n} {{ __typename }}" for n in range(6)), {"max_operations": 5}),
        ("TOO_MANY_ALIASES", "{ " + " ".join(f"a{n}: __typename" for n in range(6)) + " }", {"max_aliases": 5}),
        ("TOO_MANY_ROOT_FIELDS", "{ a: __typename b: __typename workspace { id } }", {"max_root_fields": 2}),
        ("TOO_DEEP", nested(6), {"max_depth": 5}),
        ("TOO_MANY_FIELDS", "{ workspace { a: id b: id ...F ...G } } fragment F on Node { c: id }", {"max_fields": 4}),
        ("TOO_MANY_FIELDS", "{ " + "__typename " * 6 + "}", {"max_merges": 14}),
        ("TOO_COSTLY", "{ workspace { sessions(first: 9) { nodes { id } } } }", {"max_cost": 10}),
    ],
)  # fmt: skip
def test_each_limit_refuses_with_its_code_and_number(code: str, text: str, limits: dict[str, Any]) -> None:
    found, message = refused(text, **limits)
    assert found == code
    for name, most in limits.items():
        assert str(most) in message
        document_limits = DocumentLimits(SCHEMA, replace(ApiLimits(), **{name: most + 100}))
        document_limits.weights(document_limits.parse_document(text))


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_small_to_send_and_slow_to_check_is_refused_at_once(name: str) -> None:
    document_limits = DocumentLimits(SCHEMA, ApiLimits())

    def took_s() -> float:
        began = time.process_time()
        try:
            document = document_limits.parse_document(BOMBS[name])
            document_limits.weights(document)
            validate(SCHEMA, document, specified_rules, max_errors=20)
        except GraphQLError:
            pass
        return time.process_time() - began

    assert min(took_s() for _ in range(3)) < 0.5, "the best of three: others use the processor's caches, too"


def test_what_is_said_to_read_the_long_history_is_in_the_schema() -> None:
    kinds = committed().type_map.values()
    names = {name for kind in kinds if isinstance(kind, GraphQLObjectType) for name in kind.fields}
    assert names >= SEARCHES


def committed() -> GraphQLSchema:
    return build_schema(COMMITTED.read_text())


def test_the_changes_of_an_edit_are_at_hand_and_no_search() -> None:
    text = "{ workspace { sessions(first: 1) { nodes { agents(first: 1) { nodes { changes { tool } } } } } } }"
    assert cost(text) == 2 + 1 + 1 + 1 + 10
