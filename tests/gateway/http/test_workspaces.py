"""Workspaces over HTTP: what requests name, what people and the installation's keys may do, and who stays apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from broker.domain.operations.administrators import ADMINISTRATOR_PREFIX, Administrator
from broker.domain.people.workspaces import SignUp
from broker.gateway.http.workspaces import AdministrationApi, WorkspacesApi
from broker.services.people.access import token_hash
from tests.fixtures.callers import MAY, a_caller
from tests.fixtures.gateway import Gateway, closing, serving

ADMIN = "/v1/admin/workspaces"


@pytest_asyncio.fixture(loop_scope="session")
async def key(gateway: Gateway) -> str:
    """A key of the installation."""
    made = ADMINISTRATOR_PREFIX + uuid4().hex
    administrator = Administrator(id=uuid4().hex, name="operator")
    await gateway.adapters.administrators.put_in_place(administrator, sha256=token_hash(made))
    return made


async def created(gateway: Gateway, key: str, **about: str) -> dict[str, Any]:
    answer = await gateway.call("POST", "/v1/workspaces", {"name": f"Acme {uuid4().hex}", **about}, token=key)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["data"]
    return made


def within(gateway: Gateway, made: dict[str, Any]) -> Gateway:
    """The same broker, as seen from another of its workspaces."""
    return replace(gateway, key=made["key"], workspace=made["id"])


async def test_the_installations_key_makes_a_workspace_and_nobody_else_does(gateway: Gateway, key: str) -> None:
    made = await created(gateway, key, owner="Ada", plan="pro")
    assert made["slug"].startswith("acme-")
    assert (made["plan"], made["state"], made["ends_at_ms"]) == ("pro", "active", None)
    whoami = await gateway.ok("GET", "/v1/whoami", token=made["key"])
    assert whoami["workspace"] == {"id": made["id"], "slug": made["slug"], "plan": "pro"}
    signed_in = await gateway.call("POST", "/v1/sign-in", {"code": made["sign_in_url"].partition("#")[2]}, token=None)
    gateway.client.cookies.clear()
    assert signed_in.json()["data"]["role"] == "owner"
    for token, status in ((gateway.key, 403), (None, 403), (key[:-1], 401), (ADMINISTRATOR_PREFIX, 401)):
        refused = await gateway.call("POST", "/v1/workspaces", {"name": "x"}, token=token)
        assert refused.status_code == status, refused.text


async def test_a_request_reaches_the_workspace_that_it_names_or_none(gateway: Gateway, key: str) -> None:
    made = await created(gateway, key)
    own = within(gateway, made)
    named = {"Relaycast-Workspace": made["slug"]}
    for name in (made["slug"], made["id"]):
        assert (await own.ok("GET", f"/w/{name}/v1/whoami"))["workspace"]["id"] == made["id"]
    assert (await own.ok("GET", "/v1/whoami", **named))["workspace"]["id"] == made["id"]
    both = await own.call("GET", f"/w/{made['id']}/v1/whoami", **named)
    assert (both.status_code, both.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")


async def test_another_workspace_and_one_that_is_not_there_are_told_apart_by_nobody(gateway: Gateway, key: str) -> None:
    mine, theirs = within(gateway, await created(gateway, key)), await created(gateway, key)
    names = (theirs["slug"], theirs["id"], "nobodys")
    async with mine.machine() as machine:
        for kind in MAY:
            token = (await a_caller(mine, machine, kind)).token
            answers = {name: await mine.call("GET", f"/w/{name}/v1/whoami", token=token) for name in names}
            assert {each.status_code for each in answers.values()} == {404}, kind
            assert len({each.text.replace(name, "…") for name, each in answers.items()}) == 1, kind
            query = {"query": "{ viewer { name } }"}
            headers = {"content-type": "application/json"}
            graphql = await mine.call("POST", f"/w/{theirs['slug']}/graphql", query, token=token, **headers)
            assert graphql.json()["errors"][0]["extensions"]["code"] == "WORKSPACE_NOT_FOUND", kind


async def test_sockets_and_tools_reach_the_workspace_that_they_name_or_none(gateway: Gateway, key: str) -> None:
    made, theirs = await created(gateway, key), await created(gateway, key)
    mine = within(gateway, made)
    async with mine.machine() as machine:
        agent = (await a_caller(mine, machine, "agent")).token
        wrong = await mine.call("POST", f"/w/{theirs['slug']}/mcp", {}, token=agent)
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (404, "WORKSPACE_NOT_FOUND")
        for name, code in ((theirs["slug"], 4504), (made["slug"], None)):
            headers = {"Authorization": f"Bearer {made['key']}"}
            url = f"{mine.ws_url}/w/{name}/v1/sessions/main/events"
            async with connect(url, additional_headers=headers, proxy=None) as socket:
                if code is None:
                    assert b"hello" in (await socket.recv(decode=False))
                else:
                    assert await closing(socket) == code


async def test_ids_and_names_of_one_workspace_mean_nothing_in_another(gateway: Gateway, key: str) -> None:
    """The same session name and the same machine, each in both, of one process."""
    one, two = within(gateway, await created(gateway, key)), within(gateway, await created(gateway, key))
    async with one.machine(), two.machine():
        ids = {}
        for each in (one, two):
            [session] = (await each.ok("GET", "/v1/sessions"))["sessions"]
            [proxy] = (await each.ok("GET", "/v1/proxies"))["proxies"]
            ids[each.workspace] = (session["id"], proxy["id"])
        assert not set(ids[one.workspace]) & set(ids[two.workspace])
        for asking, other in ((one, two), (two, one)):
            session, proxy = ids[other.workspace]
            assert (await asking.call("GET", f"/v1/sessions/{session}")).status_code == 404
            assert (await asking.call("DELETE", f"/v1/proxies/{proxy}")).status_code == 404


async def test_an_owner_renames_puts_away_and_restores_their_workspace(gateway: Gateway, key: str) -> None:
    made = await created(gateway, key)
    mine, slug = within(gateway, made), f"{made['slug']}-too"
    renamed = await mine.ok("PATCH", "/v1/workspace", {"name": "Other", "slug": slug})
    assert (renamed["name"], renamed["slug"]) == ("Other", slug)
    assert [each["slug"] for each in (await mine.ok("GET", "/v1/workspaces"))["workspaces"]] == [slug]
    for old in (slug, made["slug"]):
        assert (await mine.ok("GET", f"/w/{old}/v1/workspace"))["name"] == "Other"
    for method, path, state in (("POST", "/v1/workspace/archive", "archived"), ("DELETE", "/v1/workspace", "deleted")):
        assert (await mine.ok(method, path))["state"] == state
        away = await mine.call("GET", "/v1/whoami")
        assert (away.status_code, away.json()["error"]["code"]) == (401, f"WORKSPACE_{state.upper()}")
        assert (await mine.ok("POST", f"/w/{slug}/v1/workspace/restore"))["state"] == "active"
    assert (await mine.ok("GET", "/v1/whoami"))["name"] == "operator"


async def test_everything_that_is_open_in_a_workspace_closes_when_it_is_put_away(gateway: Gateway, key: str) -> None:
    made, neighbour = await created(gateway, key), within(gateway, await created(gateway, key))
    mine = within(gateway, made)
    async with mine.machine() as machine, neighbour.machine() as stays, mine.events("main") as events:
        await mine.ok("POST", f"{ADMIN}/{made['slug']}/archive", token=key)
        assert await machine.closed() == 4501
        assert await closing(events) == 4501
        assert stays.close_code is None
        await neighbour.ok("POST", "/v1/sessions/main/agents", {"name": "Works", "cli": "demo"})


ROUTES: list[tuple[str, str, object, str]] = [
    ("POST", "/v1/workspaces", {"name": "x"}, "nobody"),
    ("GET", "/v1/workspaces", None, "any"),
    ("GET", "/v1/workspace", None, "any"),
    ("PATCH", "/v1/workspace", {"name": "x"}, "administer"),
    ("POST", "/v1/workspace/archive", None, "own"),
    ("POST", "/v1/workspace/restore", None, "own"),
    ("DELETE", "/v1/workspace", None, "own"),
]
ADMIN_ROUTES: list[tuple[str, str, object]] = [
    ("GET", ADMIN, None),
    ("GET", f"{ADMIN}/{{workspace}}", None),
    ("PATCH", f"{ADMIN}/{{workspace}}", {"name": "x"}),
    ("DELETE", f"{ADMIN}/{{workspace}}", {}),
    ("POST", f"{ADMIN}/{{workspace}}/archive", None),
    ("POST", f"{ADMIN}/{{workspace}}/restore", None),
]


def test_the_tables_name_every_route() -> None:
    for table, api in (([r[:2] for r in ROUTES], WorkspacesApi), ([r[:2] for r in ADMIN_ROUTES], AdministrationApi)):
        served = {
            (method, route.path)  # type: ignore[attr-defined]
            for route in api(None).routes()  # type: ignore[arg-type]
            for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
        }
        assert set(table) == served


@pytest.mark.parametrize("kind", MAY)
async def test_each_caller_may_what_the_table_says_and_nothing_of_the_installation(
    gateway: Gateway, key: str, kind: str
) -> None:
    made, other = await created(gateway, key), await created(gateway, key)
    mine = within(gateway, made)
    async with mine.machine() as machine:
        caller = await a_caller(mine, machine, kind)
        for method, path, body, needs in ROUTES:
            answer = await mine.call(method, path, body, token=caller.token)
            assert (answer.status_code == 200) == (needs in MAY[kind]), (method, path, answer.text)
            await mine.ok("POST", f"{ADMIN}/{made['id']}/restore", token=key)
        for method, path, body in ADMIN_ROUTES:
            for workspace in (made["slug"], other["slug"], "nobodys"):
                answer = await mine.call(method, path.format(workspace=workspace), body, token=caller.token)
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED"), path


async def test_the_installations_key_sees_sizes_and_health_and_no_contents(gateway: Gateway, key: str) -> None:
    made = await created(gateway, key, owner="Ada")
    mine = within(gateway, made)
    async with mine.machine(name="secret-laptop") as machine:
        spawned = await mine.ok("POST", "/v1/sessions/main/agents", {"name": "secret-agent", "cli": "demo"})
        await mine.ok("POST", "/v1/sessions/main/messages", {"to": "secret-agent", "text": "secret-words"})
        seen = await gateway.call("GET", f"{ADMIN}/{made['slug']}", token=key)
        sizes = seen.json()["data"]["sizes"]
        assert [sizes[of] for of in ("members", "sessions", "machines", "machines_online", "agents")] == [1] * 5
        for secret in ("secret", "Ada", spawned["id"], machine.welcome.session, machine.welcome.proxy_id):
            assert secret not in seen.text
        for path in ("/v1/whoami", "/v1/sessions", "/v1/sessions/main/events", "/v1/members", "/v1/workspace"):
            for address in (path, f"/w/{made['slug']}{path}"):
                refused = await gateway.call("GET", address, token=key)
                assert (refused.status_code, refused.json()["error"]["code"]) == (401, "UNAUTHENTICATED"), address


async def test_all_workspaces_are_listed_page_by_page(gateway: Gateway, key: str) -> None:
    made = {(await created(gateway, key))["id"] for _ in range(3)}
    found: list[str] = []
    after = ""
    while True:
        page = await gateway.ok("GET", f"{ADMIN}?limit=20{after}", token=key)
        found += [each["id"] for each in page["workspaces"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert made <= set(found)
    assert found == sorted(set(found))


async def test_the_installations_key_changes_plan_and_name_and_deletes(gateway: Gateway, key: str) -> None:
    made = await created(gateway, key, plan="free")
    mine, path = within(gateway, made), f"{ADMIN}/{made['slug']}"
    changed = await gateway.ok("PATCH", path, {"plan": "pro", "name": "Renamed"}, token=key)
    assert (changed["plan"], changed["name"]) == ("pro", "Renamed")
    assert (await mine.ok("GET", "/v1/whoami"))["workspace"]["plan"] == "pro"
    later = (await gateway.ok("DELETE", path, {}, token=key))["ends_at_ms"]
    soon = (await gateway.ok("DELETE", path, {"at_once": True}, token=key))["ends_at_ms"]
    assert 0 < soon < later
    assert (await gateway.ok("POST", f"{path}/restore", token=key))["ends_at_ms"] is None
    missing = await gateway.call("POST", f"{ADMIN}/nobodys/archive", token=key)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "WORKSPACE_NOT_FOUND")


@pytest_asyncio.fixture(loop_scope="session")
async def open_gateway(redis_url: str, gateway: Gateway) -> AsyncIterator[Gateway]:
    """One that lets anybody make a workspace."""
    async with serving(redis_url, sign_up=SignUp.OPEN) as url:
        yield replace(gateway, url=url)


async def test_where_sign_up_is_open_anybody_makes_a_small_workspace_of_their_own(
    open_gateway: Gateway, client: httpx.AsyncClient
) -> None:
    about = {"name": f"Acme {uuid4().hex}", "owner": "Ada"}
    made = await open_gateway.call("POST", "/v1/workspaces", about, token=None)
    assert made.status_code == 201, made.text
    assert made.json()["data"]["plan"] == "free"
    chosen = await open_gateway.call("POST", "/v1/workspaces", {**about, "plan": "team"}, token=None)
    assert (chosen.status_code, chosen.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")
    foreign = await client.post(
        f"{open_gateway.url}/v1/workspaces", json=about, headers={"Origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
