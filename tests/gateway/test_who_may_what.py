"""Who may what over HTTP: every route that the application serves, by every kind of caller, as one table says."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from broker.app import build_app
from broker.protocol import close_codes
from broker.protocol.proxy import write
from broker.settings import Settings
from tests.fixtures.callers import MAY, Caller, a_caller, elsewhere
from tests.fixtures.desk import a_hello
from tests.fixtures.gateway import Gateway
from tests.gateway.http.test_workspaces import ADMIN_ROUTES
from tests.gateway.http.test_workspaces import ROUTES as WORKSPACE_ROUTES
from tests.gateway.test_shared_sessions import BODIES, PUBLIC, SIGNED, Served, served
from tests.gateway.test_tenancy import ROUTES, furnish

OF_ANYBODY = (
    PUBLIC
    | SIGNED
    | {
        ("GET", "/v1/sign-in"),
        ("POST", "/v1/sign-in"),
        ("POST", "/v1/sign-in/single-sign-on"),
        ("GET", "/v1/single-sign-on/answer"),
        ("POST", "/v1/sign-out"),
        ("GET", "/v1/sign-ins"),
        ("DELETE", "/v1/sign-ins/{sign_in}"),
        ("POST", "/v1/auth/refresh"),
        ("POST", "/v1/enrol"),
        ("POST", "/v1/invitations/look"),
        ("POST", "/v1/invitations/accept"),
        ("POST", "/v1/workflows/webhooks/{workspace}/{run}/{effect}/{token}"),
    }
)
"""What needs no token, or brings its own; and what would end a caller's before the others are tried."""
OF_A_WHOLE_WORKSPACE: set[Served] = {
    *((method, path) for method, path, _ in ADMIN_ROUTES),
    *((method, path) for method, path, _, _ in WORKSPACE_ROUTES if method != "GET"),
}
"""What makes one, puts it away or is for the installation: that has tables of its own, for it would end the others."""
FIELD_BY_FIELD: set[Served] = {("POST", "/graphql")}
NEEDS: dict[Served, str] = {
    **{(method, path): "spawn" if needs in {"resume", "decide"} else needs for method, path, _, needs in ROUTES},
    ("GET", "/v1/rules"): "read_workspace",
    ("GET", "/v1/proxies"): "read_workspace",
    ("GET", "/v1/audit"): "administer",
    ("GET", "/v1/audit/chain"): "administer",
    ("GET", "/v1/audit/imported"): "administer",
    ("GET", "/v1/audit/imported/{trail}/chain"): "administer",
    ("GET", "/v1/hooks"): "read_workspace",
    ("GET", "/v1/hooks/runs"): "read_workspace",
    ("POST", "/v1/workflows/check"): "spawn",
    ("POST", "/v1/hooks/check"): "administer",
    ("POST", "/v1/hooks/test"): "administer",
    ("POST", "/v1/hooks/test/runs"): "administer",
    ("GET", "/v1/hooks/dead-letters"): "read_workspace",
    ("POST", "/v1/hooks/runs/{run}/resend"): "administer",
    ("PUT", "/v1/hooks"): "administer",
    ("PUT", "/v1/hooks/paused"): "administer",
    ("DELETE", "/v1/hooks"): "administer",
    ("GET", "/v1/single-sign-on"): "administer",
    ("PUT", "/v1/single-sign-on"): "own",
    ("DELETE", "/v1/single-sign-on"): "own",
    ("GET", "/v1/secrets"): "administer",
    ("POST", "/v1/secrets"): "administer",
    ("DELETE", "/v1/secrets/{secret}"): "administer",
    ("GET", "/v1/sessions/{session}/log"): "read",
    ("GET", "/v1/logs/search"): "read",
    ("GET", "/v1/logs/histogram"): "read",
    ("GET", "/v1/logs/facets"): "read",
    ("GET", "/v1/usage"): "meter",
    ("GET", "/v1/plan"): "meter",
    ("GET", "/v1/budgets"): "read budgets",
    ("PUT", "/v1/budgets"): "bill",
    ("POST", "/v1/budgets/raise"): "bill",
    ("DELETE", "/v1/budgets"): "bill",
    ("GET", "/v1/pauses"): "read budgets",
    ("GET", "/v1/sessions/{session}/pauses"): "read",
    ("GET", "/v1/sessions/{session}/agents/{name}/pauses"): "read",
    ("GET", "/v1/billing"): "meter",
    ("PUT", "/v1/billing/plan"): "bill",
    ("POST", "/v1/billing/cancel"): "bill",
    ("POST", "/v1/billing/keep"): "bill",
    ("POST", "/v1/billing/portal"): "bill",
    ("GET", "/v1/billing/invoices"): "bill",
    ("GET", "/v1/meters"): "meter",
    ("GET", "/v1/meters/reconciliation"): "meter",
    ("GET", "/v1/status"): "administer",
    ("GET", "/v1/workspaces"): "any",
    ("GET", "/v1/workspace"): "any",
    ("GET", "/v1/members"): "administer",
    ("GET", "/v1/invitations"): "administer",
    ("POST", "/v1/invitations"): "administer",
    ("POST", "/v1/invitations/{invitation}/send-again"): "administer",
    ("DELETE", "/v1/invitations/{invitation}"): "administer",
    ("GET", "/v1/groups"): "read_workspace",
    ("POST", "/v1/groups"): "administer",
    ("GET", "/v1/groups/{group}"): "read_workspace",
    ("PATCH", "/v1/groups/{group}"): "administer",
    ("DELETE", "/v1/groups/{group}"): "administer",
    ("GET", "/v1/groups/{group}/members"): "administer",
    ("PUT", "/v1/groups/{group}/members/{member}"): "administer",
    ("DELETE", "/v1/groups/{group}/members/{member}"): "administer",
    ("GET", "/v1/sessions/{session}/access"): "read_workspace",
    ("PUT", "/v1/sessions/{session}/access"): "administer",
    ("GET", "/v1/machine-codes"): "administer",
    ("POST", "/v1/machine-codes"): "administer",
    ("DELETE", "/v1/machine-codes/{code}"): "administer",
    ("POST", "/v1/sessions/{session}/share"): "administer",
    ("GET", "/v1/redaction"): "administer",
    ("PUT", "/v1/redaction"): "administer",
    ("GET", "/v1/retention"): "administer",
    ("PUT", "/v1/retention"): "administer",
    ("GET", "/v1/export"): "administer",
    ("GET", "/v1/export/rows"): "administer",
    ("POST", "/v1/import"): "administer",
    ("POST", "/v1/import/rows"): "administer",
    ("POST", "/v1/import/trail"): "administer",
    ("DELETE", "/v1/logs"): "administer",
    ("DELETE", "/v1/sessions/{session}"): "administer",
    # The member of these is an owner, or becomes one.
    ("POST", "/v1/members"): "own",
    ("PATCH", "/v1/members/{member}"): "own",
    ("DELETE", "/v1/members/{member}"): "own",
    ("DELETE", "/v1/members/{member}/sign-ins"): "own",
    ("POST", "/v1/members/{member}/suspend"): "own",
    ("POST", "/v1/members/{member}/erase"): "own",
    ("POST", "/v1/members/{member}/reinstate"): "own",
    ("POST", "/v1/members/{member}/link"): "own",
    ("POST", "/v1/auth/exchange"): "exchange",
    ("POST", "/mcp"): "tools",
}
"""What each route needs, in the words of `MAY`. Its body is good, so that only the caller decides."""
_BODIES: dict[Served, object] = {("PATCH", "/v1/members/{member}"): {"role": "admin"}}
BY_LINEAGE = {
    *("/v1/sessions/{session}/agents/{name}" + each for each in ("", "/interrupt", "/resume")),
    *("/v1/workflows/runs/{run}" + each for each in ("/cancel", "/resume", "/rerun", "/budget", "/vote")),
    *("/v1/workflows/runs/{run}/steps/{step}" + each for each in ("/retry", "/skip", "/fail")),
    *("/v1/sessions/{session}/channels/{channel}/members" + each for each in ("", "/{name}")),
}
"""Agents do this to those that they spawned, and to runs that they started, only."""
BEYOND_ITS_SESSION = {("service in a session", ("POST", "/v1/workflows/runs"))}
"""A run is started on a machine that its caller chooses: who is limited to sessions sees none."""


