"""What a share link shows: one session, on every route there is. The routes come from the application itself."""

from collections.abc import Iterable
from dataclasses import dataclass

import httpx
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute
from websockets.asyncio.client import connect

from broker.app import build_app
from broker.gateway.dashboard import Dashboard
from broker.protocol.proxy import write
from broker.settings import Settings
from tests.fixtures.desk import a_hello
from tests.fixtures.gateway import Gateway, closing
from tests.gateway.http.test_workspaces import ADMIN_ROUTES
from tests.gateway.test_tenancy import ROUTES, Victim, furnish

Served = tuple[str, str]
OF_THE_SESSION: set[Served] = {
    ("GET", "/v1/sessions/{session}"),
    ("GET", "/v1/sessions/{session}/agents"),
    ("GET", "/v1/sessions/{session}/approvals"),
    ("GET", "/v1/sessions/{session}/channels"),
    ("GET", "/v1/sessions/{session}/events"),
    ("GET", "/v1/sessions/{session}/log"),
    ("GET", "/v1/sessions/{session}/messages/{message}"),
    ("GET", "/v1/approvals/{approval}"),
    ("GET", "/v1/sessions/{session}/pauses"),
    ("GET", "/v1/sessions/{session}/agents/{name}/pauses"),
    ("GET", "/v1/sessions/{session}/questions"),
    ("GET", "/v1/questions/{question}"),
    ("GET", "/v1/workflows/runs/{run}"),
    ("GET", "/v1/workflows/runs/{run}/file"),
    ("GET", "/v1/workflows/runs/{run}/steps/{step}/output"),
    ("GET", "/v1/workflows/runs/{run}/compare/{other}"),
    ("POST", "/v1/workflows/runs/{run}/rerun/preview"),
}
"""Answered for the shared session, unknown for any other."""
NARROWED: set[Served] = {
    ("GET", "/v1/sessions"),
    ("GET", "/v1/stops"),
    ("GET", "/v1/workflows/runs"),
    ("GET", "/v1/logs/search"),
    ("GET", "/v1/logs/histogram"),
    ("GET", "/v1/logs/facets"),
}
"""Answered with what is of the shared session."""
OF_ONESELF: set[Served] = {
    ("GET", "/v1/whoami"),
    ("GET", "/v1/workspaces"),
    ("GET", "/v1/workspace"),
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
PUBLIC: set[Served] = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")}
SIGNED: set[Served] = {("POST", "/v1/billing/webhook")}
"""Stripe's signature is its credential, see `tests/cli/plans/test_billing.py`."""
ELSEWHERE: set[Served] = {("POST", "/graphql"), *SIGNED, *((method, path) for method, path, _ in ADMIN_ROUTES)}
"""Fields are tried one by one where they are defined; of the installation nothing is for a token of a workspace."""
ALLOWED = OF_THE_SESSION | NARROWED | OF_ONESELF | PUBLIC | ELSEWHERE

BODIES: dict[Served, object] = {
    **{(method, path): body for method, path, body, _ in ROUTES},
    ("POST", "/v1/members"): {"name": "Eve", "role": "owner"},
    ("POST", "/v1/invitations"): {"role": "member", "name": "Ada", "groups": []},
    ("POST", "/v1/invitations/look"): {"code": "iv_live_x"},
    ("POST", "/v1/invitations/accept"): {"code": "iv_live_x"},
    ("POST", "/v1/invitations/{invitation}/send-again"): {},
    ("POST", "/v1/machine-codes"): {"name": "box"},
    ("POST", "/v1/enrol"): {"code": "2222-2222"},
    ("PATCH", "/v1/members/{member}"): {"role": "owner"},
    ("POST", "/v1/groups"): {"name": "New"},
    ("PATCH", "/v1/groups/{group}"): {"name": "Renamed"},
    ("PUT", "/v1/sessions/{session}/access"): {"private": False},
    ("POST", "/v1/sessions/{session}/share"): {},
    ("POST", "/v1/auth/exchange"): {"for": "machine", "machine_id": "m"},
    ("PUT", "/v1/redaction"): {"rules": []},
    ("PUT", "/v1/budgets"): {"scope": "workspace", "unit": "tokens", "amount": 1},
    ("POST", "/v1/budgets/raise"): {"scope": "workspace", "unit": "tokens", "amount": 1},
    ("DELETE", "/v1/budgets"): {"scope": "workspace", "unit": "tokens"},
    ("PUT", "/v1/billing/plan"): {"plan": "pro"},
    ("POST", "/v1/secrets"): {"name": "NEW", "value": "x"},
    # Refused for its hours behind the right to do it: nobody is asked whether there is such a provider.
    ("PUT", "/v1/single-sign-on"): {"issuer": "https://127.0.0.1:9", "client_id": "relaycast", "hours": 0},
    ("POST", "/v1/sign-in/single-sign-on"): {"workspace": "none"},
    ("POST", "/v1/workflows/check"): {"text": "version: '1.0'"},
    ("POST", "/v1/hooks/check"): {"text": "hooks: {}"},
    ("POST", "/v1/hooks/test"): {"text": "hooks: {}"},
    ("POST", "/v1/hooks/test/runs"): {"hook": "none", "machine": "none"},
    ("PUT", "/v1/hooks"): {"text": "hooks: {}"},
    ("PUT", "/v1/hooks/paused"): {"paused": True},
    ("PUT", "/v1/retention"): {"days": None},
    ("POST", "/v1/import"): {"version": 1, "control": {"sessions": [], "agents": [], "rules": []}},
    ("POST", "/v1/import/rows"): {"rows": []},
    ("POST", "/v1/import/trail"): {"trail": "none", "entries": []},
    ("POST", "/mcp"): {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
}
"""Good ones, so that only the token decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """Two sessions, one of them with something of everything, and a share of each."""

    furnished: Victim
    share: str
    """Of the furnished one."""
    other: str
    share_of_other: str


def served(app: Starlette) -> set[Served]:
    """Every route and method, but the page's files: they are everybody's and hold nothing of a workspace."""
    return _listed(app.routes) - _listed(Dashboard().routes())


def _listed(routes: Iterable[BaseRoute]) -> set[Served]:
    return {
        (method, route.path)
        for route in routes
        if isinstance(route, Route)
        for method in (route.methods or {"POST"}) - {"HEAD"}
    }


async def shared(gateway: Gateway, session: str) -> str:
    link = await gateway.ok("POST", f"/v1/sessions/{session}/share", {})
    return str(link["url"].partition("#share=")[2])


async def two_sessions(gateway: Gateway, furnished: Victim) -> Two:
    other = await gateway.ok("POST", "/v1/sessions", {"name": "secluded"})
    member = await gateway.ok("POST", "/v1/members", {"name": "Ada", "role": "owner"})
    furnished.ids["member"] = member["member"]["id"]
    return Two(
        furnished=furnished,
        share=await shared(gateway, furnished.ids["session"]),
        other=other["id"],
        share_of_other=await shared(gateway, "secluded"),
    )


async def call(gateway: Gateway, route: Served, ids: dict[str, str], token: str) -> httpx.Response:
    method, path = route
    query = "?field=kind" if path.endswith("/facets") else ""
    return await gateway.call(method, path.format(**ids) + query, BODIES.get(route), token=token)


async def test_a_share_shows_its_session_and_refuses_everything_else(logged: Gateway) -> None:
    routes = served(build_app(Settings(), adapters=logged.adapters))
    assert routes >= ALLOWED
    async with logged.machine() as machine:
        two = await two_sessions(logged, await furnish(logged, machine))
        for route in sorted(routes - ELSEWHERE - OF_ONESELF):
            answer = await call(logged, route, two.furnished.ids, two.share)
            assert answer.status_code == (200 if route in ALLOWED else 403), (route, answer.text)
            assert two.other not in answer.text, route
            assert "secluded" not in answer.text, route


async def test_a_share_shows_nothing_of_another_session(logged: Gateway) -> None:
    routes = served(build_app(Settings(), adapters=logged.adapters))
    async with logged.machine() as machine:
        two = await two_sessions(logged, await furnish(logged, machine))
        ids = two.furnished.ids
        for route in sorted(routes - ELSEWHERE - OF_ONESELF - PUBLIC):
            answer = await call(logged, route, ids, two.share_of_other)
            expected = {404} if route in OF_THE_SESSION else {200} if route in NARROWED else {403, 404}
            assert answer.status_code in expected, (route, answer.text)
            for value in (ids["session"], ids["approval"], ids["message"], "line 1", "secret-words", "npm test"):
                assert value not in answer.text or value in route[1].format(**ids), route
        for path in ("/v1/logs/search", "/v1/logs/histogram", "/v1/logs/facets?field=kind"):
            glue = "&" if "?" in path else "?"
            for question in ("session=main", "q=session:main", f"session={ids['session']}"):
                answer = await logged.call("GET", f"{path}{glue}{question}", token=two.share_of_other)
                assert answer.status_code == 404, (path, question)


async def test_a_share_opens_the_events_of_its_session_and_no_other_socket(logged: Gateway) -> None:
    sockets = {
        route.path
        for route in build_app(Settings(), adapters=logged.adapters).routes
        if isinstance(route, WebSocketRoute)
    }
    assert sockets - {"/graphql"} == {"/v1/sessions/{session}/events", "/proxy", "/agent/{name}"}
    other = await logged.ok("POST", "/v1/sessions", {"name": "secluded"})
    token = await shared(logged, "secluded")
    async with logged.events("main", token=token) as socket:
        assert await closing(socket) == 4504
    async with logged.events("secluded", token=token) as socket:
        assert other["epoch"] in str(await socket.recv())
    async with logged.proxy_socket(token=token) as socket:
        await socket.send(write(a_hello(session="secluded")))
        assert await closing(socket) == 4503
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(f"{logged.ws_url}/agent/Worker", additional_headers=headers, proxy=None) as socket:
        assert await closing(socket) == 4001
