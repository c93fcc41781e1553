"""The graphql-transport-ws protocol, message by message."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.typing import Subprotocol

from tests.fixtures.gateway import Gateway
from tests.fixtures.live_graphql import live, plain_socket

VIEWER = "{ viewer { kind } }"


async def test_another_subprotocol_is_not_acceptable(gateway: Gateway) -> None:
    async with plain_socket(gateway, subprotocols=[Subprotocol("graphql-ws")]) as client:
        assert (await client.closed())[0] == 4406


async def test_a_connection_is_acknowledged_once(gateway: Gateway) -> None:
    async with live(gateway) as client:
        await client.send(type="connection_init", payload={"authorization": f"Bearer {gateway.key}"})
        assert await client.closed() == (4429, "Too many initialisation requests")


async def test_the_header_of_the_upgrade_says_who_it_is_when_the_first_message_does_not(gateway: Gateway) -> None:
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with plain_socket(gateway, additional_headers=headers) as client:
        await client.send(type="connection_init")
        assert await client.message() == {"type": "connection_ack"}


@pytest.mark.parametrize("payload", [{}, {"authorization": "Bearer rk_live_unknown"}, {"authorization": 7}])
async def test_nobody_we_know_is_forbidden(gateway: Gateway, payload: dict[str, Any]) -> None:
    async with plain_socket(gateway) as client:
        await client.send(type="connection_init", payload=payload)
        code, reason = await client.closed()
        assert code == 4403
        assert reason.startswith("Forbidden")


async def test_nothing_may_be_asked_before_the_acknowledgement(gateway: Gateway) -> None:
    async with plain_socket(gateway) as client:
        await client.subscribe(VIEWER)
        assert await client.closed() == (4401, "Unauthorized")


async def test_a_second_subscriber_of_one_id_is_one_too_many(gateway: Gateway) -> None:
    async with live(gateway) as client:
        await client.subscribe("subscription { activity { __typename } }", operation="a")
        await client.subscribe(VIEWER, operation="a")
        assert await client.closed() == (4409, "Subscriber for a already exists")


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        "{}",
        '{"type":"unheard-of"}',
        '{"type":"subscribe","id":"","payload":{"query":"{a}"}}',
        '{"type":"subscribe","payload":{"query":"{a}"}}',
        '{"type":"subscribe","id":"1","payload":{}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{a}","operationName":1}}',
        '{"type":"complete"}',
        '{"type":"ping","payload":"x"}',
    ],
)
async def test_what_is_no_message_of_the_protocol_ends_the_connection(gateway: Gateway, text: str) -> None:
    async with live(gateway) as client:
        await client.socket.send(text)
        assert (await client.closed())[0] == 4400


async def test_a_binary_message_ends_the_connection(gateway: Gateway) -> None:
    async with live(gateway) as client:
        await client.socket.send(b'{"type":"ping"}')
        assert (await client.closed())[0] == 4400


async def test_a_ping_is_answered_even_before_the_acknowledgement(gateway: Gateway) -> None:
    async with plain_socket(gateway) as client:
        await client.send(type="ping", payload={"any": "thing"})
        assert await client.message() == {"type": "pong"}
        await client.send(type="pong")


async def test_queries_and_mutations_are_answered_and_completed(gateway: Gateway) -> None:
    async with live(gateway) as client:
        query = await client.subscribe(VIEWER)
        assert await client.data(query) == {"viewer": {"kind": "WORKSPACE"}}
        assert await client.message(query) == {"id": query, "type": "complete"}
        mutation = await client.subscribe(
            'mutation { createSession(input: {name: "made"}) { ... on SessionCreated { session { name } } } }'
        )
        assert await client.data(mutation) == {"createSession": {"session": {"name": "made"}}}
        assert await client.message(mutation) == {"id": mutation, "type": "complete"}


async def test_an_id_can_be_used_again_when_its_operation_is_over(gateway: Gateway) -> None:
    async with live(gateway) as client:
        for _ in range(3):
            await client.subscribe(VIEWER, operation="same")
            assert (await client.message("same"))["type"] == "next"
            assert (await client.message("same"))["type"] == "complete"


async def test_an_id_can_be_used_again_right_after_it_was_completed(gateway: Gateway) -> None:
    async with live(gateway) as client:
        for _ in range(3):
            await client.subscribe("subscription { activity { __typename } }", operation="same")
            await client.send(id="same", type="complete")
        await client.subscribe(VIEWER, operation="same")
        message = await client.message("same")
        while "activity" in str(message):
            message = await client.message("same")
        assert message["payload"]["data"] == {"viewer": {"kind": "WORKSPACE"}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ viewer {", "GRAPHQL_SYNTAX"),
        ("{ nothing }", "GRAPHQL_INVALID"),
        ("subscription { nothing }", "GRAPHQL_INVALID"),
    ],
)
async def test_what_cannot_be_begun_ends_in_an_error(gateway: Gateway, query: str, code: str) -> None:
    async with live(gateway) as client:
        assert await client.refusal(await client.subscribe(query)) == code


async def test_completing_what_is_unknown_changes_nothing(gateway: Gateway) -> None:
    async with live(gateway) as client:
        await client.send(id="never", type="complete")
        query = await client.subscribe(VIEWER)
        assert (await client.message(query))["type"] == "next"