def test_the_table_has_every_route(gateway: Gateway) -> None:
    assert set(NEEDS) == served(build_app(Settings(), adapters=gateway.adapters)) - OF_ANYBODY - FIELD_BY_FIELD - (
        OF_A_WHOLE_WORKSPACE
    )


def in_order() -> list[Served]:
    """What takes things away comes last."""
    return sorted(NEEDS, key=lambda route: (route == ("DELETE", "/v1/sessions/{session}"), route[0] == "DELETE", route))


async def call(gateway: Gateway, route: Served, ids: dict[str, str], token: str, *, within: str = "") -> httpx.Response:
    method, path = route
    query = "?field=kind" if path.endswith("/facets") else "?wait=false" if "/agents" in path else ""
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    body = _BODIES.get(route, BODIES.get(route))
    return await gateway.call(method, within + path.format(**ids) + query, body, token=token, **headers)


async def furnished(gateway: Gateway, machine: object) -> dict[str, str]:
    """One of everything, and an owner."""
    ids = (await furnish(gateway, machine)).ids
    made = await gateway.ok("POST", "/v1/members", {"name": "Olga", "role": "owner"})
    return {**ids, "member": made["member"]["id"]}


@pytest.mark.parametrize("kind", MAY)
async def test_each_caller_may_what_the_table_says_and_nothing_else(gateway: Gateway, kind: str) -> None:
    async with gateway.machine() as machine:
        caller = await a_caller(gateway, machine, kind)
        ids = await furnished(gateway, machine)
        for route in in_order():
            answer = await call(gateway, route, ids, caller.token)
            if NEEDS[route] not in MAY[kind] or (kind, route) in BEYOND_ITS_SESSION:
                unseen = kind == "billing" and answer.status_code == 404  # as a session that is not there
                assert answer.status_code == 403 or (unseen and "{" in route[1]), (route, answer.text)
            elif kind != "agent" or route[1] not in BY_LINEAGE:
                assert answer.status_code not in {401, 403, 500}, (route, answer.text)


