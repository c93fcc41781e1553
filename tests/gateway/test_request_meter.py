"""Requests at /v1 and /mcp are counted over all gateways, and each answer says what is left."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from broker.adapters.redis import keys
from broker.domain.ids import AgentId, WorkspaceId
from broker.domain.plans.request_rate import Payer, RequestRate
from broker.gateway.serving.request_meter import RequestMeter
from broker.services.plans.metered import unpaid
from tests.fixtures.gateway import Gateway, gateway_for, serving

RATE = RequestRate(per_s=1, burst=20)
POLICY = '"requests";q=20;w=20'


@asynccontextmanager
async def a_gateway(redis_url: str, rate: RequestRate) -> AsyncIterator[Gateway]:
    """One of its own, that holds tokens to a rate."""
    async with (
        serving(redis_url, requests=rate) as url,
        httpx.AsyncClient() as client,
        gateway_for(WorkspaceId(uuid4().hex), url=url, redis_url=redis_url, client=client) as gateway,
    ):
        yield gateway


async def ask(gateway: Gateway, *command: str) -> Any:
    """What the store answers."""
    pipe = gateway.adapters.redis.pipeline(transaction=False)
    pipe.execute_command(*command)
    return (await pipe.execute())[0]


def left(answer: httpx.Response) -> int:
    assert answer.headers["RateLimit-Policy"] == POLICY
    found = re.fullmatch(r'"requests";r=(\d+);t=\d+', answer.headers["RateLimit"])
    assert found, answer.headers["RateLimit"]
    return int(found[1])


async def test_every_answer_says_what_is_left_successes_and_refusals_alike(redis_url: str) -> None:
    async with a_gateway(redis_url, RATE) as gateway:
        done = await gateway.call("GET", "/v1/whoami")
        refused = await gateway.call("GET", "/v1/sessions/none")
        assert (done.status_code, refused.status_code) == (200, 404)
        assert left(done) == 19
        assert left(refused) in {18, 19}  # one comes back each second
        nobody = await gateway.call("GET", "/v1/whoami", token="rk_live_" + "x" * 43)
        health = await gateway.call("GET", "/healthz")
        assert not {"RateLimit", "RateLimit-Policy"} & {*nobody.headers, *health.headers}


async def test_the_tools_of_an_agent_say_it_too(redis_url: str) -> None:
    async with a_gateway(redis_url, RATE) as gateway, gateway.machine() as machine:
        agent = await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        token = machine.tokens[AgentId(agent["id"])]
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        accepts = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {token}"}
        answer = await gateway.client.post(f"{gateway.url}/mcp", json=call, headers=accepts)
        assert answer.status_code == 200, answer.text
        assert left(answer) == 19


async def test_a_token_that_asks_too_fast_is_refused_and_no_other_one(redis_url: str) -> None:
    async with a_gateway(redis_url, RATE) as gateway:
        _, other = await gateway.token("observer")
        answers = await asyncio.gather(*(gateway.call("GET", "/v1/whoami") for _ in range(60)))
        refused = [each for each in answers if each.status_code != 200]
        assert 0 < len(refused) <= 41  # one comes back each second
        for each in refused:
            assert (each.status_code, each.json()["error"]["code"]) == (429, "RATE_LIMITED")
            assert int(each.headers["Retry-After"]) >= 1
            assert left(each) == 0
        assert (await gateway.call("GET", "/v1/whoami", token=other)).status_code == 200


async def ask_many(gateway: Gateway, token: str) -> tuple[int, dict[str, str]]:
    """How many of a crowd of requests are answered, and what the others were told, by which limit refused them."""
    answers = await asyncio.gather(*(gateway.call("GET", "/v1/whoami", token=token) for _ in range(2 * RATE.burst)))
    refused = [each for each in answers if each.status_code == 429]
    told = {each.headers["RateLimit-Policy"]: each.json()["error"]["message"] for each in refused}
    return len(answers) - len(refused), told


async def test_the_tokens_of_one_account_are_held_to_a_limit_together(redis_url: str) -> None:
    async with a_gateway(redis_url, RATE) as gateway:
        account = await gateway.ok("POST", "/v1/service-accounts", {"name": "builder"})
        made = [
            await gateway.ok(
                "POST", f"/v1/service-accounts/{account['id']}/tokens", {"name": f"t{number}", "scopes": ["read"]}
            )
            for number in range(3)
        ]
        first, second, third = [each["token"] for each in made]
        for token in (first, second):
            done, refused = await ask_many(gateway, token)
            assert done >= RATE.burst
            assert list(refused) == [POLICY]
        done, refused = await ask_many(gateway, third)
        assert done < RATE.burst
        message = refused['"account-requests";q=40;w=20']
        assert message.startswith("the tokens of this account together ask too fast: 2 requests a second, 40 at once")
        assert (await gateway.call("GET", "/v1/whoami")).status_code == 200


async def test_a_workspace_is_held_to_a_limit_and_no_other_one(redis_url: str) -> None:
    rate = replace(RATE, per_workspace=1)
    async with a_gateway(redis_url, rate) as gateway, a_gateway(redis_url, rate) as other:
        _, token = await gateway.token("observer")
        await ask_many(gateway, gateway.key)
        done, refused = await ask_many(gateway, token)
        assert done < RATE.burst
        assert '"workspace-requests";q=20;w=20' in refused
        assert (await other.call("GET", "/v1/whoami")).status_code == 200


async def test_what_a_token_asks_in_vain_is_not_taken_from_the_others(redis_url: str) -> None:
    rate = replace(RATE, per_workspace=3)
    async with a_gateway(redis_url, rate) as gateway:
        _, token = await gateway.token("observer")
        answers = await asyncio.gather(*(gateway.call("GET", "/v1/whoami") for _ in range(4 * rate.burst)))
        assert 429 in {each.status_code for each in answers}
        assert (await gateway.call("GET", "/v1/whoami", token=token)).status_code == 200


async def test_two_gateways_count_together(redis_url: str) -> None:
    rate = RequestRate(per_s=1, burst=200)
    async with a_gateway(redis_url, rate) as first, a_gateway(redis_url, rate) as second:
        await asyncio.gather(*(first.call("GET", "/v1/whoami") for _ in range(100)))
        answer = await second.call("GET", "/v1/whoami", token=first.key)
        found = re.match(r'"requests";r=(\d+);', answer.headers["RateLimit"])
        assert found
        assert 99 <= int(found[1]) < 190  # one comes back each second


async def test_a_request_that_reads_its_caller_more_than_once_pays_once(redis_url: str) -> None:
    """A repeatable one does: for what it is, and for what it does."""
    async with a_gateway(redis_url, RATE) as gateway:
        token, _ = await gateway.token("observer")
        before = left(await gateway.call("GET", "/v1/whoami"))
        answer = await gateway.call("DELETE", f"/v1/tokens/{token}")
        assert answer.status_code == 200
        assert before - left(answer) <= 1


async def test_an_answer_that_names_another_limit_keeps_to_that() -> None:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request = unpaid()
        assert request is not None
        request.pay(Payer.TOKEN, wait_s=0, left=7, whole_s=1)
        own = {"RateLimit": '"invitations";r=0;t=9'} if scope["path"].endswith("/own") else {}
        await Response(headers=own)(scope, receive, send)

    app = RequestMeter(serve, rate=RATE)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://broker") as client:
        told = [(await client.get(path)).headers["RateLimit"] for path in ("/v1/own", "/v1/other")]
    assert told == ['"invitations";r=0;t=9', '"requests";r=7;t=1']


async def test_a_store_that_keeps_no_more_keeps_nobody_out(redis_url: str) -> None:
    """Then nothing is counted. Whoever reads must be able to see what fills it."""
    async with a_gateway(redis_url, RATE) as gateway:
        await ask(gateway, "CONFIG", "SET", "maxmemory", "1")
        try:
            answers = [await gateway.call("GET", "/v1/whoami") for _ in range(RATE.burst + 5)]
        finally:
            await ask(gateway, "CONFIG", "SET", "maxmemory", "0")
        assert {each.status_code for each in answers} == {200}


@pytest.mark.parametrize("rate", [RequestRate.of(0)])
async def test_an_operator_may_do_without(redis_url: str, rate: RequestRate) -> None:
    async with a_gateway(redis_url, rate) as gateway:
        answer = await gateway.call("GET", "/v1/whoami")
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers


async def test_what_is_counted_is_forgotten_when_it_is_whole_again(redis_url: str) -> None:
    async with a_gateway(redis_url, RATE) as gateway:
        token = (await gateway.ok("GET", "/v1/tokens"))["tokens"][0]["id"]
        key = keys.key(gateway.workspace, "allowance", f"{token}:requests")
        assert 0 < int(await ask(gateway, "PTTL", key)) <= RATE.burst * 1000
