"""Subscriptions as server-sent events, for as long as their client may listen."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from broker.domain.plans.api_limits import ApiLimits
from broker.settings import GraphQLSettings
from tests.fixtures.gateway import Gateway, serving
from tests.fixtures.node import run_node

FOLLOW = """
subscription($session: ID!, $after: Cursor) {
  sessionEvents(session: $session, after: $after, filter: {kinds: ["message.accepted"]}) {
    __typename
    ... on MessageEvent { text }
    ... on CaughtUp { head }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Events:
    """What a stream says, one event after the other."""

    answer: httpx.Response
    lines: AsyncIterator[str]

    async def next(self) -> tuple[str, Any]:
        """Name and data; ("", None) at the end."""
        name, data = "", ""
        async with asyncio.timeout(10):
            async for line in self.lines:
                if not line and name:
                    return name, orjson.loads(data) if data else None
                field, _, value = line.partition(":")
                if field == "event":
                    name = value.strip()
                elif field == "data":
                    data += value.strip()
        return "", None

    async def item(self) -> Any:
        """What the subscription told."""
        name, response = await self.next()
        assert name == "next", name
        assert "errors" not in response, response
        return response["data"]["sessionEvents"]

    async def refusal(self) -> str:
        """The code of the error that it ends with."""
        name, response = await self.next()
        assert name == "next"
        assert await self.next() == ("complete", None)
        assert await self.next() == ("", None)
        return str(response["errors"][0]["extensions"]["code"])


@contextlib.asynccontextmanager
async def stream(
    gateway: Gateway, query: str = FOLLOW, *, token: str | None = None, url: str = "", **variables: Any
) -> AsyncIterator[Events]:
    """An open stream."""
    async with gateway.client.stream(
        "POST",
        f"{url or gateway.url}/graphql",
        json={"query": query, "variables": variables},
        headers={"Authorization": f"Bearer {token or gateway.key}", "Accept": "text/event-stream"},
    ) as answer:
        yield Events(answer, answer.aiter_lines())


@contextlib.asynccontextmanager
async def session(gateway: Gateway) -> AsyncIterator[str]:
    """The id of a session with somebody to speak to."""
    async with gateway.machine() as machine:
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        yield machine.welcome.session


async def say(gateway: Gateway, text: str) -> None:
    await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": text})


async def test_a_subscription_goes_on_for_as_long_as_its_client_listens(gateway: Gateway) -> None:
    async with session(gateway) as its_id, stream(gateway, session=its_id) as events:
        assert events.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert (await events.item())["__typename"] == "CaughtUp"
        for text in ("one", "two\nlines"):
            await say(gateway, text)
            assert await events.item() == {"__typename": "MessageEvent", "text": text}


async def test_a_query_is_one_event(gateway: Gateway) -> None:
    async with stream(gateway, "{ viewer { kind } }") as events:
        assert await events.next() == ("next", {"data": {"viewer": {"kind": "WORKSPACE"}}})
        assert await events.next() == ("complete", None)
        assert await events.next() == ("", None)


async def test_what_is_wrong_with_a_document_is_told_in_the_stream(gateway: Gateway) -> None:
    for query in ("{", "{ nothing }", "subscription { nothing }", "subscription { sessionEvents { __typename } }"):
        async with stream(gateway, query) as events:
            assert events.answer.status_code == 200
            assert (await events.refusal()).startswith("GRAPHQL_")


async def test_what_a_field_refuses_is_told_in_the_stream(gateway: Gateway) -> None:
    async with stream(gateway, session="nowhere") as events:
        assert await events.refusal() == "SESSION_NOT_FOUND"


async def test_without_a_token_there_is_no_stream(gateway: Gateway) -> None:
    async with stream(gateway, token="rk_live_unknown", session="main") as events:
        assert events.answer.status_code == 401


async def test_a_stream_is_paid_for(gateway: Gateway, redis_url: str) -> None:
    reading = ApiLimits().reading_points(len(FOLLOW))
    limits = ApiLimits(rate_per_s=1, rate_burst=reading + 1)
    async with serving(redis_url, graphql=GraphQLSettings(limits=limits)) as url:
        async with stream(gateway, url=url, session="nowhere") as events:
            assert events.answer.status_code == 200
        async with stream(gateway, url=url, session="nowhere") as events:
            assert (events.answer.status_code, events.answer.headers["retry-after"]) == (429, "1")


async def test_without_asking_for_a_stream_a_subscription_is_not_begun(gateway: Gateway) -> None:
    answer = await gateway.call("POST", "/graphql", {"query": FOLLOW}, **{"content-type": "application/json"})
    assert answer.status_code == 406
    assert "text/event-stream" in answer.text


async def test_a_stream_ends_with_its_token(gateway: Gateway) -> None:
    made = await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    token_id, observer = await gateway.token("observer")
    async with stream(gateway, token=observer, session=made["id"]) as events:
        await events.item()
        await gateway.ok("DELETE", f"/v1/tokens/{token_id}")
        async with asyncio.timeout(1):
            assert await events.refusal() == "UNAUTHENTICATED"


async def test_a_gateway_that_shuts_down_ends_streams_so_that_clients_come_again(
    gateway: Gateway, redis_url: str
) -> None:
    made = await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    running = contextlib.AsyncExitStack()
    url = await running.enter_async_context(serving(redis_url))
    async with stream(gateway, url=url, session=made["id"]) as events:
        await events.item()
        async with asyncio.timeout(5):
            _, last = await asyncio.gather(running.aclose(), events.next())
        assert last == ("", None)


async def test_the_public_client_of_the_protocol_is_content(gateway: Gateway) -> None:
    async with session(gateway) as its_id:
        await say(gateway, "hello")
        asked = {"url": f"{gateway.url}/graphql", "token": gateway.key, "query": FOLLOW}
        found = await run_node("follow_events.mjs", {**asked, "variables": {"session": its_id, "after": "0"}})
    assert [item["__typename"] for item in found["items"]] == ["MessageEvent", "CaughtUp"]
    assert found["refused"] == "SESSION_NOT_FOUND"
