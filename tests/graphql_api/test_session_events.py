"""Following a session: everything once, in order, from any place."""

from __future__ import annotations

from tests.fixtures.gateway import Gateway
from tests.fixtures.live_graphql import LiveGraphQL, live

FOLLOW = """
subscription($session: ID!, $after: Cursor, $filter: EventFilter) {
  sessionEvents(session: $session, after: $after, filter: $filter) {
    __typename
    ... on Event { cursor offset kind }
    ... on MessageEvent { text }
    ... on CaughtUp { head }
    ... on Reset { first }
  }
}
"""


async def told(client: LiveGraphQL, operation: str) -> dict[str, object]:
    item: dict[str, object] = (await client.data(operation))["sessionEvents"]
    return item


async def test_without_a_cursor_only_new_events_come(gateway: Gateway) -> None:
    session = await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with live(gateway) as client:
        operation = await client.subscribe(FOLLOW, session=session["id"])
        assert await told(client, operation) == {"__typename": "CaughtUp", "head": f"{session['epoch']}:1"}
