from __future__ import annotations

import asyncio

import pytest

from broker.task_scope import task_scope


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


async def test_a_failure_interrupts_what_the_caller_does_meanwhile() -> None:
    caller = asyncio.current_task()
    assert caller is not None
    with pytest.raises(OSError, match="gone"):
        async with task_scope() as tasks:
            tasks.create_task(fail())
            await asyncio.Event().wait()
    assert caller.cancelling() == 0
    await asyncio.sleep(0)  # and it goes on


async def test_what_the_caller_raises_itself_comes_out_and_ends_the_others() -> None:
    with pytest.raises(ValueError, match="of its own"):
        async with task_scope() as tasks:
            waiting = tasks.create_task(asyncio.Event().wait())
            raise ValueError("of its own")
    assert waiting.cancelled()


@pytest.mark.parametrize("failing", ["when cancelled", "just before", "just after"])
@pytest.mark.parametrize("inside", [True, False])
async def test_a_caller_that_is_cancelled_while_a_task_fails_stays_cancelled(failing: str, inside: bool) -> None:
    began, fails = asyncio.Event(), asyncio.Event()

    async def break_off() -> None:
        try:
            await fails.wait()
        except asyncio.CancelledError:
            if failing == "when cancelled":
                raise OSError("the connection has broken meanwhile") from None
            raise
        raise OSError("gone")

    async def run() -> None:
        while True:
            try:
                async with task_scope() as tasks:
                    tasks.create_task(break_off())
                    began.set()
                    if inside:
                        await asyncio.Event().wait()
            except OSError:
                await asyncio.Event().wait()  # until it is tried again

    task = asyncio.create_task(run())
    await began.wait()
    await asyncio.sleep(0)
    if failing == "just before":
        fails.set()
        await asyncio.sleep(0)  # the task has failed; its caller does not know yet
    task.cancel()
    if failing == "just after":
        fails.set()
    done, _ = await asyncio.wait({task}, timeout=5)
    task.cancel()
    assert done
    assert task.cancelled()


async def test_the_time_of_a_caller_ends_what_goes_on_inside() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), task_scope() as tasks:
            waiting = tasks.create_task(asyncio.Event().wait())
    assert waiting.cancelled()
