"""Wide runs of workflows on one machine: it is given as many commands as it has room for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from broker.app import build_workflows
from broker.domain.timings import TIMINGS
from broker.domain.workflows.runs.commands import CommandState
from broker.protocol.proxy import CommandRan, RunCommand
from broker.settings import Settings
from tests.fixtures.gateway import Gateway, Machine

RUNS = "/v1/workflows/runs"
ROOM = TIMINGS.command_room


@contextlib.asynccontextmanager
async def a_worker(gateway: Gateway) -> AsyncIterator[None]:
    task = asyncio.create_task(build_workflows(Settings(), gateway.adapters).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def wide(steps: int, more: str = "") -> str:
    each = "\n".join(f"      - {{ name: s{n}, type: deterministic, command: make{more} }}" for n in range(steps))
    swarm = f"swarm: {{ pattern: dag, maxConcurrency: {steps} }}"
    return f'version: "1.0"\nname: wide\n{swarm}\nworkflows:\n  - name: wide\n    steps:\n{each}\n'


def given(machine: Machine) -> list[RunCommand]:
    return [each for each in machine.commands if isinstance(each, RunCommand)]


async def until(gateway: Gateway, run: str, *states: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while (shown := await gateway.ok("GET", f"{RUNS}/{run}"))["state"] not in states:
            await asyncio.sleep(0.05)
    return dict(shown)


async def held(gateway: Gateway, run: str, count: int) -> list[dict[str, Any]]:
    """The steps that wait for room, once there are so many."""
    async with asyncio.timeout(30):
        while True:
            steps = (await gateway.ok("GET", f"{RUNS}/{run}"))["steps"]
            if len(found := [each for each in steps if each["reason"]]) == count:
                return found
            await asyncio.sleep(0.05)


async def test_a_machine_is_not_given_more_than_it_has_room_for_and_what_waits_says_so_and_comes_to_its_end(
    gateway: Gateway,
) -> None:
    async with gateway.machine(runs_commands=True) as machine, a_worker(gateway):
        machine.answering = False
        run = (await gateway.ok("POST", RUNS, {"text": wide(3 * ROOM)}))["id"]
        waiting = await held(gateway, run, 2 * ROOM)
        assert {(each["state"], each["reason"]) for each in waiting} == {("running", "waits for room on laptop")}
        await machine.until(lambda: len(given(machine)) == ROOM)
        for order in given(machine)[:5]:
            await machine.report(CommandRan(command=order.command, state=CommandState.STARTED))
            await machine.report(CommandRan(command=order.command, state=CommandState.ENDED, exit_code=0))
        await held(gateway, run, 2 * ROOM - 5)
        await machine.until(lambda: len(given(machine)) == ROOM + 5)
        machine.answering = True
        for order in given(machine)[5:]:
            await machine.obey(order)
        shown = await until(gateway, run, "completed", "failed")
        assert (shown["state"], shown["reason"]) == ("completed", None)
        assert len({each.command for each in given(machine)}) == len(given(machine)) == 3 * ROOM


async def test_room_that_another_run_has_taken_is_found_once_it_is_there(gateway: Gateway) -> None:
    async with gateway.machine(runs_commands=True) as machine, a_worker(gateway):
        machine.answering = False
        first = (await gateway.ok("POST", RUNS, {"text": wide(ROOM)}))["id"]
        await machine.until(lambda: len(given(machine)) == ROOM)
        second = (await gateway.ok("POST", RUNS, {"text": wide(3)}))["id"]
        await held(gateway, second, 3)
        machine.answering = True
        for order in given(machine):
            await machine.obey(order)
        assert (await until(gateway, first, "completed", "failed"))["state"] == "completed"
        assert (await until(gateway, second, "completed", "failed"))["state"] == "completed"


@pytest.mark.parametrize("how", ["cancelled", "timeout"])
async def test_what_waits_for_room_ends_with_its_run_and_by_its_own_time_limit(gateway: Gateway, how: str) -> None:
    async with gateway.machine(runs_commands=True) as machine, a_worker(gateway):
        machine.answering = False
        first = (await gateway.ok("POST", RUNS, {"text": wide(ROOM)}))["id"]
        await machine.until(lambda: len(given(machine)) == ROOM)
        more = ", timeoutMs: 1500" if how == "timeout" else ""
        second = (await gateway.ok("POST", RUNS, {"text": wide(2, more)}))["id"]
        await held(gateway, second, 2)
        if how == "cancelled":
            await gateway.ok("POST", f"{RUNS}/{second}/cancel")
        shown = await until(gateway, second, "cancelled", "failed", "completed")
        assert {each["reason"] for each in shown["steps"]} == {how}
        assert len(given(machine)) == ROOM
        await gateway.ok("POST", f"{RUNS}/{first}/cancel")