@pytest.mark.parametrize("kind", MAY)
async def test_whoever_was_revoked_may_nothing(gateway: Gateway, kind: str) -> None:
    async with gateway.machine() as machine:
        ids = await furnished(gateway, machine)
        caller = await a_caller(gateway, machine, kind)
        await caller.end()
        for route in in_order():
            answer = await call(gateway, route, ids, caller.token)
            assert answer.status_code == 401, (route, answer.text)
            assert answer.json()["error"]["code"] in {"UNAUTHENTICATED", "TOKEN_REVOKED"}, route


OF_A_PERSON = ("owner", "viewer", "billing", "personal", "member's terminal", "member's machine")


@pytest.mark.parametrize("kind", OF_A_PERSON)
async def test_whoever_is_suspended_may_nothing(gateway: Gateway, kind: str) -> None:
    async with gateway.machine() as machine:
        ids = await furnished(gateway, machine)
        caller = await a_caller(gateway, machine, kind)
        assert caller.suspend is not None
        await caller.suspend()
        for route in in_order():
            answer = await call(gateway, route, ids, caller.token)
            if route == ("GET", "/v1/workspaces") and answer.status_code == 200:
                continue  # of the person, who may be in others
            assert (answer.status_code, answer.json().get("error", {}).get("code")) == (401, "SUSPENDED"), route


@pytest.mark.parametrize("kind", MAY)
async def test_whoever_is_of_another_workspace_meets_nothing_of_this_one(gateway: Gateway, kind: str) -> None:
    other = await elsewhere(gateway)
    async with gateway.machine() as machine, other.machine(machine_id="theirs", name="theirs") as theirs:
        caller = await a_caller(other, theirs, kind)
        ids = await furnished(gateway, machine)
        before = await untouched(gateway)
        for route in in_order():
            answer = await call(gateway, route, ids, caller.token)
            assert answer.status_code not in {401, 500}, (route, answer.text)
            if NEEDS[route] not in MAY[kind]:
                assert answer.status_code in {403, 404}, (route, answer.text)
            elif "{" in route[1]:
                assert answer.status_code == 404, (route, answer.text)
            for value in (*ids.values(), "secret-words", gateway.workspace):
                if value not in route[1].format(**ids) and value not in {"Worker", "%23dev"}:
                    assert value not in answer.text, route
        assert await untouched(gateway) == before


