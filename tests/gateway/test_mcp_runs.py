"""Runs of workflows that agents begin: where, with whose rights, once, and how deep."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from mcp_types import RequestParamsMeta

from broker.protocol.proxy import RunCommand, Spawn
from tests.fixtures.gateway import A_WORKFLOW, Gateway, Machine
from tests.gateway.http.test_workflows import RUNS, TWO_COMMANDS, a_worker, until
from tests.gateway.test_mcp import S, call, lead, refusal, tools

CALL = cast(RequestParamsMeta, {"claudecode/toolUseId": "toolu_1"})


async def spawned(machine: Machine, cli_name: str) -> Spawn:
    """The order of an agent whose name begins so, once its process is up and the broker knows its token."""

    def found() -> list[Spawn]:
        orders = [each for each in machine.commands if isinstance(each, Spawn) and each.name.startswith(cli_name)]
        return [each for each in orders if each.agent in machine.tokens]

    await machine.until(lambda: found() and machine.acked == machine.sent)
    return found()[-1]


async def test_a_run_is_where_its_agent_is_and_of_its_session_and_its_agents_descend_from_it(gateway: Gateway) -> None:
    async with (
        gateway.machine(runs_commands=True) as machine,
        gateway.machine(machine_id="machine-2", name="other", runs_commands=True),
        a_worker(gateway),
    ):
        asked = {"name": "Lead", "cli": "demo", "on": "laptop", "cwd": "/home/ann/project"}
        token = machine.tokens[(await gateway.ok("POST", f"{S}/agents", asked))["id"]]
        machine.answering = False
        async with tools(gateway, token) as client:
            await call(client, "relay_run_workflow", text=A_WORKFLOW)
            order = await spawned(machine, "Greeter")
            assert (order.cwd, order.asked_by and order.asked_by.kind) == ("/home/ann/project", "agent")
            await call(client, "relay_run_workflow", text=TWO_COMMANDS)
            await machine.until(lambda: any(isinstance(each, RunCommand) for each in machine.commands))
            (command,) = [each for each in machine.commands if isinstance(each, RunCommand)]
            assert (command.cwd, command.session) == ("/home/ann/project", order.session)
            assert command.asked_by is not None
            assert (command.asked_by.kind, command.asked_by.same_machine) == ("agent", True)
            agents = {each["name"]: each for each in (await call(client, "relay_agents"))["agents"]}
            assert agents[order.name]["spawned_by"] == "Lead"


async def test_a_call_that_is_repeated_begins_one_run_and_its_id_is_good_for_no_other(gateway: Gateway) -> None:
    async with gateway.machine() as machine, tools(gateway, await lead(gateway, machine)) as client:
        said = [
            (await client.call_tool("relay_run_workflow", {"text": A_WORKFLOW}, meta=CALL)).structured_content
            for _ in range(2)
        ]
        assert said[0] == said[1]
        assert len((await gateway.ok("GET", RUNS))["runs"]) == 1
        other = await client.call_tool("relay_run_workflow", {"text": TWO_COMMANDS}, meta=CALL)
        assert other.is_error
        assert "IDEMPOTENCY_MISMATCH" in str(other.content)
        without = [(await call(client, "relay_run_workflow", text=A_WORKFLOW))["run"] for _ in range(2)]
        assert len(set(without)) == 2


async def test_a_run_is_held_when_the_agent_that_began_it_is_gone(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        async with tools(gateway, await lead(gateway, machine)) as client:
            run = (await call(client, "relay_run_workflow", text=A_WORKFLOW))["run"]
        await gateway.ok("DELETE", f"{S}/agents/Lead")
        async with a_worker(gateway), asyncio.timeout(30):
            while not (shown := await gateway.ok("GET", f"{RUNS}/{run}"))["held"]:
                await asyncio.sleep(0.02)
            assert shown["held"].startswith("Lead: ")
            assert not [each for each in machine.commands if isinstance(each, Spawn) and each.name != "Lead"]
            await gateway.ok("POST", f"{RUNS}/{run}/resume")
            assert (await until(gateway, run, "completed"))["held"] is None


async def test_agents_of_runs_begin_runs_to_a_bound(gateway: Gateway) -> None:
    """Each agent begins the same run again, and so does one that the last of them has spawned."""
    async with gateway.machine() as machine, a_worker(gateway), asyncio.timeout(60):
        token, runs = await lead(gateway, machine), []
        machine.answering = False
        for depth in range(6):
            text = A_WORKFLOW.replace("Greeter", f"Greeter{depth}")
            async with tools(gateway, token) as client:
                runs.append((await call(client, "relay_run_workflow", text=text))["run"])
                order = await spawned(machine, f"Greeter{depth}")
            token = machine.tokens[order.agent]
        async with tools(gateway, token) as client:
            said = await refusal(client, "relay_run_workflow", text=A_WORKFLOW)
            assert "RUNS_TOO_DEEP: 5 runs are around you" in said
            await call(client, "relay_spawn", name="Child", cli="demo")
            token = machine.tokens[(await spawned(machine, "Child")).agent]
        async with tools(gateway, token) as client:
            assert "RUNS_TOO_DEEP" in await refusal(client, "relay_run_workflow", text=A_WORKFLOW)
        assert len((await gateway.ok("GET", RUNS))["runs"]) == len(set(runs)) == 6


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"text": "name: x"}, "INVALID_WORKFLOW"),
        ({"text": A_WORKFLOW, "values": {"what": 1}, "workflow": "another"}, "INVALID_WORKFLOW"),
    ],
)
async def test_what_is_no_workflow_is_refused_with_code_and_place(
    gateway: Gateway, arguments: dict[str, Any], code: str
) -> None:
    async with gateway.machine() as machine, tools(gateway, await lead(gateway, machine)) as client:
        assert f"{code}: " in await refusal(client, "relay_run_workflow", **arguments)
        assert (await gateway.ok("GET", RUNS))["runs"] == []
