"""Who sees and does what: every route against every kind of token."""

import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from broker.domain.audit.archived import ArchivedTrail
from broker.domain.audit.chain import Checkpoint, Head
from broker.domain.ids import AgentId, WorkspaceId
from broker.gateway.http.api import Api
from broker.gateway.http.stops import StopsApi
from broker.gateway.http.tokens import TokensApi
from broker.gateway.http.workflows import WorkflowsApi
from tests.fixtures.gateway import A_WORKFLOW, Gateway, closing
from tests.gateway.http.test_api import QUESTION, ask, ask_more

# What each route needs; the body is good, so that only the token decides.
ROUTES: list[tuple[str, str, object, str]] = [
    ("GET", "/v1/whoami", None, "any"),
    ("GET", "/v1/sessions", None, "read"),
    ("POST", "/v1/sessions", {"name": "other"}, "spawn"),
    ("GET", "/v1/sessions/{session}", None, "read"),
    ("GET", "/v1/sessions/{session}/events", None, "read"),
    ("GET", "/v1/sessions/{session}/agents", None, "read"),
    ("POST", "/v1/sessions/{session}/agents", {"name": "New", "cli": "demo", "wait": False}, "spawn"),
    ("DELETE", "/v1/sessions/{session}/agents/{name}", None, "release"),
    ("POST", "/v1/sessions/{session}/agents/{name}/interrupt", None, "release"),
    ("POST", "/v1/sessions/{session}/agents/{name}/resume", None, "resume"),
    ("POST", "/v1/sessions/{session}/messages", {"to": "Worker", "text": "x"}, "send"),
    ("GET", "/v1/sessions/{session}/messages/{message}", None, "read"),
    ("GET", "/v1/sessions/{session}/channels", None, "read"),
    ("POST", "/v1/sessions/{session}/channels/{channel}/members", {"agent": "Worker"}, "send"),
    ("DELETE", "/v1/sessions/{session}/channels/{channel}/members/{name}", None, "send"),
    ("GET", "/v1/sessions/{session}/approvals", None, "read"),
    ("GET", "/v1/approvals/{approval}", None, "read"),
    ("POST", "/v1/approvals/{approval}/answer", {"verdict": "allow"}, "approve"),
    ("GET", "/v1/sessions/{session}/questions", None, "read"),
    ("GET", "/v1/questions/{question}", None, "read"),
    ("POST", "/v1/questions/{question}/answer", {"decline": True}, "approve"),
    ("GET", "/v1/rules", None, "read"),
    ("PUT", "/v1/rules", {"rules": []}, "administer"),
    ("POST", "/v1/rules", {"effect": "deny"}, "administer"),
    ("DELETE", "/v1/rules", {"effect": "deny"}, "administer"),
    ("GET", "/v1/proxies", None, "read"),
    ("POST", "/v1/proxies/{proxy}/adopt", None, "administer"),
    ("DELETE", "/v1/proxies/{proxy}", None, "administer"),
    ("GET", "/v1/tokens", None, "administer"),
    ("POST", "/v1/tokens", {"kind": "observer", "name": "x"}, "administer"),
    ("POST", "/v1/tokens/{token}/rotate", {}, "administer"),
    ("GET", "/v1/personal-tokens", None, "signed in"),
    ("POST", "/v1/personal-tokens", {"name": "x", "scopes": ["read"]}, "signed in to read"),
    ("GET", "/v1/service-accounts", None, "administer"),
    ("POST", "/v1/service-accounts", {"name": "x"}, "administer"),
    ("DELETE", "/v1/service-accounts/{account}", None, "administer"),
    ("POST", "/v1/service-accounts/{account}/tokens", {"scopes": ["read"]}, "administer"),
    ("DELETE", "/v1/tokens/{token}", None, "administer"),
    ("GET", "/v1/stops", None, "read"),
    ("POST", "/v1/sessions/{session}/stop", {}, "stop"),
    ("POST", "/v1/sessions/{session}/resume", {}, "stop"),
    ("POST", "/v1/proxies/{proxy}/stop", {}, "administer"),
    ("POST", "/v1/proxies/{proxy}/resume", {}, "administer"),
    ("POST", "/v1/workspace/stop", {}, "administer"),
    ("POST", "/v1/workspace/resume", {}, "administer"),
    ("GET", "/v1/workflows/runs", None, "read"),
    ("POST", "/v1/workflows/runs", {"text": A_WORKFLOW, "session": "main"}, "spawn"),
    ("POST", "/v1/workflows/check", {"text": "version: '1.0'"}, "spawn"),
    ("GET", "/v1/workflows/runs/{run}", None, "read"),
    ("GET", "/v1/workflows/runs/{run}/file", None, "read"),
    ("GET", "/v1/workflows/runs/{run}/steps/{step}/output", None, "read"),
    ("POST", "/v1/workflows/runs/{run}/steps/{step}/retry", None, "decide"),
    ("POST", "/v1/workflows/runs/{run}/steps/{step}/skip", {}, "decide"),
    ("POST", "/v1/workflows/runs/{run}/steps/{step}/fail", None, "decide"),
    ("GET", "/v1/workflows/runs/{run}/compare/{other}", None, "read"),
    ("POST", "/v1/workflows/runs/{run}/rerun/preview", {}, "read"),
    ("POST", "/v1/workflows/runs/{run}/rerun", {}, "decide"),
    ("POST", "/v1/workflows/runs/{run}/resume", None, "decide"),
    ("POST", "/v1/workflows/runs/{run}/budget", {"tokens": 1}, "decide"),
    ("POST", "/v1/workflows/runs/{run}/vote", {"choice": "a"}, "decide"),
    ("POST", "/v1/workflows/runs/{run}/cancel", None, "decide"),
]
_SEAL = "0" * 64
_ELSEWHERE = WorkspaceId("elsewhere")
A_TRAIL = ArchivedTrail(
    workspace=_ELSEWHERE,
    head=Head(number=1, sealed=1, seal=_SEAL, first=1, base=_SEAL),
    checkpoint=Checkpoint(workspace=_ELSEWHERE, number=1, seal=_SEAL, at_ms=1),
)
"""One that came with an archive."""
MAY = {
    "observer": {"any", "read"},
    "proxy": {"any"},
    "agent": {"any", "read", "send", "spawn", "release", "resume"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A workspace with one of everything."""

    ids: dict[str, str]
    agent_token: str


async def furnish(gateway: Gateway, machine: Any) -> Victim:
    approval = await ask(gateway, machine)
    question = await ask_more(gateway, machine, name="Worker", native="2", asked=QUESTION)
    sent = await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": "secret-words"})
    agent = (await gateway.ok("GET", "/v1/sessions/main/agents"))["agents"][0]
    token_id, _ = await gateway.token("observer")
    await gateway.ok("POST", "/v1/secrets", {"name": "HOOK_SECRET", "value": "secret-words"})
    group = await gateway.ok("POST", "/v1/groups", {"name": "Crew"})
    invited = await gateway.ok("POST", "/v1/invitations", {"role": "member"})
    account = await gateway.ok("POST", "/v1/service-accounts", {"name": "ci"})
    code = await gateway.ok("POST", "/v1/machine-codes", {"name": "secret-words"})
    run = await gateway.ok("POST", "/v1/workflows/runs", {"text": A_WORKFLOW, "session": "main"})
    trail = await gateway.adapters.imported_trails.begin(gateway.workspace, A_TRAIL)
    ids = {
        "session": machine.welcome.session,
        "name": "Worker",
        "message": sent["message_id"],
        "channel": "%23dev",
        "approval": approval,
        "question": question,
        "proxy": machine.welcome.proxy_id,
        "token": token_id,
        "secret": "HOOK_SECRET",
        "group": group["id"],
        "invitation": invited["invitation"]["id"],
        "account": account["id"],
        "code": code["id"],
        "run": run["id"],
        "other": run["id"],
        "step": "utter",
        "trail": trail.id,
    }
    return Victim(ids=ids, agent_token=machine.tokens[AgentId(agent["id"])])


def test_the_matrix_names_every_route() -> None:
    table = {(route[0], route[1]) for route in ROUTES}
    served = {
        (method, route.path)  # type: ignore[attr-defined]
        for each in (Api, StopsApi, TokensApi, WorkflowsApi)
        for route in each(None).routes()  # type: ignore[arg-type]
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    assert table == served


async def call(
    gateway: Gateway, route: tuple[str, str, object, str], ids: dict[str, str], token: str | None
) -> httpx.Response:
    method, path, body, _ = route
    return await gateway.call(method, path.format(**ids), body, token=token)


async def test_nothing_answers_without_a_token_or_with_an_unknown_one(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        victim = await furnish(gateway, machine)
        for route in ROUTES:
            for token in (None, "rk_live_" + "x" * 43, victim.agent_token[:-1]):
                answer = await call(gateway, route, victim.ids, token)
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED"), route


async def test_another_workspace_meets_nothing_of_this_one(gateway: Gateway) -> None:
    stranger = await gateway.another_workspace()
    async with gateway.machine() as machine:
        victim = await furnish(gateway, machine)
        for route in ROUTES:
            answer = await call(gateway, route, victim.ids, stranger)
            if re.search(r"{\w+}", route[1]):
                assert answer.status_code == 404, route
            for value in (*victim.ids.values(), "secret-words", gateway.workspace):
                if value not in route[1].format(**victim.ids) and value not in {"Worker", "%23dev"}:
                    assert value not in answer.text, route
        assert (await gateway.ok("GET", "/v1/sessions/main/agents"))["agents"][0]["state"] != "released"


@pytest.mark.parametrize("kind", ["observer", "proxy", "agent"])
async def test_each_kind_of_token_does_what_it_may_and_nothing_else(gateway: Gateway, kind: str) -> None:
    async with gateway.machine() as machine:
        victim = await furnish(gateway, machine)
        token = victim.agent_token if kind == "agent" else (await gateway.token(kind))[1]
        for route in ROUTES:
            answer = await call(gateway, route, victim.ids, token)
            if route[3] in MAY[kind]:
                others_too = {403, 404} if route[3] in {"release", "resume"} else set()  # only those it spawned
                assert answer.status_code in {200} | others_too, (route, answer.text)
            else:
                assert answer.status_code == 403, (route, answer.text)


async def test_an_agent_sees_its_own_session_only(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        victim = await furnish(gateway, machine)
        other = await gateway.ok("POST", "/v1/sessions", {"name": "private"})
        async with gateway.machine(machine_id="m2", name="two", session="private") as second:
            spawned = await gateway.ok(
                "POST", "/v1/sessions/private/agents", {"name": "Spy", "cli": "demo", "on": "two"}
            )
            spy = second.tokens[AgentId(spawned["id"])]
            listed = await gateway.ok("GET", "/v1/sessions", token=spy)
            assert [s["id"] for s in listed["sessions"]] == [other["id"]]
            for route in ROUTES:
                if any(part in route[1] for part in ("{session}", "{approval}", "{question}", "{run}")):
                    answer = await call(gateway, route, victim.ids, spy)
                    assert answer.status_code in {403, 404}, route
            connection = gateway.events(victim.ids["session"], token=spy)
            async with connection as socket:
                assert await closing(socket) == 4504


async def test_an_agent_ends_only_those_it_spawned(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        path = "/v1/sessions/main/agents"
        lead = await gateway.ok("POST", path, {"name": "Lead", "cli": "demo"})
        await gateway.ok("POST", path, {"name": "Peer", "cli": "demo"})
        token = machine.tokens[AgentId(lead["id"])]
        child = await gateway.ok("POST", path, {"name": "Child", "cli": "demo"}, token=token)
        assert child["spawner"] == "Lead"
        assert (await gateway.call("DELETE", f"{path}/Peer", token=token)).status_code == 403
        assert (await gateway.call("POST", f"{path}/Peer/interrupt", token=token)).status_code == 403
        assert (await gateway.call("POST", f"{path}/Peer/resume", token=token)).status_code == 403
        assert (await gateway.call("DELETE", f"{path}/Child", token=token)).status_code == 200


async def test_an_agents_token_ends_with_its_process(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        agent = await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        token = machine.tokens[AgentId(agent["id"])]
        async with gateway.events("main", token=token) as socket:
            await gateway.ok("DELETE", "/v1/sessions/main/agents/Worker")
            assert await closing(socket) == 4501
        answer = await gateway.call("GET", "/v1/whoami", token=token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "TOKEN_REVOKED")
