"""What a run waits for people with, over HTTP: what its agents and those that they have spawned ask, and its gates."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from broker.app import build_workflows
from broker.protocol.agents.events import ApprovalRequested, TurnStarted
from broker.protocol.proxy import Deliver, Spawn
from broker.settings import Settings
from tests.fixtures.gateway import Gateway, Machine

RUNS = "/v1/workflows/runs"
BESIDE = """\
version: "1.0"
name: beside
swarm: { pattern: dag }
agents: [{ name: A, cli: demo, preset: worker }]
workflows:
  - name: beside
    steps:
      - { name: ask, type: approval, message: "May it go on?" }
      - { name: work, agent: A, task: begin }
"""
LEADING = """\
version: "1.0"
name: leading
swarm: { pattern: dag }
agents: [{ name: Boss, cli: demo }]
workflows: [{ name: leading, steps: [{ name: lead, agent: Boss, task: begin }] }]
"""
LS = ApprovalRequested(native_id="1", tool="Bash", title="run ls", command="ls")


@contextlib.asynccontextmanager
async def a_worker(gateway: Gateway) -> AsyncIterator[None]:
    task = asyncio.create_task(build_workflows(Settings(), gateway.adapters).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(gateway: Gateway, run: str, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while not condition(shown := await gateway.ok("GET", f"{RUNS}/{run}")):
            await asyncio.sleep(0.05)
    return dict(shown)


async def delivered(machine: Machine) -> Deliver:
    await machine.until(lambda: any(isinstance(each, Deliver) for each in machine.commands))
    return next(each for each in machine.commands if isinstance(each, Deliver))


async def test_a_run_waits_for_people_once_neither_its_gate_nor_its_agent_goes_on_without_them(
    gateway: Gateway,
) -> None:
    async with gateway.machine() as machine, a_worker(gateway):
        machine.answering = False
        run = (await gateway.ok("POST", RUNS, {"text": BESIDE}))["id"]
        order = await delivered(machine)
        shown = await until(gateway, run, lambda shown: shown["needs"])
        assert ([each["kind"] for each in shown["needs"]], shown["waits_for_people"]) == (["gate"], False)
        await machine.state(order, LS)
        shown = await until(gateway, run, lambda shown: shown["waits_for_people"])
        assert [(each["kind"], each["step"], each["agent"], each["asks"], each["url"]) for each in shown["needs"]] == [
            ("gate", "ask", None, "May it go on?", f"{gateway.url}/workflows/{run}"),
            ("approval", "work", "A", "run ls", f"{gateway.url}/session/{shown['session']}"),
        ]
        await gateway.ok("POST", f"/v1/approvals/{shown['needs'][1]['subject']}/answer", {"verdict": "allow"})
        shown = await gateway.ok("GET", f"{RUNS}/{run}")
        assert ([each["kind"] for each in shown["needs"]], shown["waits_for_people"]) == (["gate"], False)


async def test_what_an_agent_asks_that_another_has_spawned_is_asked_by_that_ones_step(
    gateway: Gateway,
) -> None:
    async with gateway.machine() as machine, a_worker(gateway):
        machine.answering = False
        run = await gateway.ok("POST", RUNS, {"text": LEADING, "session": "main"})
        order = await delivered(machine)
        await machine.state(order, TurnStarted(turn_id="t", message_id=order.message_id))
        about = {"name": "Helper", "cli": "demo", "wait": False}
        await gateway.ok("POST", "/v1/sessions/main/agents", about, token=machine.tokens[order.agent])
        await gateway.ok("POST", "/v1/sessions/main/agents", {**about, "name": "Stranger"})
        await machine.until(lambda: len(machine.tokens) == 3)
        for spawn in [each for each in machine.commands if isinstance(each, Spawn) and each.name != "Boss"]:
            await machine.state(spawn, LS)
        shown = await until(gateway, run["id"], lambda shown: shown["needs"])
        assert [(each["step"], each["agent"]) for each in shown["needs"]] == [("lead", "Helper")]
        assert shown["waits_for_people"]
