"""The store's clock is set while runs wait: they wait as long as they were to."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters, build_services, build_workflows
from broker.domain.ids import WorkflowRunId, WorkspaceId
from broker.domain.workflows.runs.commands import CommandState
from broker.domain.workflows.runs.journal import RunState
from broker.protocol.proxy import CommandRan, RunCommand
from broker.services.container import Services
from broker.services.workflows.showing import ShownRun
from broker.services.workflows.starting import RunRequest
from broker.settings import Settings
from tests.fixtures.clocked_store import STEPS, set_clock
from tests.fixtures.desk import Desk, a_hello, open_desk
from tests.fixtures.faked_clock import FakedClock
from tests.fixtures.redis_servers import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the clock that is set is Linux' own")
_WAITS = """\
version: "1.0"
name: waits
swarm: { pattern: dag }
workflows:
  - name: waits
    steps:
      - { name: short, waitFor: { durationMs: 4000 } }
      - { name: behind, waitFor: { durationMs: 1000 }, dependsOn: [short] }
      - { name: long, type: approval, timeoutMs: 1200000 }
"""


_COMMAND = """\
version: "1.0"
name: command
swarm: { pattern: dag }
workflows:
  - name: command
    steps:
      - { name: first, type: deterministic, command: make }
      - { name: work, type: deterministic, command: make, dependsOn: [first] }
      - { name: long, type: approval, timeoutMs: 1200000 }
"""


@pytest.fixture
def redis_url(clocked_store: Server) -> str:
    return clocked_store.url


@pytest.fixture
async def desk(adapters: Adapters, workspace: WorkspaceId) -> Desk:
    made = await open_desk(adapters, workspace)
    await adapters.redis.sadd(keys.WORKSPACES, workspace)  # where workers find it
    await adapters.timers.claim(workspace)
    return made


async def wait_until(desk: Desk, services: Services, run: WorkflowRunId, step: str, state: str) -> ShownRun:
    async with asyncio.timeout(20):
        while True:
            shown = await services.workflows.show(desk.person(), run)
            if {each.name: each.state for each in shown.steps}[step] == state:
                return shown
            await asyncio.sleep(0.05)


@STEPS
@pytest.mark.parametrize("noticed", [True, False])
async def test_what_steps_wait_for_comes_when_it_was_to_and_no_timeout_is_over(
    desk: Desk, clock: FakedClock, step_s: int, noticed: bool
) -> None:
    """`noticed`: whether a worker that keeps deadlines has seen it first, as it does within half a minute."""
    services = build_services(Settings(), desk.adapters)
    run = (await services.workflows.start(desk.person(), RunRequest(text=_WAITS, values={}))).id
    until = functools.partial(wait_until, desk, services, run)
    worker = asyncio.create_task(build_workflows(Settings(), desk.adapters).run())
    try:
        await until("short", "running")
        await until("long", "running")
        await set_clock(desk.adapters, clock, step_s)
        if noticed:
            await desk.adapters.timers.claim(desk.workspace)
        shown = await until("behind", "completed")
        assert shown.row.state is RunState.RUNNING
        assert {each.name: each.state for each in shown.steps}["long"] == "running"
    finally:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker


async def end_command(desk: Desk, number: int) -> None:
    """The machine has done the command that it was given so."""
    async with asyncio.timeout(20):
        while len(orders := [each for each in await desk.commands() if isinstance(each, RunCommand)]) < number:
            await asyncio.sleep(0.05)
    command = orders[number - 1].command
    await desk.report(CommandRan(command=command, state=CommandState.STARTED))
    await desk.report(CommandRan(command=command, state=CommandState.ENDED, exit_code=0))


@STEPS
@pytest.mark.parametrize("ended", [0, 1])
async def test_the_end_of_a_command_is_heard_and_fires_no_timer_early_though_nobody_has_noticed_the_clock(
    desk: Desk, clock: FakedClock, step_s: int, ended: int
) -> None:
    """With one that has ended before, the run is handed to the worker that has it in mind; else it is due for any."""
    await desk.attach(a_hello(runs_commands=True))
    services = build_services(Settings(), desk.adapters)
    asked = RunRequest(text=_COMMAND, values={}, machine=desk.link)
    run = (await services.workflows.start(desk.person(), asked)).id
    until = functools.partial(wait_until, desk, services, run)
    worker = asyncio.create_task(build_workflows(Settings(), desk.adapters).run())
    try:
        await until("long", "running")
        for number in range(1, ended + 1):
            await end_command(desk, number)
        step = ("first", "work")[ended]
        await until(step, "running")
        await set_clock(desk.adapters, clock, step_s)
        await end_command(desk, ended + 1)
        await until(step, "completed")
        shown = await services.workflows.show(desk.person(), run)
        assert shown.row.state is RunState.RUNNING
        assert {each.name: each.state for each in shown.steps}["long"] == "running"
    finally:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker
