"""What a client gets that says what it takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphql_api.serving.media_types import MediaType, choose

OFFERED = frozenset({MediaType.RESPONSE, MediaType.JSON, MediaType.EVENTS})


@pytest.mark.parametrize(
    ("accept", "got"),
    [
        (None, MediaType.JSON),
        ("", MediaType.JSON),
        ("*/*", MediaType.JSON),
        ("application/*", MediaType.JSON),
        ("application/json", MediaType.JSON),
        ("Application/JSON; charset=utf-8", MediaType.JSON),
        ("application/graphql-response+json", MediaType.RESPONSE),
        ("application/graphql-response+json, application/json;q=0.9", MediaType.RESPONSE),
        ("application/json;q=0.9, application/graphql-response+json", MediaType.RESPONSE),
        ("application/graphql-response+json, application/json", MediaType.RESPONSE),
        ("application/graphql-response+json;q=0.5, application/json;q=0.6", MediaType.JSON),
        ("application/graphql-response+json;q=0, */*", MediaType.JSON),
        ("application/json;q=0, */*", MediaType.RESPONSE),
        ("text/event-stream, application/graphql-response+json;q=0.8, */*;q=0.1", MediaType.EVENTS),
        ("text/*", MediaType.EVENTS),
        ("text/html, application/xhtml+xml, */*;q=0.8", MediaType.JSON),
        ("application/json;q=many, text/event-stream;q=0.1", MediaType.EVENTS),
        ("application/json;q=0", None),
        ("text/html", None),
        ("image/*", None),
    ],
)
def test_the_type_that_a_client_wants_most_is_answered(accept: str | None, got: MediaType | None) -> None:
    assert choose(accept, offered=OFFERED) is got


@given(st.text(alphabet="*/;,=q01. abcjnoplits+-"))
def test_no_header_is_too_strange(accept: str) -> None:
    assert choose(accept, offered=OFFERED) in {*OFFERED, None}
