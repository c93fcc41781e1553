"""What can be asked, through the running gateway."""

from tests.fixtures.gateway import Gateway
from tests.fixtures.graphql import GraphQL


async def test_a_viewer_is_told_who_it_is_and_what_it_may_do(graphql: GraphQL, gateway: Gateway) -> None:
    _, observer = await gateway.token("observer")
    found = await graphql.ok("{ viewer { kind name permissions sessionKey workspace { key plan } } }", token=observer)
    assert found["viewer"] == {
        "kind": "OBSERVER",
        "name": "a observer",
        "permissions": ["READ", "READ_WORKSPACE"],
        "sessionKey": None,
        "workspace": {"key": gateway.workspace, "plan": "TEAM"},
    }


async def test_a_session_is_found_by_key_and_by_name(graphql: GraphQL, gateway: Gateway) -> None:
    made = await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    query = "query($key: String!) { session(key: $key) { key name head url createdAt } }"
    by_name = await graphql.ok(query, key="main")
    assert by_name == await graphql.ok(query, key=made["id"])
    assert by_name["session"]["key"] == made["id"]
    assert by_name["session"]["head"] == f"{made['epoch']}:{made['offset']}"


async def test_a_session_that_is_not_there_is_null(graphql: GraphQL) -> None:
    assert await graphql.ok('{ session(key: "nowhere") { key } }') == {"session": None}


async def test_a_machines_token_sees_no_session(graphql: GraphQL, gateway: Gateway) -> None:
    _, proxy = await gateway.token("proxy")
    assert await graphql.refusal('{ session(key: "main") { key } }', token=proxy) == "NOT_PERMITTED"


async def test_without_a_token_nothing_is_answered(graphql: GraphQL) -> None:
    assert await graphql.refusal("{ viewer { name } }", token=None) == "UNAUTHENTICATED"


async def test_a_field_that_is_not_there_is_refused_before_anything_runs(graphql: GraphQL) -> None:
    assert await graphql.refusal("{ viewer { secrets } }") == "GRAPHQL_INVALID"


async def test_a_text_that_is_no_document_is_refused(graphql: GraphQL) -> None:
    assert await graphql.refusal("{ viewer {") == "GRAPHQL_SYNTAX"
