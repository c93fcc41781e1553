"""Which workspace a request is for: somebody in several says so by the path or a header, at every door alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from broker.app import build_adapters, build_app
from broker.gateway.dashboard import Dashboard
from broker.protocol import close_codes
from broker.protocol.proxy import SUBPROTOCOL, write
from broker.settings import Settings
from tests.fixtures.callers import elsewhere
from tests.fixtures.desk import a_hello
from tests.fixtures.gateway import Gateway
from tests.fixtures.live_graphql import PROTOCOL
from tests.gateway.test_who_may_what import in_both

HEADER = "Relaycast-Workspace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """How a request names a workspace."""

    token: str
    path: str = ""
    header: str = ""

    @property
    def prefix(self) -> str:
        return f"/w/{self.path}" if self.path else ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **({HEADER: self.header} if self.header else {})}


Door = Callable[[Gateway, Named], Awaitable[str]]


async def api(gateway: Gateway, named: Named) -> str:
    answer = await gateway.client.get(f"{gateway.url}{named.prefix}/v1/whoami", headers=named.headers)
    if answer.status_code == 200:
        return str(answer.json()["data"]["workspace"]["id"])
    return f"{answer.status_code} {answer.json()['error']['code']}"


async def graphql(gateway: Gateway, named: Named, *, accept: str = "application/json") -> str:
    body = {"query": "{ viewer { workspace { key } } }"}
    headers = {**named.headers, "accept": accept}
    answer = await gateway.client.post(f"{gateway.url}{named.prefix}/graphql", json=body, headers=headers)
    told = answer.json()
    if "errors" in told:
        return f"{answer.status_code} {told['errors'][0]['extensions']['code']}"
    return str(told["data"]["viewer"]["workspace"]["key"])


async def tools(gateway: Gateway, named: Named) -> str:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {**named.headers, "accept": "application/json, text/event-stream"}
    answer = await gateway.client.post(f"{gateway.url}{named.prefix}/mcp", json=body, headers=headers)
    return f"{answer.status_code} {answer.json()['error']['code']}"


async def socket(
    gateway: Gateway, named: Named, path: str, *, protocol: Subprotocol | None = None, says: str = ""
) -> str:
    """The close code, or what the gateway says first."""
    opened = connect(
        f"{gateway.ws_url}{named.prefix}{path}",
        additional_headers=named.headers,
        subprotocols=[protocol] if protocol else None,
        proxy=None,
    )
    async with opened as peer, asyncio.timeout(10):
        try:
            if says:
                await peer.send(says)
            await peer.recv()
        except ConnectionClosed:
            return str(peer.close_code)
    return "open"


async def events(gateway: Gateway, named: Named) -> str:
    return await socket(gateway, named, "/v1/sessions/main/events")


async def link(gateway: Gateway, named: Named) -> str:
    hello = write(a_hello(machine_id="m-naming", name="n", session="main"))
    return await socket(gateway, named, "/proxy", protocol=Subprotocol(SUBPROTOCOL), says=hello)


async def agent(gateway: Gateway, named: Named) -> str:
    return await socket(gateway, named, "/agent/Worker")


async def live(gateway: Gateway, named: Named) -> str:
    return await socket(gateway, named, "/graphql", protocol=PROTOCOL, says='{"type":"connection_init"}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a door says."""

    nothing: str
    """To somebody in several workspaces who names none."""
    two: str
    """To a path and a header that name two."""
    nowhere: str
    """To the name of a workspace that the caller is not in, or that is nobody's: the same."""
    lets_in: str = ""
    """Where all is well; '' for the workspace's id."""


