"""Access while a socket lives: revoked, expired, refreshed, and another role."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from broker.adapters.redis import keys
from broker.domain.ids import TokenId
from broker.domain.people import access
from broker.domain.people.access import MemberRole, Permission, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.services.people.access import new_token, token_hash
from tests.fixtures.browser import Browser, signed_in
from tests.fixtures.gateway import Gateway
from tests.fixtures.live_graphql import LiveGraphQL, live, plain_socket

ACTIVITY = "subscription { activity { __typename } }"
USAGE = "subscription { usage { count } }"


async def following(client: LiveGraphQL, query: str) -> str:
    """An operation that has said its first item."""
    operation = await client.subscribe(query)
    assert (await client.message(operation))["type"] == "next"
    return operation


async def expiring_token(gateway: Gateway, *, in_s: float) -> str:
    token, expires_at_ms = new_token(TokenKind.OBSERVER), int((time.time() + in_s) * 1000)
    owner = Principal(
        workspace=gateway.workspace,
        kind=TokenKind.OBSERVER,
        token_id=TokenId("short"),
        name="short",
        plan=Plan.TEAM,
        expires_at_ms=expires_at_ms,
    )
    await gateway.adapters.tokens.add(owner, sha256=token_hash(token), expires_at_ms=expires_at_ms)
    return token


async def test_a_revoked_token_ends_its_sockets_within_a_second(gateway: Gateway) -> None:
    token_id, token = await gateway.token("observer")
    async with live(gateway, token=token) as client, live(gateway) as other:
        await following(client, ACTIVITY)
        await gateway.ok("DELETE", f"/v1/tokens/{token_id}")
        async with asyncio.timeout(1):
            assert (await client.closed())[0] == 4401
        await following(other, ACTIVITY)


async def test_an_expired_token_ends_its_sockets_within_a_second(gateway: Gateway) -> None:
    token = await expiring_token(gateway, in_s=0.5)
    async with live(gateway, token=token) as client:
        await following(client, ACTIVITY)
        async with asyncio.timeout(1.5):
            assert (await client.closed())[0] == 4403


async def test_a_fresh_token_in_a_ping_keeps_the_connection_and_what_runs_on_it(gateway: Gateway) -> None:
    token = await expiring_token(gateway, in_s=1)
    _, fresh = await gateway.token("observer")
    async with live(gateway, token=token) as client:
        operation = await following(client, ACTIVITY)
        await client.send(type="ping", payload={"authorization": f"Bearer {fresh}"})
        assert await client.message() == {"type": "pong", "payload": {"refreshed": True}}
        await gateway.adapters.redis.delete(keys.token(token_hash(token)))
        await gateway.adapters.redis.publish(keys.ACCESS_CHANNEL, "short")
        await gateway.ok("POST", "/v1/sessions", {"name": "later"})
        assert (await client.data(operation))["activity"] == {"__typename": "ActivityEvent"}


async def test_a_token_that_is_no_good_leaves_the_present_one(gateway: Gateway) -> None:
    async with live(gateway) as client:
        await client.send(type="ping", payload={"authorization": "Bearer ot_live_unknown"})
        payload = (await client.message())["payload"]
        assert (payload["refreshed"], payload["code"]) == (False, "UNAUTHENTICATED")
        await client.send(type="ping", payload={"authorization": f"Bearer {await gateway.another_workspace()}"})
        payload = (await client.message())["payload"]
        assert (payload["refreshed"], payload["code"]) == (False, "NOT_PERMITTED")
        await following(client, ACTIVITY)


async def test_what_a_lesser_token_may_not_do_ends_when_it_takes_over(gateway: Gateway) -> None:
    _, observer = await gateway.token("observer")
    async with live(gateway) as client:
        usage, activity = await following(client, USAGE), await following(client, ACTIVITY)
        await client.send(type="ping", payload={"authorization": f"Bearer {observer}"})
        assert await client.refusal(usage) == "NOT_PERMITTED"
        assert (await client.message())["payload"] == {"refreshed": True}
        await gateway.ok("POST", "/v1/sessions", {"name": "later"})
        assert (await client.data(activity))["activity"] == {"__typename": "ActivityEvent"}
        again = await client.subscribe(USAGE)
        assert await client.refusal(again) == "NOT_PERMITTED"


async def test_word_that_may_have_been_lost_has_every_socket_checked(gateway: Gateway) -> None:
    token_id, token = await gateway.token("observer")
    async with live(gateway, token=token) as client:
        await following(client, ACTIVITY)
        row = await gateway.adapters.redis.hget(keys.key(gateway.workspace, "tokens"), token_id)
        assert row is not None
        await gateway.adapters.redis.delete(keys.token(token_hash(token)))  # nobody said so
        redis: Any = gateway.adapters.redis
        await redis.client_kill_filter(_type="pubsub")
        assert (await client.closed())[0] == 4401


def as_browser(browser: Browser, *, origin: str) -> dict[str, str]:
    return {"Cookie": browser.cookie, "Origin": origin}


async def test_a_cookie_opens_a_socket_for_our_own_pages_only(gateway: Gateway) -> None:
    async with signed_in(gateway, MemberRole.VIEWER) as browser:
        headers = as_browser(browser, origin=gateway.url)
        async with plain_socket(gateway, additional_headers=headers) as client:
            await client.send(type="connection_init")
            assert await client.message() == {"type": "connection_ack"}
        headers = as_browser(browser, origin="http://127.0.0.1:1")
        async with plain_socket(gateway, additional_headers=headers) as client:
            assert (await client.closed())[0] == 4403


async def test_a_member_that_is_removed_is_out_and_one_with_another_role_goes_on(gateway: Gateway) -> None:
    async with signed_in(gateway, MemberRole.ADMIN) as browser:
        headers = as_browser(browser, origin=gateway.url)
        async with plain_socket(gateway, additional_headers=headers) as client:
            await client.send(type="connection_init")
            assert await client.message() == {"type": "connection_ack"}
            usage = await following(client, USAGE)
            await gateway.ok("PATCH", "/v1/members/Ada", {"role": "viewer"})
            async with asyncio.timeout(1):
                assert await client.message() == {"type": "ping", "payload": {"access": "changed"}}
            refused = 'mutation { createSession(input: {name: "x"}) { __typename ... on NotPermitted { code } } }'
            async with asyncio.timeout(1):
                while (await client.data(await client.subscribe(refused)))["createSession"].get("code") is None:
                    pass
            await client.send(id=usage, type="complete")
            await gateway.ok("DELETE", "/v1/members/Ada")
            async with asyncio.timeout(1):
                assert (await client.closed())[0] == 4401


async def test_an_operation_that_another_role_may_not_do_ends_within_a_second(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Today every role may follow everything; a role without the meter stands for one that may not."""
    monkeypatch.setitem(access._GRANTED_BY_ROLE, MemberRole.VIEWER, frozenset({Permission.READ}))
    async with signed_in(gateway, MemberRole.ADMIN) as browser:
        headers = as_browser(browser, origin=gateway.url)
        async with plain_socket(gateway, additional_headers=headers) as client:
            await client.send(type="connection_init")
            assert await client.message() == {"type": "connection_ack"}
            usage, activity = await following(client, USAGE), await following(client, ACTIVITY)
            await gateway.ok("PATCH", "/v1/members/Ada", {"role": "viewer"})
            async with asyncio.timeout(1):
                assert await client.refusal(usage) == "NOT_PERMITTED"
            await gateway.ok("POST", "/v1/sessions", {"name": "later"})
            assert (await client.data(activity))["activity"] == {"__typename": "ActivityEvent"}
