"""Who may what with the agents' tools: every tool that the server lists, by every kind of caller.

The tools come from the server itself: one that is not given arguments here fails.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import orjson
import pytest

from broker.domain.ids import AgentId
from tests.fixtures.callers import MAY, a_caller, elsewhere
from tests.fixtures.gateway import A_WORKFLOW, Gateway
from tests.fixtures.graphql_world import SECRET, World, a_world
from tests.gateway.test_mcp import ACTING, LOOKING, tools
from tests.gateway.test_who_may_what import OF_A_PERSON

NAMES = sorted(ACTING | LOOKING)
BY_SESSION = {"relay_release", "relay_raise_budget", "relay_send", "relay_trace", "relay_join", "relay_leave"}
"""Those that name somebody, or something, of a session: elsewhere there is no such thing."""


def arguments(world: World) -> dict[str, dict[str, Any]]:
    """What each tool is given, about things in the world."""
    return {
        "relay_send": {"to": "Worker", "text": "hello"},
        "relay_broadcast": {"text": "hello"},
        "relay_spawn": {"name": "New", "cli": "demo", "machine": SECRET},
        "relay_release": {"name": "Worker"},
        "relay_join": {"channel": "#dev", "agent": "Worker"},
        "relay_leave": {"channel": "#dev", "agent": "Worker"},
        "relay_agents": {},
        "relay_inbox": {},
        "relay_trace": {"message_id": world.keys["Message"]},
        "relay_logs": {"name": "Worker"},
        "relay_search_logs": {"query": SECRET},
        "relay_step": {},
        "relay_budget": {},
        "relay_raise_budget": {"agent": "Worker", "unit": "tokens", "allow": True},
        "relay_submit": {"result": {"run": world.keys["WorkflowRun"]}},
        "relay_run_workflow": {"text": A_WORKFLOW},
    }


@contextlib.asynccontextmanager
async def a_stranger(gateway: Gateway, *, session: str = "main") -> AsyncIterator[str]:
    """The token of an agent that knows nothing of the world."""
    async with gateway.machine(machine_id=uuid4().hex, name="theirs", session=session) as machine:
        made = await gateway.ok(
            "POST", f"/v1/sessions/{session}/agents", {"name": "Spy", "cli": "demo", "on": "theirs"}
        )
        yield machine.tokens[AgentId(made["id"])]


async def raw(gateway: Gateway, token: str | None, tool: str, given: dict[str, Any]) -> Any:
    """One call of a tool, as any program can make it."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": given}}
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    return await gateway.call("POST", "/mcp", asked, token=token, **headers)


async def untouched(world: World) -> object:
    """What strangers would change."""
    gateway = world.gateway
    agents = (await gateway.ok("GET", "/v1/sessions/main/agents"))["agents"]
    return (
        sorted((each["name"], each["state"]) for each in agents),
        (await gateway.ok("GET", "/v1/sessions/main/channels")),
        sorted(each["id"] for each in (await gateway.ok("GET", "/v1/workflows/runs"))["runs"]),
        (await gateway.ok("GET", f"/v1/approvals/{world.keys['Approval']}"))["status"],
    )


async def test_the_table_has_every_tool(gateway: Gateway) -> None:
    async with a_world(gateway) as world, tools(gateway, world.lead_token) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        assert listed == set(arguments(world)) == set(NAMES)


@pytest.mark.parametrize("where", ["another workspace", "another session"])
async def test_an_agent_elsewhere_meets_nothing_of_the_session(gateway: Gateway, where: str) -> None:
    async with a_world(gateway) as world:
        if where == "another workspace":
            theirs, session = await elsewhere(gateway), "main"
        else:
            theirs, session = gateway, "shut"
            await gateway.ok("POST", "/v1/sessions", {"name": "shut"})
        async with a_stranger(theirs, session=session) as token, tools(gateway, token) as client:
            before = await untouched(world)
            for tool, given in arguments(world).items():
                result = await client.call_tool(tool, given)
                told = orjson.dumps([each.model_dump(mode="json") for each in result.content]).decode()
                asked = orjson.dumps(given).decode()
                for kind, key in world.keys.items():
                    if kind != "Workspace" and key not in asked:
                        assert key not in told, (tool, kind, told)
                        assert world.id(kind) not in told, (tool, kind, told)
                # What it asked with may come back; the machine's name is everybody's in one workspace.
                if SECRET not in asked and where == "another workspace":
                    assert SECRET not in told, (tool, told)
                if tool in BY_SESSION:
                    assert result.is_error, (tool, told)
            after = await untouched(world)
            assert after == before or where == "another session"
            assert [each for each in after[0] if each not in before[0]] == []  # type: ignore[index]


@pytest.mark.parametrize("kind", sorted(each for each in MAY if "tools" not in MAY[each]))
async def test_no_other_kind_of_caller_uses_a_tool(gateway: Gateway, kind: str) -> None:
    async with a_world(gateway) as world:
        caller = await a_caller(gateway, world.machine, kind)
        before = await untouched(world)
        for tool, given in arguments(world).items():
            answer = await raw(gateway, caller.token, tool, given)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "NOT_PERMITTED"), (tool, answer.text)
        assert await untouched(world) == before


@pytest.mark.parametrize("kind", [None, *OF_A_PERSON])
async def test_whoever_is_suspended_or_has_no_token_uses_no_tool(gateway: Gateway, kind: str | None) -> None:
    async with a_world(gateway) as world:
        token = None
        if kind is not None:
            caller = await a_caller(gateway, world.machine, kind)
            assert caller.suspend is not None
            await caller.suspend()
            token = caller.token
        for tool, given in arguments(world).items():
            answer = await raw(gateway, token, tool, given)
            code = "UNAUTHENTICATED" if kind is None else "SUSPENDED"
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, code), (tool, answer.text)


async def test_an_agent_whose_process_or_machine_was_ended_uses_no_tool(gateway: Gateway) -> None:
    async with a_world(gateway) as world:
        await gateway.ok("DELETE", "/v1/sessions/main/agents/Lead")
        for tool, given in arguments(world).items():
            answer = await raw(gateway, world.lead_token, tool, given)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "TOKEN_REVOKED"), (tool, answer.text)


async def test_an_agent_of_a_suspended_persons_machine_uses_no_tool(gateway: Gateway) -> None:
    token, member = await a_linked_member(gateway)
    async with a_world(gateway) as world, gateway.machine(token=token, machine_id="hers", name="hers") as machine:
        made = await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Hers", "cli": "demo", "on": "hers"})
        agent = machine.tokens[AgentId(made["id"])]
        await gateway.ok("POST", f"/v1/members/{member}/suspend")
        for tool, given in arguments(world).items():
            answer = await raw(gateway, agent, tool, given)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "SUSPENDED"), (tool, answer.text)


async def a_linked_member(gateway: Gateway) -> tuple[str, str]:
    """The short-lived token of a member's machine, and the member."""
    await gateway.ok("POST", "/v1/members", {"name": "First", "role": "owner"})
    made = await gateway.ok("POST", "/v1/members", {"name": "Ada", "role": "member"})
    answer = await gateway.call("POST", "/v1/sign-in", {"code": made["url"].partition("#")[2]}, token=None)
    token = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    gateway.client.cookies.clear()
    pair = await gateway.exchange("machine", token=token, machine_id="hers", name="hers")
    return pair["token"], made["member"]["id"]
