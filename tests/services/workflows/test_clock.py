"""The store's clock is set while runs wait: they wait as long as they were to."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters, build_services, build_workflows
from broker.domain.ids import WorkspaceId
from broker.domain.workflows.runs.journal import RunState
from broker.services.workflows.showing import ShownRun
from broker.services.workflows.starting import RunRequest
from broker.settings import Settings
from tests.fixtures.clocked_store import STEPS, set_clock
from tests.fixtures.desk import Desk, open_desk
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


@pytest.fixture
def redis_url(clocked_store: Server) -> str:
    return clocked_store.url


@pytest.fixture
async def desk(adapters: Adapters, workspace: WorkspaceId) -> Desk:
    made = await open_desk(adapters, workspace)
    await adapters.redis.sadd(keys.WORKSPACES, workspace)  # where workers find it
    await adapters.timers.claim(workspace)
    return made


@STEPS
async def test_what_steps_wait_for_comes_when_it_was_to_and_no_timeout_is_over(
    desk: Desk, clock: FakedClock, step_s: int
) -> None:
    services = build_services(Settings(), desk.adapters)
    run = (await services.workflows.start(desk.person(), RunRequest(text=_WAITS, values={}))).id

    async def until(step: str, state: str) -> ShownRun:
        async with asyncio.timeout(20):
            while True:
                shown = await services.workflows.show(desk.person(), run)
                if {each.name: each.state for each in shown.steps}[step] == state:
                    return shown
                await asyncio.sleep(0.05)

    worker = asyncio.create_task(build_workflows(Settings(), desk.adapters).run())
    try:
        await until("short", "running")
        await until("long", "running")
        await set_clock(desk.adapters, clock, step_s)
        await desk.adapters.timers.claim(desk.workspace)  # as a worker that keeps deadlines does, sooner or later
        shown = await until("behind", "completed")
        assert shown.row.state is RunState.RUNNING
        assert {each.name: each.state for each in shown.steps}["long"] == "running"
    finally:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker
