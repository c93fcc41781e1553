"""The agents' tools, called with the real MCP client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent

from broker.domain.approvals.relay_tools import TOOLS
from broker.domain.ids import AgentId
from broker.domain.machines.policy import MachinePolicy
from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.proxy import Spawn
from tests.fixtures.gateway import Gateway, Machine

S = "/v1/sessions/main"
ACTING = {"relay_send", "relay_broadcast", "relay_spawn", "relay_release", "relay_join", "relay_leave"}
ACTING |= {"relay_submit", "relay_run_workflow", "relay_raise_budget"}
LOOKING = {"relay_agents", "relay_inbox", "relay_trace", "relay_logs", "relay_search_logs", "relay_step"}
LOOKING |= {"relay_budget"}


@asynccontextmanager
async def tools(gateway: Gateway, token: str) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
        Client(streamable_http_client(f"{gateway.url}/mcp", http_client=http)) as client,
    ):
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def lead(gateway: Gateway, machine: Machine) -> str:
    """The token of an agent called Lead."""
    agent = await gateway.ok("POST", f"{S}/agents", {"name": "Lead", "cli": "demo"})
    return machine.tokens[AgentId(agent["id"])]


async def test_the_tools_are_the_same_for_every_agent_and_say_what_they_do(gateway: Gateway) -> None:
    async with gateway.machine() as machine, tools(gateway, await lead(gateway, machine)) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(listed) == ACTING | LOOKING
        for name, takes in TOOLS.items():  # as an agent's program shows them when it asks for permission
            schema = listed.pop(name).input_schema
            assert set(schema.get("required", [])) == takes.required
            assert set(schema["properties"]) == takes.required | takes.optional
        assert listed == {}
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        for name, tool in listed.items():
            assert tool.description
            assert tool.annotations is not None
            assert bool(tool.annotations.read_only_hint) is (name in LOOKING)


async def test_a_lead_gives_the_agent_that_it_spawns_a_budget_out_of_its_own(gateway: Gateway) -> None:
    async with gateway.machine() as machine, tools(gateway, await lead(gateway, machine)) as client:
        own = {"scope": "tree:main/Lead", "unit": "tokens", "amount": 100}
        await gateway.ok("PUT", "/v1/budgets", own)
        worker = await call(client, "relay_spawn", name="Worker", cli="demo", budget=60)
        assert worker["spawned_by"] == "Lead"
        said = await refusal(client, "relay_spawn", name="Other", cli="demo", budget=60)
        assert "NOT_PERMITTED: your own budget has not that much left (40 tokens" in said
        for wrong in (0, -1):
            assert "greater than 0" in await refusal(client, "relay_spawn", name="Other", cli="demo", budget=wrong)
        stands = {each["name"]: each for each in (await gateway.ok("GET", "/v1/budgets"))["budgets"]}
        assert {name: each["left"] for name, each in stands.items()} == {"main/Lead": 100, "main/Worker": 60}
        assert (stands["main/Worker"]["set_by"], stands["main/Worker"]["state"]) == ("Lead", "open")


async def test_an_agent_spawns_speaks_looks_and_releases(gateway: Gateway) -> None:
    async with gateway.machine() as machine, tools(gateway, await lead(gateway, machine)) as client:
        assert (await call(client, "relay_spawn", name="Worker", cli="demo"))["spawned_by"] == "Lead"
        here = await call(client, "relay_agents")
        assert (here["you"], [a["name"] for a in here["agents"]]) == ("Lead", ["Lead", "Worker"])
        assert here["machines"] == [{"name": "laptop", "labels": [], "clis": ["demo"]}]
        sent = await call(client, "relay_send", to="Worker", text="hello")
        assert sent["deliveries"][0]["to"] == "Worker"
        assert (await call(client, "relay_trace", message_id=sent["message_id"]))["message"]["text"] == "hello"
        assert [d["to"] for d in (await call(client, "relay_broadcast", text="all"))["deliveries"]] == ["Worker"]
        assert (await call(client, "relay_logs", name="Worker", limit=5))["events"]
        assert (await call(client, "relay_release", name="Worker"))["state"] == "released"


async def test_agents_meet_in_a_channel(gateway: Gateway) -> None:
    async with gateway.machine() as machine, tools(gateway, await lead(gateway, machine)) as client:
        await call(client, "relay_spawn", name="Worker", cli="demo")
        await call(client, "relay_join", channel="#dev")
        both = await call(client, "relay_join", channel="#dev", agent="Worker")
        assert both == {"channels": [{"name": "#dev", "members": ["Lead", "Worker"]}]}
        assert (await call(client, "relay_agents"))["channels"] == both["channels"]
        assert [d["to"] for d in (await call(client, "relay_send", to="#dev", text="x"))["deliveries"]] == ["Worker"]
        assert await call(client, "relay_leave", channel="#dev", agent="Worker") == {
            "channels": [{"name": "#dev", "members": ["Lead"]}]
        }
        assert "NO_RECIPIENTS: nobody would get this" in await refusal(client, "relay_send", to="#dev", text="x")
        await gateway.ok("POST", f"{S}/agents", {"name": "Stranger", "cli": "demo"})
        assert "NOT_PERMITTED" in await refusal(client, "relay_join", channel="#dev", agent="Stranger")


async def test_an_agent_sees_what_another_waits_for_and_how_risky_that_is(gateway: Gateway) -> None:
    strict = MachinePolicy(strict=True, asks=("shell",))
    async with gateway.machine(policy=strict) as machine, tools(gateway, await lead(gateway, machine)) as client:
        await call(client, "relay_spawn", name="Worker", cli="demo")
        worker = [order for order in machine.commands if isinstance(order, Spawn)][-1]
        await machine.state(worker, ApprovalRequested(native_id="1", tool="Bash", title="clean", command="rm -rf /"))
        await machine.until(lambda: machine.acked == machine.sent)
        waiting = {each["name"]: each["waits_for"] for each in (await call(client, "relay_agents"))["agents"]}
    assert waiting["Lead"] == []
    (asked,) = waiting["Worker"]
    assert (asked["title"], asked["risk"]) == ("clean", "high")
    assert asked["risk_reasons"]
    assert "a yes will be refused" in asked["machine"]


async def test_an_agents_spawn_is_on_its_own_machine_and_in_its_own_folder_unless_it_says_otherwise(
    gateway: Gateway,
) -> None:
    async with gateway.machine() as machine, gateway.machine(machine_id="machine-2", name="other"):
        refused = await gateway.call("POST", f"{S}/agents", {"name": "Lead", "cli": "demo"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "MACHINE_NOT_CHOSEN")
        assert "connected: laptop; other" in refused.json()["error"]["message"]
        asked = {"name": "Lead", "cli": "demo", "on": "laptop", "cwd": "/home/ann/project"}
        lead = await gateway.ok("POST", f"{S}/agents", asked)
        assert (lead["machine"], lead["cwd"]) == ("laptop", "/home/ann/project")
        async with tools(gateway, machine.tokens[lead["id"]]) as client:
            places = [
                await call(client, "relay_spawn", name=f"W{number}", cli="demo", **place)
                for number, place in enumerate([{}, {"cwd": "src"}, {"cwd": "/srv"}, {"machine": "other"}])
            ]
    assert [(place["machine"], place["folder"]) for place in places] == [
        ("laptop", "/home/ann/project"),
        ("laptop", "/home/ann/project/src"),
        ("laptop", "/srv"),
        ("other", "/"),
    ]


async def test_an_agent_looks_back_at_its_inbox(gateway: Gateway) -> None:
    async with gateway.machine() as machine, tools(gateway, await lead(gateway, machine)) as client:
        for text in ("one", "two"):
            await gateway.ok("POST", f"{S}/messages", {"to": "Lead", "text": text})
        inbox = await call(client, "relay_inbox", after=1)
        assert [(m["number"], m["text"]) for m in inbox["messages"]] == [(2, "two")]


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("relay_send", {"to": "Nobody", "text": "x"}, "AGENT_NOT_FOUND"),
        ("relay_send", {"to": "#Bad!", "text": "x"}, "INVALID_ADDRESS"),
        ("relay_broadcast", {"text": "x"}, "NO_RECIPIENTS"),
        ("relay_spawn", {"name": "Lead", "cli": "demo"}, "NAME_TAKEN"),
        ("relay_spawn", {"name": "X", "cli": "codex"}, "CLI_MISSING"),
        ("relay_release", {"name": "Nobody"}, "AGENT_NOT_FOUND"),
        ("relay_trace", {"message_id": "x:to"}, "MESSAGE_NOT_FOUND"),
    ],
)
async def test_a_refusal_reads_code_first(gateway: Gateway, tool: str, arguments: dict[str, Any], code: str) -> None:
    async with gateway.machine() as machine, tools(gateway, await lead(gateway, machine)) as client:
        assert f"{code}: " in await refusal(client, tool, **arguments)


async def test_an_inbox_number_no_inbox_can_have_is_refused_in_words(gateway: Gateway) -> None:
    async with gateway.machine() as machine, tools(gateway, await lead(gateway, machine)) as client:
        assert "after" in await refusal(client, "relay_inbox", after=10**30)


async def test_tokens_of_other_kinds_are_refused(gateway: Gateway) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    for kind in ("proxy", "observer", "workspace"):
        _, token = await gateway.token(kind)
        answer = await gateway.call("POST", "/mcp", request, token=token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "NOT_PERMITTED")
    assert (await gateway.call("POST", "/mcp", request, token=None)).status_code == 401


async def test_a_lead_raises_the_budget_of_an_agent_that_it_spawned(gateway: Gateway) -> None:
    async with gateway.machine() as machine, tools(gateway, await lead(gateway, machine)) as client:
        await call(client, "relay_spawn", name="Child", cli="demo")
        for scope, amount in (("tree:main/Lead", 9), ("tree:main/Child", 1)):
            await gateway.ok(
                "PUT", "/v1/budgets", {"scope": scope, "unit": "turns", "period": "total", "amount": amount}
            )
        assert "asks to be raised" in await refusal(client, "relay_raise_budget", agent="Child", unit="turns")
        await gateway.ok("POST", f"{S}/messages", {"to": "Child", "text": "go"})
        raised = await call(client, "relay_raise_budget", agent="Child", unit="turns")
        assert (raised["name"], raised["limit"], raised["approval"]) == ("main/Child", 2, None)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_there_is_no_stream_that_would_never_say_anything(gateway: Gateway, method: str) -> None:
    """MCP 2025-06-18, transports: 405 says that none is offered. One would be held for as long as its agent likes."""
    async with gateway.machine() as machine:
        token = await lead(gateway, machine)
        answer = await gateway.call(method, "/mcp", token=token, Accept="text/event-stream")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == "METHOD_NOT_ALLOWED"
