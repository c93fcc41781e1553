from __future__ import annotations

import asyncio

import pytest

from connect.system.task_scope import task_scope


async def fail() -> None:
    await asyncio.sleep(0)
    raise OSError("gone")


async def test_a_failure_comes_out_as_itself_and_ends_the_others() -> None:
    with pytest.raises(OSError, match="gone"):
        async with task_scope() as tasks:
            waiting = tasks.create_task(asyncio.Event().wait())
            tasks.create_task(fail())
    assert waiting.cancelled()


async def test_a_caller_that_goes_on_after_a_failure_is_not_taken_for_cancelled() -> None:
    caller = asyncio.current_task()
    assert caller is not None
    with pytest.raises(OSError, match="gone"):
        async with task_scope() as tasks:
            tasks.create_task(fail())
    assert caller.cancelling() == 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()


async def test_a_cancelled_caller_stays_cancelled() -> None:
    began = asyncio.Event()

    async def run() -> None:
        async with task_scope() as tasks:
            tasks.create_task(asyncio.Event().wait())
            began.set()

    task = asyncio.create_task(run())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
