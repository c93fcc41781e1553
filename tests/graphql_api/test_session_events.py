"""Following a session: everything once, in order, from any place."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from broker.domain.ids import SessionId
from tests.fixtures.gateway import Gateway
from tests.fixtures.live_graphql import LiveGraphQL, live
from tests.fixtures.log_appender import Append, log_appender, text_frame

FOLLOW = """
subscription($session: ID!, $after: Cursor, $filter: EventFilter) {
  sessionEvents(session: $session, after: $after, filter: $filter) {
    __typename
    ... on Event { cursor offset kind agentName }
    ... on FrameEvent { contents { ... on TextContent { text } } }
    ... on CaughtUp { head }
    ... on Reset { first }
  }
}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def session(gateway: Gateway) -> dict[str, Any]:
    made: dict[str, Any] = await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    return made


@pytest.fixture
def append(gateway: Gateway, session: dict[str, Any]) -> Append:
    return log_appender(gateway.adapters.redis, gateway.workspace, SessionId(session["id"]))


async def said(client: LiveGraphQL, operation: str, count: int) -> list[str]:
    """The texts of the next items, which must all be frames."""
    texts = []
    for _ in range(count):
        item = await told(client, operation)
        assert item["__typename"] == "FrameEvent", item
        texts.append(item["contents"][0]["text"])
    return texts


async def told(client: LiveGraphQL, operation: str) -> dict[str, Any]:
    item: dict[str, Any] = (await client.data(operation))["sessionEvents"]
    return item


async def test_without_a_cursor_only_new_events_come(gateway: Gateway, session: dict[str, Any], append: Append) -> None:
    async with live(gateway) as client:
        operation = await client.subscribe(FOLLOW, session=session["id"])
        assert await told(client, operation) == {"__typename": "CaughtUp", "head": f"{session['epoch']}:1"}
        await append([text_frame("one"), text_frame("two")])
        assert await said(client, operation, 2) == ["one", "two"]


async def test_from_zero_everything_that_is_kept_comes_first(
    gateway: Gateway, session: dict[str, Any], append: Append
) -> None:
    await append([text_frame("one")])
    async with live(gateway) as client:
        operation = await client.subscribe(FOLLOW, session=session["id"], after="0")
        assert (await told(client, operation))["kind"] == "session.created"
        assert await said(client, operation, 1) == ["one"]
        assert (await told(client, operation))["head"] == f"{session['epoch']}:2"


async def test_after_a_cursor_it_goes_on_with_the_next_event(
    gateway: Gateway, session: dict[str, Any], append: Append
) -> None:
    await append([text_frame(str(n)) for n in range(2, 1000)])
    async with live(gateway) as client:
        operation = await client.subscribe(FOLLOW, session=session["id"], after=f"{session['epoch']}:500")
        assert await said(client, operation, 499) == [str(n) for n in range(501, 1000)]
        assert (await told(client, operation))["__typename"] == "CaughtUp"


async def test_readers_that_come_while_events_stream_in_miss_none_and_get_none_twice(
    gateway: Gateway, session: dict[str, Any], append: Append
) -> None:
    async with live(gateway) as client:
        operations = []
        for batch in range(30):
            operations.append(await client.subscribe(FOLLOW, session=session["id"], after=f"{session['epoch']}:1"))
            await append([text_frame(str(batch * 10 + n)) for n in range(10)])
        for operation in operations:
            texts: list[str] = []
            while len(texts) < 300:
                item = await told(client, operation)
                if item["__typename"] == "FrameEvent":
                    texts.append(item["contents"][0]["text"])
            assert texts == [str(n) for n in range(300)]


async def test_a_cursor_of_another_life_of_the_log_is_told_as_a_reset(
    gateway: Gateway, session: dict[str, Any], append: Append
) -> None:
    await append([text_frame("one")])
    async with live(gateway) as client:
        operation = await client.subscribe(FOLLOW, session=session["id"], after="gone:17")
        assert await told(client, operation) == {"__typename": "Reset", "first": f"{session['epoch']}:1"}
        assert (await told(client, operation))["kind"] == "session.created"
        assert await said(client, operation, 1) == ["one"]


