"""Runs of workflows from Python that wait for people, against a gateway with a worker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from broker.app import build_workflows
from broker.domain.approvals.answers import Verdict
from broker.settings import Settings
from connect.sdk import AgentRelay
from connect.sdk.workflow import workflow
from connect.sdk.workflow_runs import RunNeed, find_run
from tests.fixtures.gateway import Gateway


@contextlib.asynccontextmanager
async def a_worker(gateway: Gateway) -> AsyncIterator[None]:
    task = asyncio.create_task(build_workflows(Settings(), gateway.adapters).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_run_that_is_not_to_wait_for_people_says_what_it_waits_for_and_goes_on_once_that_is_answered(
    gateway: Gateway,
) -> None:
    wf = workflow("release").step("gate", type="approval", message="May version 7 go out?")
    async with AgentRelay(gateway.url, gateway.key) as relay, a_worker(gateway), asyncio.timeout(30):
        result = await wf.run(relay=relay, waits_for_people=False)
        assert (result.ok, result.needs_person, result.state) == (False, True, "running")
        [need] = result.waiting_for
        assert (need.kind, need.run, need.step, need.agent, need.asks, need.url, need.commands) == (
            "gate",
            result.id,
            "gate",
            None,
            "May version 7 go out?",
            f"{gateway.url}/workflows/{result.id}",
            (f"relaycast workflow allow {result.id} gate", f"relaycast workflow deny {result.id} gate"),
        )
        run = await find_run(relay, result.id)
        assert await run.needs() == (need,)
        assert need.approval_id is not None
        await relay.answer(need.approval_id, Verdict.ALLOW)
        ended = await run.wait(waits_for_people=False)
        assert (ended.ok, ended.needs_person, ended.waiting_for) == (True, False, ())


async def test_a_run_that_waits_for_people_tells_each_thing_once(gateway: Gateway) -> None:
    told = list[RunNeed]()
    wf = workflow("release").step("gate", type="approval", message="May version 7 go out?")
    async with AgentRelay(gateway.url, gateway.key) as relay, a_worker(gateway), asyncio.timeout(30):
        running = asyncio.create_task(wf.run(relay=relay, on_need=told.append))
        while not told:
            await asyncio.sleep(0.05)
        run = await find_run(relay, told[0].run)
        for _ in range(20):  # it looks again meanwhile
            assert await run.needs() == (told[0],)
            await asyncio.sleep(0.05)
        assert told[0].approval_id is not None
        await relay.answer(told[0].approval_id, Verdict.ALLOW)
        assert (await running).ok
        assert len(told) == 1
