"""`relaycast budget` against a gateway: what budgets have stopped, there, over `/v1` and in GraphQL."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from tests.fixtures.gateway import Gateway
from tests.fixtures.graphql import GraphQL
from tests.fixtures.shell import Shell, shell_of

SEEN = """{ session(key: "main") { pauses { text agentName isOver }
  agent(name: "Worker") { pauses { text agentName isOver } } } }"""


@pytest.fixture
def shell(gateway: Gateway) -> Shell:
    return shell_of(gateway, "budget")


async def test_what_was_stopped_is_listed_for_the_workspace_a_session_and_an_agent(
    shell: Shell, gateway: Gateway
) -> None:
    assert "has stopped anything" in (await shell("pauses")).stdout
    async with gateway.machine():
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        await gateway.ok("POST", "/v1/sessions", {"name": "elsewhere"})
        assert (await shell("set", "agent:main/Worker", "1", "--unit", "turns")).exit_code == 0
        await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": "hello"})
        async with asyncio.timeout(20):
            while not (await gateway.ok("GET", "/v1/pauses"))["pauses"]:
                await asyncio.sleep(0.05)
        said = "the budget of the agent main/Worker in total is spent: 1 turns of 1 turns"
        for where in ((), ("session:main",), ("agent:main/Worker",)):
            listed = (await shell("pauses", *where)).stdout
            assert said in listed
            assert listed.endswith("(Worker) — until somebody raises it\n")
        assert "has stopped anything" in (await shell("pauses", "session:elsewhere")).stdout
        assert (await shell("raise", "agent:main/Worker", "5", "--unit", "turns")).exit_code == 0
        assert (await shell("pauses", "agent:main/Worker")).stdout.endswith("(Worker) — over\n")
        [told] = orjson.loads((await shell("pauses", "session:main", "--json")).stdout)
        assert (told["budget"].partition(":")[0], told["limit"], told["is_over"]) == ("agent", None, True)
        session = (await GraphQL(gateway).ok(SEEN))["session"]
        [pause] = session["pauses"]
        assert session["agent"]["pauses"] == [pause]
        assert (pause["agentName"], pause["isOver"]) == ("Worker", True)
    assert (await shell("pauses", "planet:x")).exit_code == 2
    assert "AGENT_NOT_FOUND" in (await shell("pauses", "agent:main/Nobody")).stderr
