"""Searching the long history and reading usage, through a gateway that keeps logs."""

from datetime import UTC, datetime, timedelta

from tests.fixtures.gateway import Gateway
from tests.fixtures.graphql import GraphQL
from tests.gateway.conftest import logged, logging_gateway_url, store  # noqa: F401  (fixtures)


async def test_lines_are_found_page_by_page_with_what_is_around_them(logged: Gateway) -> None:  # noqa: F811
    query = """query($after: String) { workspace { logs(query: "line", first: 4, after: $after, context: 1) {
      nodes { line { cursor kind excerpt { text highlights { start length } } } before { cursor } }
      pageInfo { hasNextPage endCursor } } } }"""
    graphql, found, after = GraphQL(logged), [], None
    while True:
        page = (await graphql.ok(query, after=after))["workspace"]["logs"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert [int(hit["line"]["cursor"].rpartition(":")[2]) for hit in found] == list(range(9, 0, -1))
    assert found[0]["line"]["excerpt"]["highlights"] == [{"start": 0, "length": 4}]
    assert found[0]["before"][0]["cursor"] == found[1]["line"]["cursor"]


async def test_matches_are_counted_over_time_and_by_value(logged: Gateway) -> None:  # noqa: F811
    query = '{ workspace { histogram(query: "") { count spanMs } facets(query: "", field: SESSION) { name count } } }'
    found = (await GraphQL(logged).ok(query))["workspace"]
    assert sum(each["count"] for each in found["histogram"]) == 10
    assert found["facets"] == [{"name": "main", "count": 10}]


async def test_a_search_that_cannot_be_read_says_where(logged: Gateway) -> None:  # noqa: F811
    answer = await GraphQL(logged)('{ workspace { logs(query: "exit:(") { totalCount } } }')
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_QUERY"
    assert "column" in answer["errors"][0]["extensions"]["details"]


async def test_usage_is_told_for_a_workspace_and_for_a_session(logged: Gateway) -> None:  # noqa: F811
    today = datetime.now(UTC).date()
    query = """query($since: Date!, $until: Date!) {
      workspace { usage(since: $since, until: $until, by: DAY) { day messages bytes } }
      session(key: "main") { usage { sessionKey agent messages } } }"""
    found = await GraphQL(logged).ok(query, since=f"{today - timedelta(days=300)}", until=f"{today}")
    assert isinstance(found["workspace"]["usage"], list)
    assert isinstance(found["session"]["usage"], list)


async def test_without_a_log_store_a_search_says_how_to_get_one(graphql: GraphQL) -> None:
    assert await graphql.refusal('{ workspace { logs(query: "x") { totalCount } } }') == "LOG_STORE_NOT_CONFIGURED"
