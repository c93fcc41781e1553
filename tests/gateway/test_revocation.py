"""Revocation at every level, while sockets of every kind are open: what hangs on it ends at once, all else goes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from broker.domain.agents.agents import Transport
from broker.domain.errors import NotAuthenticated
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.protocol.proxy import Spawn, Started
from broker.services.people.access import Access, new_token, token_hash
from tests.fixtures.gateway import Gateway, Machine
from tests.fixtures.live_graphql import LiveGraphQL, live

S = "/v1/sessions/main"
ACTIVITY = "subscription { activity { __typename } }"


@dataclass(slots=True, kw_only=True)
class Person:
    """Who makes tokens: a member who signed in, or who holds a key of the workspace."""

    gateway: Gateway
    token: str
    member: str = ""
    key_id: str = ""

    async def mint(self, kind: str) -> tuple[str, str]:
        made = await self.gateway.ok("POST", "/v1/tokens", {"kind": kind, "name": f"{kind} x"}, token=self.token)
        return made["id"], made["token"]


async def an_owner(gateway: Gateway) -> Person:
    await gateway.ok("POST", "/v1/members", {"name": "First", "role": "owner"})
    made = await gateway.ok("POST", "/v1/members", {"name": "Ada", "role": "owner"})
    code = made["url"].partition("#")[2]
    answer = await gateway.call("POST", "/v1/sign-in", {"code": code}, token=None)
    token = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    gateway.client.cookies.clear()
    return Person(gateway=gateway, token=token, member=made["member"]["id"])


async def a_key_holder(gateway: Gateway) -> Person:
    made = await gateway.ok("POST", "/v1/tokens", {"kind": "workspace", "name": "k", "person": True})
    return Person(gateway=gateway, token=made["token"], key_id=made["id"])


@dataclass(slots=True, kw_only=True)
class Scene:
    """Everything that can hang on a person, with a socket open for each; and the same of somebody else."""

    gateway: Gateway
    person: Person
    proxy_id: str
    machines: list[Machine]
    sockets: dict[str, ClientConnection]
    live: dict[str, LiveGraphQL]
    streams: dict[str, asyncio.Task[str]]
    stays: list[LiveGraphQL]
    agent_tokens: list[str]
    tokens: dict[str, str]

    async def all_closed(self) -> dict[str, int]:
        """What each was closed with."""
        async with asyncio.timeout(10):
            for socket in self.sockets.values():
                await socket.wait_closed()
            codes = {name: (await client.closed())[0] for name, client in self.live.items()}
            for stream in self.streams.values():
                assert "UNAUTHENTICATED" in await stream
            for index, machine in enumerate(self.machines):
                codes[f"link {index}"] = await machine.closed()
        return codes | {name: socket.close_code or 0 for name, socket in self.sockets.items()}

    async def goes_on(self) -> None:
        """The others' sockets still tell what happens."""
        await self.gateway.ok("POST", "/v1/sessions", {"name": "later"})
        for client in self.stays:
            operation = await client.subscribe(ACTIVITY)
            assert (await client.data(operation))["activity"]


