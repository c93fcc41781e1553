"""Short-lived tokens on the wire: exchanged, renewed over HTTP and on open sockets, over days of sleep and restarts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio

from broker.adapters.redis import keys
from broker.domain.ids import AgentId, WorkspaceId
from broker.domain.people.access import MemberRole
from broker.domain.people.token_families import ACCESS_S, GRACE_S
from broker.protocol import close_codes
from broker.protocol.proxy import AuthRefresh, write
from tests.fixtures.browser import signed_in
from tests.fixtures.desk import a_hello
from tests.fixtures.gateway import Gateway, closing, gateway_for, serving
from tests.fixtures.live_graphql import live

S = "/v1/sessions/main"
HOUR_S = 3600


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", {}).get("code", "")


async def renewed(gateway: Gateway, refresh_token: str) -> Any:
    return await gateway.ok("POST", "/v1/auth/refresh", {"refresh_token": refresh_token}, token=None)


async def test_a_machine_is_given_a_token_for_itself_and_links_with_it(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    pair = await gateway.exchange("machine", machine_id="m-1", name="laptop")
    assert pair["kind"] == "proxy"
    told = await gateway.ok("GET", "/v1/whoami", token=pair["token"])
    assert (told["kind"], told["name"], told["permissions"]) == ("proxy", "laptop", ["link"])
    async with gateway.machine(token=pair["token"], machine_id="m-1") as machine:
        auth = await machine.renew(pair["refresh_token"])
        assert auth.refresh_token
        assert auth.expires_at_ms > pair["expires_at_ms"] - 1000
    async with gateway.machine(token=auth.token, machine_id="m-1") as again:
        assert again.auths == []
    async with gateway.proxy_socket(token=auth.token) as socket:
        await socket.send(write(a_hello(machine_id="m-2", session="main")))
        assert await closing(socket) == close_codes.NOT_PERMITTED.code


async def test_no_answer_with_a_token_may_be_kept(gateway: Gateway) -> None:
    answer = await gateway.call("POST", "/v1/auth/exchange", {"for": "terminal"})
    refresh = {"refresh_token": answer.json()["data"]["refresh_token"]}
    for each in (answer, await gateway.call("POST", "/v1/auth/refresh", refresh, token=None)):
        assert each.status_code == 200
        assert each.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"for": "terminal", "machine_id": "m"}, "INVALID_ARGUMENT"),
        ({"for": "machine"}, "INVALID_ARGUMENT"),
        ({"for": "machine", "machine_id": "m", "name": "a\nb"}, "INVALID_NAME"),
        ({"for": "everything"}, "INVALID_ARGUMENT"),
        ({}, "INVALID_ARGUMENT"),
    ],
)
async def test_what_is_asked_wrongly_is_refused(gateway: Gateway, body: dict[str, str], code: str) -> None:
    assert code_of(await gateway.call("POST", "/v1/auth/exchange", body)) == (400, code)


async def test_a_cookie_is_not_exchanged_for_what_a_page_could_read(gateway: Gateway) -> None:
    async with signed_in(gateway, MemberRole.OWNER) as browser:
        answer = await browser.ask("POST", "/v1/auth/exchange", {"for": "terminal"})
        assert code_of(answer) == (401, "UNAUTHENTICATED")


async def test_a_refresh_token_of_another_connection_ends_this_one(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    mine, other = [await gateway.exchange("machine", machine_id=each, name="x") for each in ("m-1", "m-2")]
    terminal = await gateway.exchange("terminal")
    for wrong, code in (
        (other["refresh_token"], close_codes.NOT_PERMITTED.code),
        (terminal["refresh_token"], close_codes.NOT_PERMITTED.code),
        ("rt_live_nothing", close_codes.UNAUTHENTICATED.code),
    ):
        async with gateway.machine(token=mine["token"], machine_id="m-1") as machine:
            await machine.connection.send(write(AuthRefresh(refresh_token=wrong)))
            assert await machine.closed() == code


async def test_a_copy_of_a_used_refresh_token_ends_the_link_that_goes_on_with_its_successors(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    pair = await gateway.exchange("machine", machine_id="m-1", name="x")
    async with gateway.machine(token=pair["token"], machine_id="m-1") as machine:
        second = await machine.renew(pair["refresh_token"])
        await machine.renew(second.refresh_token or "")
        stolen = await gateway.call("POST", "/v1/auth/refresh", {"refresh_token": pair["refresh_token"]}, token=None)
        assert code_of(stolen) == (401, "TOKEN_REUSED")
        assert await machine.closed() == close_codes.UNAUTHENTICATED.code


async def receive(socket: Any) -> dict[str, Any]:
    async with asyncio.timeout(10):
        found: dict[str, Any] = orjson.loads(await socket.recv())
    return found


@dataclass(slots=True, kw_only=True)
class Broker:
    """A gateway on a clock that is moved by hand, which can be restarted."""

    gateway: Gateway
    redis_url: str
    running: AsyncExitStack
    now: float

    def clock(self) -> float:
        return self.now

    async def start(self) -> None:
        self.gateway.url = await self.running.enter_async_context(serving(self.redis_url, clock=self.clock))

    async def restart(self) -> None:
        await self.running.aclose()
        self.running = AsyncExitStack()
        await self.start()

    async def keys(self) -> int:
        """How many there are of the workspace and its tokens."""
        redis, root = self.gateway.adapters.redis, keys.root(self.gateway.workspace)
        cursor, found = 0, 0
        while True:
            cursor, names = await redis.scan(cursor, count=1000)
            for name in names:
                if name.startswith("rc:token:"):
                    found += self.gateway.workspace in (await redis.get(name) or "")
                found += name.startswith(root)
            if cursor == 0:
                return found


@pytest_asyncio.fixture(loop_scope="session")
async def broker(redis_url: str, client: httpx.AsyncClient, workspace: WorkspaceId) -> AsyncIterator[Broker]:
    async with gateway_for(workspace, url="", redis_url=redis_url, client=client) as gateway:
        made = Broker(gateway=gateway, redis_url=redis_url, running=AsyncExitStack(), now=time.time())
        await made.start()
        await gateway.ok("POST", "/v1/sessions", {"name": "main"})
        try:
            yield made
        finally:
            await made.running.aclose()


async def test_event_sockets_go_on_with_a_fresh_token_and_end_without(broker: Broker) -> None:
    gateway = broker.gateway
    pair = await gateway.exchange("terminal")
    async with (
        gateway.events("main", token=pair["token"]) as kept,
        gateway.events("main", token=pair["token"]) as left,
        live(gateway, token=pair["token"]) as graphql,
    ):
        assert [(await receive(socket))["kind"] for socket in (kept, left)] == ["hello", "hello"]
        fresh = await renewed(gateway, pair["refresh_token"])
        broker.now += 60
        fresh = await renewed(gateway, fresh["refresh_token"])
        observer = (await gateway.token("observer"))[1]
        for token, told in ((observer, "NOT_PERMITTED"), ("rk_live_x", "UNAUTHENTICATED"), ("é", "UNAUTHENTICATED")):
            await kept.send(orjson.dumps({"type": "auth", "token": token}).decode())
            answer = await receive(kept)
            assert (answer["kind"], answer["renewed"], answer["code"]) == ("auth", False, told)
        await kept.send("what is this")
        await kept.send(orjson.dumps({"type": "auth", "token": fresh["token"]}).decode())
        assert await receive(kept) == {"kind": "auth", "renewed": True, "expires_at_ms": fresh["expires_at_ms"]}
        await graphql.send(type="ping", payload={"authorization": f"Bearer {fresh['token']}"})
        assert await graphql.message() == {"type": "pong", "payload": {"refreshed": True}}
        broker.now += ACCESS_S - 59
        assert await closing(left) == close_codes.NOT_RENEWED.code
        async with gateway.machine():
            assert (await receive(kept))["kind"] == "proxy.connected"
        operation = await graphql.subscribe("subscription { activity { __typename } }")
        assert await graphql.data(operation)
        broker.now += 61
        assert await closing(kept) == close_codes.NOT_RENEWED.code


async def test_a_link_that_is_not_renewed_ends_after_its_grace_and_comes_back_with_a_renewed_token(
    broker: Broker,
) -> None:
    gateway = broker.gateway
    pair = await gateway.exchange("machine", machine_id="m-1", name="x")
    _, configured = await gateway.token("proxy")
    async with (
        gateway.machine(token=pair["token"], machine_id="m-1") as machine,
        gateway.machine(token=configured, machine_id="old", name="old") as old,
    ):
        broker.now += ACCESS_S + GRACE_S - 1
        pair = {"refresh_token": (await machine.renew(pair["refresh_token"])).refresh_token}
        broker.now += ACCESS_S + GRACE_S + 1
        assert await machine.closed() == close_codes.NOT_RENEWED.code
        assert old.close_code is None
        pair = await renewed(gateway, pair["refresh_token"] or "")
        async with gateway.machine(token=pair["token"], machine_id="m-1") as again:
            assert again.welcome.proxy_id == machine.welcome.proxy_id


async def test_three_days_of_renewals_sleep_and_restarts_leave_as_many_keys_as_an_hour(broker: Broker) -> None:
    """The machine renews its token every ten minutes, sleeps each eight hours, and its broker restarts each five."""
    gateway = broker.gateway
    pair: dict[str, Any] = await gateway.exchange("machine", machine_id="m-1", name="laptop")
    token, refresh = pair["token"], pair["refresh_token"]
    began, sleep_at, restart_at = broker.now, broker.now + 8 * HOUR_S, broker.now + 5 * HOUR_S
    async with gateway.machine(token=token, machine_id="m-1") as machine:
        made = await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
    agent_token, agents = machine.tokens[AgentId(made["id"])], [{"agent": made["id"], "generation": 1}]
    after_an_hour, renewals = 0, 0
    while broker.now < began + 72 * HOUR_S:
        async with gateway.machine(token=token, machine_id="m-1", agents=agents) as machine:
            while broker.now < min(sleep_at, restart_at):
                broker.now += 600
                auth = await machine.renew(refresh)
                token, refresh, renewals = auth.token, auth.refresh_token or "", renewals + 1
                if not after_an_hour and broker.now >= began + HOUR_S:
                    after_an_hour = await broker.keys()
            if broker.now >= sleep_at:
                broker.now += 8 * HOUR_S
                sleep_at = broker.now + 8 * HOUR_S
                assert await machine.closed() == close_codes.NOT_RENEWED.code
        if broker.now >= restart_at:
            await broker.restart()
            restart_at = broker.now + 5 * HOUR_S
        pair = await renewed(gateway, refresh)
        token, refresh = pair["token"], pair["refresh_token"]
    assert renewals > 200
    assert await broker.keys() <= after_an_hour
    told = await gateway.ok("GET", "/v1/whoami", token=agent_token)
    assert told["kind"] == "agent"