REFUSED = Answers(nothing="400 WORKSPACE_REQUIRED", two="400 INVALID_ARGUMENT", nowhere="404 WORKSPACE_NOT_FOUND")
FORBIDDEN = "4403"
"""Of graphql-transport-ws, which knows no other code for what may not be begun."""
DOORS: dict[Door, Answers] = {
    api: REFUSED,
    graphql: REFUSED,
    tools: replace(REFUSED, lets_in="403 NOT_PERMITTED"),  # for agents alone, whoever it is
    events: Answers(
        nothing=str(close_codes.BAD_MESSAGE.code),
        two=str(close_codes.BAD_MESSAGE.code),
        nowhere=str(close_codes.UNKNOWN.code),
        lets_in="open",
    ),
    link: Answers(
        nothing=str(close_codes.NOT_PERMITTED.code),
        two=str(close_codes.NOT_PERMITTED.code),
        nowhere=str(close_codes.UNKNOWN.code),
        lets_in=str(close_codes.NOT_PERMITTED.code),  # a person's sign-in links no machine: a token of theirs does
    ),
    agent: Answers(nothing="4003", two="4003", nowhere="4003", lets_in="4001"),  # as old CLIs know them
    live: Answers(nothing=FORBIDDEN, two=FORBIDDEN, nowhere=FORBIDDEN, lets_in="open"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Three:
    """Workspaces with their slugs: two that Ada is in, and another."""

    one: Gateway
    two: Gateway
    slugs: tuple[str, str, str]
    ada: str


@pytest_asyncio.fixture(loop_scope="session")
async def three(gateway: Gateway) -> Three:
    two, other = await elsewhere(gateway), await elsewhere(gateway)
    for each in (gateway, two, other):
        await each.ok("POST", "/v1/sessions", {"name": "main"})
    slugs = [(await each.ok("GET", "/v1/whoami"))["workspace"]["slug"] for each in (gateway, two, other)]
    return Three(one=gateway, two=two, slugs=(slugs[0], slugs[1], slugs[2]), ada=await in_both(gateway, two))


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
async def test_a_person_in_several_names_one_at_every_door(three: Three, door: Door) -> None:
    answers, (one, two, _) = DOORS[door], three.slugs
    assert await door(three.one, Named(token=three.ada)) == answers.nothing
    for where, named in (
        (three.one, Named(token=three.ada, path=one)),
        (three.two, Named(token=three.ada, header=two)),
        (three.two, Named(token=three.ada, path=two, header=two)),
        (three.one, Named(token=three.ada, path=three.one.workspace)),
    ):
        assert await door(three.one, named) == (answers.lets_in or where.workspace), named


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
async def test_a_path_and_a_header_that_name_two_are_refused_whoever_asks(three: Three, door: Door) -> None:
    one, two, other = three.slugs
    for token in (three.ada, three.one.key):
        for path, header in ((one, two), (two, one), (one, other), (other, one)):
            assert await door(three.one, Named(token=token, path=path, header=header)) == DOORS[door].two


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
async def test_a_workspace_that_is_another_ones_is_as_one_that_is_nobodys(three: Three, door: Door) -> None:
    _, two, other = three.slugs
    for token, names in ((three.ada, (other, "nobodys")), (three.one.key, (two, other, "nobodys"))):
        for name in names:
            for named in (Named(token=token, path=name), Named(token=token, header=name)):
                assert await door(three.one, named) == DOORS[door].nowhere, named


async def test_every_door_of_a_workspace_is_in_the_table() -> None:
    """A socket or an application that is added is to be tried here, too. Other routes of `/v1` are one door."""
    app = build_app(Settings(), adapters=build_adapters("redis://127.0.0.1:1"))
    sockets = {each.path for each in app.routes if isinstance(each, WebSocketRoute)}
    assert sockets == {"/v1/sessions/{session}/events", "/proxy", "/agent/{name}", "/graphql"}
    pages = {each.path for each in Dashboard().routes() if isinstance(each, Route)}
    routes = {each.path for each in app.routes if isinstance(each, Route)} - pages
    assert {each for each in routes if not each.startswith("/v1/")} == {
        "/graphql",
        "/mcp",
        "/healthz",
        "/readyz",
        "/metrics",
    }