async def follow(gateway: Gateway, token: str, began: asyncio.Event) -> str:
    """The last that an event stream says."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    url, last = f"{gateway.url}/graphql", ""
    async with gateway.client.stream("POST", url, json={"query": ACTIVITY}, headers=headers) as told:
        async for line in told.aiter_lines():
            if line.startswith("data: "):
                last = line
                began.set()
    return last


async def started(machine: Machine, name: str) -> str:
    """The token of an agent that dials in itself."""
    [spawn] = [each for each in machine.commands if isinstance(each, Spawn) and each.name == name]
    token = new_token(TokenKind.AGENT)
    about = Started(
        agent=spawn.agent,
        generation=spawn.generation,
        version="2.1.112",
        transport=Transport.SDK_URL,
        token_sha256=token_hash(token),
        cwd="/",
    )
    await machine.report(about)
    await machine.until(lambda: machine.acked == machine.sent)
    return token


@contextlib.asynccontextmanager
async def a_scene(gateway: Gateway, person: Person) -> AsyncIterator[Scene]:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    proxy_id, proxy = await person.mint("proxy")
    _, observer = await person.mint("observer")
    share = (await gateway.ok("POST", f"{S}/share", {}, token=person.token))["url"].partition("share=")[2]
    terminal = (await gateway.exchange("terminal", token=person.token))["token"]
    short = (await gateway.exchange("machine", token=proxy, machine_id="short", name="short"))["token"]
    stranger = await gateway.another_workspace()
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        plain = await enter(gateway.machine(token=proxy, machine_id="plain", name="plain"))
        linked = await enter(gateway.machine(token=short, machine_id="short", name="short"))
        theirs = await gateway.ok("POST", f"{S}/agents", {"name": "Theirs", "cli": "demo", "on": "plain"})
        linked.readying = False
        dials = {"name": "Dials", "cli": "demo", "on": "short", "wait": False}
        await gateway.ok("POST", f"{S}/agents", dials)
        await linked.until(lambda: linked.commands)
        agents = [plain.tokens[theirs["id"]], await started(linked, "Dials")]
        headers = {"Authorization": f"Bearer {agents[1]}"}
        sockets = {
            "agent": await enter(connect(f"{gateway.ws_url}/agent/Dials", additional_headers=headers, proxy=None)),
        }
        tokens = {"observer": observer, "share": share, "terminal": terminal, "its agent": agents[0]}
        for name, token in tokens.items():
            sockets[f"events of {name}"] = await enter(gateway.events("main", token=token))
        for socket in sockets.values():
            await socket.recv()
        graphql = {name: await enter(live(gateway, token=token)) for name, token in tokens.items()}
        streams = {}
        for name, token in tokens.items():
            if name != "share":  # what it shows is one session, and this asks for all
                streams[name] = asyncio.create_task(follow(gateway, token, began := asyncio.Event()))
                stack.callback(streams[name].cancel)
                await began.wait()
        yield Scene(
            gateway=gateway,
            person=person,
            proxy_id=proxy_id,
            machines=[plain, linked],
            sockets=sockets,
            live=graphql,
            streams=streams,
            stays=[await enter(live(gateway)), await enter(live(gateway, token=stranger))],
            agent_tokens=agents,
            tokens={**tokens, "proxy": proxy, "short": short},
        )


async def cut(gateway: Gateway) -> None:
    """End every pub/sub connection: what is published until they are back is lost."""
    redis: Any = gateway.adapters.redis
    await redis.client_kill_filter(_type="pubsub")


async def nothing(_gateway: Gateway) -> None:
    """The bus is well."""


Before = Callable[[Gateway], Awaitable[None]]


async def assert_all_ended(scene: Scene) -> None:
    codes = await scene.all_closed()
    assert {name: code for name, code in codes.items() if code not in {4501, 4401}} == {}
    for name, token in scene.tokens.items():
        assert (await scene.gateway.call("GET", "/v1/whoami", token=token)).status_code == 401, name
    for token in scene.agent_tokens:
        answer = await scene.gateway.call("GET", "/v1/whoami", token=token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "TOKEN_REVOKED")
    await scene.goes_on()


@pytest.mark.parametrize("before", [nothing, cut])
async def test_a_member_who_is_removed_takes_along_all_it_has_made(gateway: Gateway, before: Before) -> None:
    person = await an_owner(gateway)
    async with a_scene(gateway, person) as scene:
        await before(gateway)
        told = await gateway.ok("DELETE", f"/v1/members/{person.member}")
        assert told["ended"] == {"tokens": 3, "machines": 2, "agents": 2}
        await assert_all_ended(scene)


@pytest.mark.parametrize("before", [nothing, cut])
async def test_nothing_of_a_member_who_is_suspended_acts_and_all_of_it_is_back_when_they_are_reinstated(
    gateway: Gateway, before: Before
) -> None:
    person = await an_owner(gateway)
    path = f"/v1/members/{person.member}"
    async with a_scene(gateway, person) as scene:
        known = await what_there_is(gateway)
        await before(gateway)
        await gateway.ok("POST", f"{path}/suspend")
        codes = await scene.all_closed()
        assert {name: code for name, code in codes.items() if code not in {4501, 4401}} == {}
        for token in (person.token, *scene.tokens.values(), *scene.agent_tokens):
            answer = await gateway.call("GET", "/v1/whoami", token=token)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "SUSPENDED")
        await scene.goes_on()
        assert await what_there_is(gateway) == known

        await gateway.ok("POST", f"{path}/reinstate")
        async with gateway.machine(token=scene.tokens["proxy"], machine_id="plain", name="plain") as again:
            assert again.welcome.proxy_id in known["proxies"]
            for token in (person.token, *scene.tokens.values(), *scene.agent_tokens):
                assert (await gateway.call("GET", "/v1/whoami", token=token)).status_code == 200


async def what_there_is(gateway: Gateway) -> dict[str, list[str]]:
    """The ids of all that hangs on people."""
    lists = {"tokens": "/v1/tokens", "proxies": "/v1/proxies", "agents": f"{S}/agents", "members": "/v1/members"}
    return {name: [each["id"] for each in (await gateway.ok("GET", path))[name]] for name, path in lists.items()}


@pytest.mark.parametrize("before", [nothing, cut])
async def test_a_key_that_is_revoked_takes_along_all_that_was_made_with_it(gateway: Gateway, before: Before) -> None:
    person = await a_key_holder(gateway)
    async with a_scene(gateway, person) as scene:
        await before(gateway)
        told = await gateway.ok("DELETE", f"/v1/tokens/{person.key_id}")
        assert told["ended"] == {"tokens": 3, "machines": 2, "agents": 2}
        await assert_all_ended(scene)


@pytest.mark.parametrize("before", [nothing, cut])
async def test_the_workspaces_key_that_is_replaced_takes_along_all_that_was_made_with_it(
    gateway: Gateway, before: Before
) -> None:
    person = Person(gateway=gateway, token=gateway.key)
    async with a_scene(gateway, person) as scene:
        await before(gateway)
        scene.gateway.key = new_token(TokenKind.WORKSPACE)
        access = Access(
            gateway.adapters.tokens,
            gateway.adapters.registry,
            gateway.adapters.members,
            gateway.adapters.workspaces,
            gateway.adapters.accounts,
        )
        await access.adopt_workspace(scene.gateway.key, workspace=gateway.workspace, name="w", plan=Plan.TEAM)
        assert (await scene.stays.pop(0).closed())[0] == 4401
        await assert_all_ended(scene)


async def test_a_machines_token_that_is_revoked_ends_its_links_and_its_agents_until_it_is_linked_again(
    gateway: Gateway,
) -> None:
    person = await a_key_holder(gateway)
    async with a_scene(gateway, person) as scene:
        told = await gateway.ok("DELETE", f"/v1/tokens/{scene.proxy_id}")
        assert told["ended"] == {"tokens": 0, "machines": 2, "agents": 2}
        assert [await machine.closed() for machine in scene.machines] == [4501, 4501]
        async with asyncio.timeout(10):
            await scene.sockets["agent"].wait_closed()
            await scene.sockets["events of its agent"].wait_closed()
        [agent, _] = scene.agent_tokens
        for path, body in (("/v1/whoami", None), (f"{S}/agents", {"name": "N", "cli": "demo", "cwd": "/root"})):
            method = "GET" if body is None else "POST"
            answer = await gateway.call(method, path, body, token=agent)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "TOKEN_REVOKED")
        listed = (await gateway.ok("GET", f"{S}/agents"))["agents"]
        assert {each["name"] for each in listed if each["state"] not in {"released", "failed"}} == {"Theirs", "Dials"}
        _, fresh = await gateway.token("proxy")
        running = [{"agent": listed[0]["id"], "generation": 1}]
        async with gateway.machine(token=fresh, machine_id="plain", name="plain", agents=running):
            assert (await gateway.ok("GET", "/v1/whoami", token=agent))["kind"] == "agent"


async def test_what_is_made_while_its_maker_ends_does_not_outlive_it(gateway: Gateway) -> None:
    person = await a_key_holder(gateway)
    access = Access(
        gateway.adapters.tokens,
        gateway.adapters.registry,
        gateway.adapters.members,
        gateway.adapters.workspaces,
        gateway.adapters.accounts,
    )
    caller = await access.authenticate(person.token)
    await gateway.ok("DELETE", f"/v1/tokens/{person.key_id}")
    before = await access.tokens(await access.authenticate(gateway.key))
    for kind in (TokenKind.WORKSPACE, TokenKind.PROXY, TokenKind.OBSERVER):
        with pytest.raises(NotAuthenticated) as refused:
            await access.mint(caller, kind=kind, name="late")
        assert refused.value.code == "TOKEN_REVOKED"
    assert await access.tokens(await access.authenticate(gateway.key)) == before


async def test_another_workspace_is_told_nothing_and_loses_nothing(gateway: Gateway) -> None:
    """Not even where ids are the same, as the first keys of earlier versions are."""
    other = await gateway.another_workspace()
    async with live(gateway, token=other) as theirs, live(gateway) as mine:
        operations = [await client.subscribe(ACTIVITY) for client in (theirs, mine)]
        for client, operation in zip((theirs, mine), operations, strict=True):
            await client.data(operation)
        access = Access(
            gateway.adapters.tokens,
            gateway.adapters.registry,
            gateway.adapters.members,
            gateway.adapters.workspaces,
            gateway.adapters.accounts,
        )
        await access.adopt_workspace(
            new_token(TokenKind.WORKSPACE), workspace=gateway.workspace, name="w", plan=Plan.TEAM
        )
        assert (await mine.closed())[0] == 4401
        again = await theirs.subscribe(ACTIVITY)
        assert (await theirs.data(again))["activity"]


async def test_a_key_with_the_id_of_earlier_versions_goes_on_and_is_replaced(gateway: Gateway) -> None:
    adapters, workspace = gateway.adapters, gateway.workspace
    access = Access(adapters.tokens, adapters.registry, adapters.members, adapters.workspaces, adapters.accounts)
    redis: Any = adapters.redis
    root = f"rc:{{{workspace}}}"
    own = await redis.hget(root, "key")
    row = await redis.hget(f"{root}:tokens", own)
    owner = await redis.get(f"rc:token:{token_hash(gateway.key)}")
    await redis.hdel(root, "key")
    await redis.hdel(f"{root}:tokens", own)
    await redis.hset(f"{root}:tokens", "workspace", row.replace(own, "workspace"))
    await redis.set(f"rc:token:{token_hash(gateway.key)}", owner.replace(own, "workspace"))
    assert (await access.authenticate(gateway.key)).token_id == "workspace"
    await access.adopt_workspace(gateway.key, workspace=workspace, name="w", plan=Plan.PRO)
    assert (await access.authenticate(gateway.key)).token_id == "workspace"
    made = await gateway.token("observer")
    async with live(gateway) as client:
        fresh = new_token(TokenKind.WORKSPACE)
        await access.adopt_workspace(fresh, workspace=workspace, name="w", plan=Plan.PRO)
        assert (await client.closed())[0] == 4401
    assert (await access.authenticate(fresh)).token_id not in {"workspace", own}
    assert (await gateway.call("GET", "/v1/whoami", token=made[1])).status_code == 401
    assert (await gateway.call("GET", "/v1/whoami")).status_code == 401
