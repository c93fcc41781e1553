"""What is done at other services: beside all else, by one at a time, and by nobody once it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest
from redis.asyncio import Redis

from broker.adapters.redis import keys
from broker.domain.ids import WorkflowRunId
from broker.services.workflows.steps.errands import Errand, ErrandEnd, Errands, Hold
from tests.adapters.redis.workflows.test_runs import RUN, begun
from tests.fixtures.desk import Desk

EFFECT = "effect"
Work = Callable[[Hold], Awaitable[ErrandEnd]]


@contextlib.asynccontextmanager
async def doing(desk: Desk) -> AsyncIterator[Errands]:
    """Those of a process that does them; it is killed at the end."""
    errands = Errands(desk.adapters.workflows)
    task = asyncio.create_task(errands.run())
    try:
        async with asyncio.timeout(10):
            yield errands
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def an_errand(desk: Desk, work: Work, *, effect: str = EFFECT, run: WorkflowRunId = RUN) -> Errand:
    return Errand(workspace=desk.workspace, run=run, effect=effect, work=work)


async def the_end(desk: Desk, effect: str = EFFECT) -> str:
    async with asyncio.timeout(10):
        while (told := await desk.adapters.workflows.errand_end(desk.workspace, RUN, effect)) is None:
            await asyncio.sleep(0.01)
    return told


class Host:
    """A service that says nothing until it is let."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.asked = asyncio.Semaphore(0)
        self.answers = asyncio.Event()
        self.requests = 0

    async def work(self, hold: Hold) -> ErrandEnd:
        """Two requests."""
        for _ in range(2):
            await hold()
            self.requests += 1
            self.asked.release()
            await self.answers.wait()
        return ErrandEnd(told=self.said, outputs={self.said: "text"})


async def test_an_end_is_kept_with_its_outputs_and_makes_the_run_due(desk: Desk) -> None:
    claimed = await begun(desk)
    host = Host("done")
    host.answers.set()
    async with doing(desk) as errands:
        errands.put(an_errand(desk, host.work))
        assert await the_end(desk) == "done"
    records = desk.adapters.workflows
    assert await records.output(desk.workspace, RUN, "done") == "text"
    await records.settle(desk.workspace, claimed, due_at_ms=None)
    assert [each.id for each in (await records.claim(desk.workspace, most=10, lease_s=60)).runs] == [RUN]


async def test_one_that_is_put_twice_is_done_once_and_one_that_has_ended_never_again(desk: Desk) -> None:
    await begun(desk)
    host = Host("done")
    async with doing(desk) as errands, doing(desk) as of_another_process:
        errands.put(an_errand(desk, host.work))
        await host.asked.acquire()
        errands.put(an_errand(desk, host.work))
        of_another_process.put(an_errand(desk, host.work))
        while of_another_process.knows(EFFECT):
            await asyncio.sleep(0.01)
        host.answers.set()
        await the_end(desk)
        errands.put(an_errand(desk, host.work))
        while errands.knows(EFFECT):
            await asyncio.sleep(0.01)
    assert host.requests == 2


async def test_who_has_lost_its_lease_makes_no_request_more_and_its_end_counts_for_nothing(desk: Desk) -> None:
    await begun(desk)
    slow, other = Host("slow"), Host("other")
    async with doing(desk) as errands, doing(desk) as of_another_process:
        errands.put(an_errand(desk, slow.work))
        await slow.asked.acquire()
        await desk.adapters.redis.delete(keys.key(desk.workspace, "errand", RUN, EFFECT))
        of_another_process.put(an_errand(desk, other.work))
        await other.asked.acquire()
        slow.answers.set()
        while errands.knows(EFFECT):
            await asyncio.sleep(0.01)
        assert (slow.requests, other.requests) == (1, 1)
        other.answers.set()
        assert await the_end(desk) == "other"


async def test_one_that_is_stopped_ends_behind_the_request_that_is_under_way(desk: Desk) -> None:
    await begun(desk)
    host, records = Host("done"), desk.adapters.workflows
    async with doing(desk) as errands:
        errands.put(an_errand(desk, host.work))
        await host.asked.acquire()
        assert await records.stop_errand(desk.workspace, RUN, EFFECT, "stopped") > 0
        assert await records.errand_end(desk.workspace, RUN, EFFECT) is None
        host.answers.set()
        while errands.knows(EFFECT):
            await asyncio.sleep(0.01)
        assert await records.stop_errand(desk.workspace, RUN, EFFECT, "stopped") == 0
        assert (host.requests, await the_end(desk)) == (1, "stopped")


async def test_one_that_was_stopped_before_it_began_is_begun_by_nobody(desk: Desk) -> None:
    await begun(desk)
    host = Host("done")
    assert await desk.adapters.workflows.stop_errand(desk.workspace, RUN, EFFECT, "stopped") == 0
    async with doing(desk) as errands:
        errands.put(an_errand(desk, host.work))
        while errands.knows(EFFECT):
            await asyncio.sleep(0.01)
    assert (host.requests, await the_end(desk)) == (0, "stopped")


async def test_nothing_is_begun_for_a_run_that_is_held(desk: Desk) -> None:
    claimed = await begun(desk)
    host = Host("done")
    await desk.adapters.workflows.settle(desk.workspace, claimed, due_at_ms=None, held="its creator is gone")
    async with doing(desk) as errands:
        errands.put(an_errand(desk, host.work))
        while errands.knows(EFFECT):
            await asyncio.sleep(0.01)
    assert host.requests == 0


async def test_many_of_one_run_leave_room_for_another(desk: Desk) -> None:
    another = WorkflowRunId("00000000-0000-4000-8000-00000000000b")
    await begun(desk)
    await begun(desk, run=another)
    host, other = Host("done"), Host("other")
    async with doing(desk) as errands:
        for number in range(10):
            errands.put(an_errand(desk, host.work, effect=f"effect-{number}"))
        errands.put(an_errand(desk, other.work, run=another))
        await other.asked.acquire()
        for _ in range(4):
            await host.asked.acquire()
        assert (host.requests, other.requests) == (4, 1)
        host.answers.set()
        for number in range(10):
            await the_end(desk, f"effect-{number}")
    assert host.requests == 20


async def test_one_that_fails_for_no_reason_we_know_is_let_go_of_by_its_lease_alone(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await begun(desk)

    async def broken(hold: Hold) -> ErrandEnd:
        await hold()
        raise RuntimeError("broken")

    async with doing(desk) as errands:
        errands.put(an_errand(desk, broken))
        while errands.knows(EFFECT):
            await asyncio.sleep(0.01)
        assert await desk.adapters.workflows.errand_end(desk.workspace, RUN, EFFECT) is None
        life_s = await cast(Redis, desk.adapters.redis).ttl(keys.key(desk.workspace, "errand", RUN, EFFECT))
        assert 0 < life_s <= 20
    assert "unforeseen error" in caplog.text
