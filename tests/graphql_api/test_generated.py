"""Operations made up from the schema: whatever is asked, nothing breaks, and no error tells what it should not."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any

import httpx
import pytest
import pytest_asyncio
import schemathesis
from graphql import (
    BooleanValueNode,
    FloatValueNode,
    IntValueNode,
    ObjectFieldNode,
    StringValueNode,
    Visitor,
    parse,
    print_ast,
    visit,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from broker.domain.ids import WorkspaceId
from broker.domain.plans.api_limits import ApiLimits
from broker.settings import GraphQLSettings
from graphql_api.schema import COMMITTED
from tests.fixtures.gateway import Gateway, gateway_for, serving
from tests.fixtures.graphql_world import a_world

TEXTS = {
    "Cursor": ["0", "1:1", "1:999999999999999999999", "::", "x"],
    "DateTime": ["2026-01-31T10:00:00.123Z", "9999-12-31T23:59:59Z", "0001-01-01", "now"],
    "Date": ["2026-01-31", "0000-00-00", "9999-12-31"],
}
for name, texts in TEXTS.items():
    schemathesis.graphql.scalar(name, st.sampled_from(texts).map(nodes.String))
schemathesis.graphql.scalar("JSON", st.sampled_from([nodes.Null, nodes.String("x"), nodes.Int(1)]))
schemathesis.graphql.scalar("BigInt", st.integers().map(nodes.Int))

SCHEMA = schemathesis.graphql.from_file(io.StringIO(COMMITTED.read_text()))
OPERATIONS = {operation.label: operation for operation in (each.ok() for each in SCHEMA.get_all_operations())}  # type: ignore[union-attr]
HEADERS = {"Accept": "application/graphql-response+json", "Content-Type": "application/json"}
EXAMPLES = {"Query": 40, "Mutation": 8}
IMPATIENT = {"wait": BooleanValueNode(value=False), "timeoutSeconds": FloatValueNode(value="0.1")}
"""Members of inputs that make a mutation take its time."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fast_url(redis_url: str) -> AsyncIterator[str]:
    """Of a gateway that takes as many operations a second as are asked."""
    limits = ApiLimits(rate_per_s=10**6, rate_burst=10**6)
    async with serving(redis_url, graphql=GraphQLSettings(limits=limits)) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(
    redis_url: str, fast_url: str, client: httpx.AsyncClient, workspace: WorkspaceId
) -> AsyncIterator[Gateway]:
    async with gateway_for(workspace, url=fast_url, redis_url=redis_url, client=client) as made:
        yield made


def test_every_query_and_mutation_is_tried() -> None:
    assert len([label for label in OPERATIONS if label.startswith("Mutation.")]) >= 10
    assert {"Query.node", "Query.session", "Query.viewer", "Query.workspace"} <= OPERATIONS.keys()


@pytest.mark.parametrize("label", OPERATIONS)
async def test_no_operation_breaks_the_server_or_shows_its_insides(gateway: Gateway, label: str) -> None:
    random = Random(label)
    texts = _generated(label)
    async with a_world(gateway) as world:
        known = ["main", "Worker", "Lead", *world.keys.values(), *(world.id(kind) for kind in world.keys)]
        for text in texts:
            query = _informed(text, known, random)
            answer = await gateway.call("POST", "/graphql", {"query": query}, **HEADERS)
            assert _problem(answer) is None, (_problem(answer), query, answer.text)


def _generated(label: str) -> list[str]:
    """The same ones each time. Made before anything else runs: it minds who else uses the random numbers."""
    texts: list[str] = []

    @given(case=OPERATIONS[label].as_strategy())
    @settings(
        max_examples=EXAMPLES[label.partition(".")[0]],
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def note(case: Any) -> None:
        texts.append(case.body)

    note()
    return texts


def _problem(answer: httpx.Response) -> str | None:
    """What no answer may be."""
    if answer.status_code not in {200, 294, 400}:
        return f"status {answer.status_code}"
    if '"code":"INTERNAL"' in answer.text:
        return "something nobody foresaw"
    unmasked = [each for each in answer.json().get("errors", []) if "code" not in each["extensions"]]
    return "an error without a code" if unmasked else None


def _informed(text: str, known: Sequence[str], random: Random) -> str:
    """The same operation, with some strings replaced by what is known and some numbers by such as are allowed."""
    return print_ast(visit(parse(text), _Informed(known, random)))


class _Informed(Visitor):
    def __init__(self, known: Sequence[str], random: Random) -> None:
        super().__init__()
        self._known = known
        self._random = random

    def enter_string_value(self, node: StringValueNode, *_place: object) -> StringValueNode:
        return node if self._random.random() < 0.4 else StringValueNode(value=self._random.choice(self._known))

    def enter_int_value(self, node: IntValueNode, *_place: object) -> IntValueNode:
        return node if self._random.random() < 0.2 else IntValueNode(value=str(abs(int(node.value)) % 100))

    def enter_object_field(self, node: ObjectFieldNode, *_place: object) -> ObjectFieldNode | None:
        if node.name.value not in IMPATIENT:
            return None
        return ObjectFieldNode(name=node.name, value=IMPATIENT[node.name.value])