async def untouched(gateway: Gateway) -> list[object]:
    """All that a stranger might have changed."""
    agents = (await gateway.ok("GET", "/v1/sessions/main/agents"))["agents"]
    kept = [each for path in ("members", "tokens", "rules") for each in (await gateway.ok("GET", f"/v1/{path}"))[path]]
    return [[(each["id"], each["generation"]) for each in agents], kept, (await gateway.ok("GET", "/v1/sessions"))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What a caller met at each socket: a close code, or None when it was let in."""

    events: int | None
    link: int | None
    agent: int | None


async def doors(gateway: Gateway, caller: Caller) -> Doors:
    headers = {"Authorization": f"Bearer {caller.token}"}
    async with gateway.proxy_socket(token=caller.token) as link:
        with contextlib.suppress(ConnectionClosed):  # one that was revoked is not asked for a hello
            await link.send(write(a_hello(machine_id=caller.machine, name="n", session="main")))
        at_link = await met(link)
    async with gateway.events("main", token=caller.token) as events:
        at_events = await met(events)
    async with connect(f"{gateway.ws_url}/agent/Worker", additional_headers=headers, proxy=None) as agent:
        return Doors(events=at_events, link=at_link, agent=await met(agent))


async def met(socket: ClientConnection) -> int | None:
    try:
        async with asyncio.timeout(10):
            await socket.recv()
    except ConnectionClosed:
        return socket.close_code
    return None


@pytest.mark.parametrize("kind", MAY)
async def test_each_caller_opens_the_sockets_that_the_table_says_and_none_once_it_was_revoked(
    gateway: Gateway, kind: str
) -> None:
    async with gateway.machine() as machine:
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        caller = await a_caller(gateway, machine, kind)
        assert await doors(gateway, caller) == Doors(
            events=None if "read" in MAY[kind] else close_codes.NOT_PERMITTED.code,
            link=None if "link" in MAY[kind] else close_codes.NOT_PERMITTED.code,
            agent=4001,  # Worker's own token alone opens this, and its machine drives it
        )
        await caller.end()
        gone = close_codes.UNAUTHENTICATED.code
        assert await doors(gateway, caller) == Doors(events=gone, link=gone, agent=4001)


@pytest.mark.parametrize("kind", MAY)
async def test_whoever_is_of_another_workspace_opens_no_socket_of_this_one(gateway: Gateway, kind: str) -> None:
    other = await elsewhere(gateway)
    async with gateway.machine(), other.machine(session="theirs", machine_id="theirs", name="theirs") as theirs:
        await other.ok("POST", "/v1/sessions", {"name": "main"})
        caller = await a_caller(other, theirs, kind)
        session = (await gateway.ok("GET", "/v1/sessions"))["sessions"][0]["id"]
        async with gateway.events(session, token=caller.token) as events:
            code = close_codes.UNKNOWN if "read" in MAY[kind] else close_codes.NOT_PERMITTED
            assert await met(events) == code.code
        online = [(each["id"], each["online"]) for each in (await gateway.ok("GET", "/v1/proxies"))["proxies"]]
        await doors(other, caller)
        after = [(each["id"], each["online"]) for each in (await gateway.ok("GET", "/v1/proxies"))["proxies"]]
        assert after == online


async def test_a_person_in_both_workspaces_meets_nothing_of_one_in_the_other(gateway: Gateway) -> None:
    """One sign-in, one process, an owner in both: what they may in one leads to nothing of the other by its ids."""
    other = await elsewhere(gateway)
    async with gateway.machine() as machine, other.machine(machine_id="theirs", name="theirs"):
        token = await in_both(gateway, other)
        ids = await furnished(gateway, machine)
        before = await untouched(gateway)
        for route in in_order():
            if route != ("GET", "/v1/workspaces"):  # which is of both
                nowhere = await call(gateway, route, ids, token)
                assert nowhere.json()["error"]["code"] == "WORKSPACE_REQUIRED", route
            answer = await call(gateway, route, ids, token, within=f"/w/{other.workspace}")
            assert answer.status_code not in {401, 500}, (route, answer.text)
            if "{" in route[1]:
                assert answer.status_code in {403, 404}, (route, answer.text)
            for value in (*ids.values(), "secret-words", gateway.workspace):
                if value not in route[1].format(**ids) and value not in {"Worker", "%23dev"}:
                    assert value not in answer.text, route
        assert await untouched(gateway) == before
        assert (await gateway.ok("GET", f"/w/{gateway.workspace}/v1/whoami", token=token))["role"] == "owner"


async def in_both(gateway: Gateway, other: Gateway, *, role: str = "owner") -> str:
    """The sign-in of somebody with that role in both."""
    made = await gateway.ok("POST", "/v1/members", {"name": "Ada", "role": role})
    answer = await gateway.call("POST", "/v1/sign-in", {"code": made["url"].partition("#")[2]}, token=None)
    gateway.client.cookies.clear()
    token = str(answer.headers["set-cookie"].partition("=")[2].partition(";")[0])
    made = await other.ok("POST", "/v1/members", {"name": "Ada", "role": role})
    await other.ok("POST", "/v1/sign-in", {"code": made["url"].partition("#")[2], "join": True}, token=token)
    return token
