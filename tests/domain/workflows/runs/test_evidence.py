"""Looks at a result against a schema that its author made to harm."""

from typing import Any

import pytest

from broker.domain.workflows.runs.evidence import Evidence, json_in, schema_problem, unlike_schema
from tests.fixtures.receiver import answer, receiving

RESULT = Evidence(output='{"a": 1}')


async def test_nothing_is_fetched_that_a_schema_refers_to() -> None:
    async with receiving(answer(200, b'{"type": "object"}')) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/schema"
        assert unlike_schema({"$ref": url}, RESULT) == f"the schema itself is none: nothing in it is {url}"
        assert unlike_schema({"$schema": url, "type": "object"}, RESULT) is None
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"$ref": "file:///etc/hostname"}, "nothing in it is file:///etc/hostname"),
        ({"$ref": "#/$defs/nowhere"}, "nothing in it is"),
        ({"$ref": "#"}, "stands within what it means"),
        ({"$dynamicRef": "#"}, "stands within what it means"),
        ({"type": 7}, "$.type"),
        ({"$ref": 5}, "$['$ref']"),
        ({"minimum": "x"}, "$.minimum"),
    ],
)
def test_a_schema_that_is_none_says_so(schema: dict[str, Any], says: str) -> None:
    said = unlike_schema(schema, RESULT)
    assert said is not None
    assert said.startswith("the schema itself is none: ")
    assert says in said


def test_a_schema_refers_to_its_own_parts() -> None:
    schema = {"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}
    assert schema_problem(schema) is None
    assert unlike_schema(schema, RESULT) is None
    assert unlike_schema(schema, Evidence(output='{"a": "x"}')) == (
        "the result is not as its schema: $.a: 'x' is not of type 'integer'"
    )


def test_an_output_that_is_nested_without_end_has_no_json_in_it() -> None:
    assert json_in("[" * 100_000) is None