async def test_a_log_that_begins_anew_while_it_is_followed_is_told_as_a_reset(
    gateway: Gateway, session: dict[str, Any], append: Append
) -> None:
    async with live(gateway) as client:
        operation = await client.subscribe(FOLLOW, session=session["id"])
        assert (await told(client, operation))["__typename"] == "CaughtUp"
        key = f"rc:{{{gateway.workspace}}}:s:{session['id']}"
        await gateway.adapters.redis.delete(f"{key}:log")
        await gateway.adapters.redis.hset(key, "epoch", "anew")
        await gateway.adapters.redis.hset(key, "offset", "0")
        await append([text_frame("one")])
        assert await told(client, operation) == {"__typename": "Reset", "first": "anew:1"}
        assert await said(client, operation, 1) == ["one"]


async def test_only_wanted_events_come(gateway: Gateway, session: dict[str, Any], append: Append) -> None:
    delta = {**text_frame(""), "transient": True, "events": [{"type": "text_delta", "delta": "o"}]}
    states = log_appender(gateway.adapters.redis, gateway.workspace, SessionId(session["id"]), kind="agent.state")
    async with live(gateway) as client:
        whole = await client.subscribe(FOLLOW, session=session["id"], filter={"fragments": False, "agents": ["BOB"]})
        family = await client.subscribe(FOLLOW, session=session["id"], filter={"kinds": ["turn.ended", "agent.*"]})
        exact = await client.subscribe(FOLLOW, session=session["id"], filter={"kinds": ["agent.frame"]})
        other = await client.subscribe(FOLLOW, session=session["id"], filter={"agents": ["Eve"]})
        for operation in (whole, family, exact, other):
            assert (await told(client, operation))["__typename"] == "CaughtUp"
        await append([delta, text_frame("one")])
        await states([{"state": "idle", "was": "working"}])
        assert [(await told(client, whole))["kind"] for _ in range(2)] == ["agent.frame", "agent.state"]
        assert [(await told(client, family))["kind"] for _ in range(3)] == ["agent.frame", "agent.frame", "agent.state"]
        assert [(await told(client, exact))["offset"] for _ in range(2)] == [2, 3]
        assert client.waiting(other) == 0


async def test_what_was_completed_says_nothing_more(gateway: Gateway, session: dict[str, Any], append: Append) -> None:
    async with live(gateway) as client:
        one = await client.subscribe(FOLLOW, session=session["id"])
        two = await client.subscribe(FOLLOW, session=session["id"])
        for operation in (one, two):
            assert (await told(client, operation))["__typename"] == "CaughtUp"
        await client.send(id=one, type="complete")
        await client.send(type="ping")
        assert await client.message() == {"type": "pong"}
        await append([text_frame("one")])
        assert await said(client, two, 1) == ["one"]
        assert client.waiting(one) == 0


async def test_an_unknown_session_is_refused(gateway: Gateway) -> None:
    async with live(gateway) as client:
        operation = await client.subscribe(FOLLOW, session="nowhere")
        assert await client.refusal(operation) == "SESSION_NOT_FOUND"


async def test_a_session_of_another_workspace_is_not_there(gateway: Gateway, session: dict[str, Any]) -> None:
    async with live(gateway, token=await gateway.another_workspace()) as client:
        operation = await client.subscribe(FOLLOW, session=session["id"])
        assert await client.refusal(operation) == "SESSION_NOT_FOUND"


async def test_a_session_that_is_deleted_ends_what_follows_it(gateway: Gateway, session: dict[str, Any]) -> None:
    async with live(gateway) as client:
        operation = await client.subscribe(FOLLOW, session=session["id"])
        assert (await told(client, operation))["__typename"] == "CaughtUp"
        assert (await gateway.call("DELETE", f"/v1/sessions/{session['id']}")).status_code == 200
        again = await client.subscribe(FOLLOW, session=session["id"])
        assert await client.refusal(again) == "SESSION_NOT_FOUND"


async def test_an_event_that_is_nested_deeper_than_the_fast_path_can_write_still_comes(
    gateway: Gateway, session: dict[str, Any], append: Append
) -> None:
    raw: Any = "deep"
    for _ in range(300):
        raw = [raw]
    async with live(gateway) as client:
        operation = await client.subscribe(
            "subscription($s: ID!) { sessionEvents(session: $s) { ...on FrameEvent { raw } ...on CaughtUp { head } } }",
            s=session["id"],
        )
        assert "head" in await told(client, operation)
        await append([{**text_frame("x"), "raw": raw}])
        assert (await told(client, operation))["raw"] == raw
