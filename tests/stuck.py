"""A pytest plugin: where the tasks of a loop stand when a test ran out of time.

The stack of the thread ends in the loop's selector and says nothing; a task's own stack ends at its first `await`.
"""

from __future__ import annotations

import asyncio
import linecache
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Add to the report of a failure inside a running loop what each of its tasks waits for."""
    loop = None if call.excinfo is None else _loop_of(call.excinfo)
    if loop is not None:
        tasks = sorted(asyncio.all_tasks(loop), key=lambda task: _runs(task, item))
        item.add_report_section(call.when, "tasks", "\n\n".join(map(_described, tasks)))


def _loop_of(failure: pytest.ExceptionInfo[BaseException]) -> asyncio.AbstractEventLoop | None:
    """The loop that was waiting when the failure was raised into it, as pytest-timeout does by a signal."""
    for entry in failure.traceback:
        owner = entry.frame.f_locals.get("self")
        if entry.name == "run_forever" and isinstance(owner, asyncio.AbstractEventLoop):
            return owner
    return None


def _runs(task: asyncio.Task[Any], item: pytest.Item) -> bool:
    """Whether it is the test itself: told last, where a report that was cut short still has it."""
    code = getattr(getattr(item, "function", None), "__code__", None)
    return any(frame.f_code is code for frame in _awaited(task.get_coro()))


def _described(task: asyncio.Task[Any]) -> str:
    lines = [task.get_name()]
    for frame in _awaited(task.get_coro()):
        path, line = frame.f_code.co_filename, frame.f_lineno
        lines.append(f"  {path}:{line} {frame.f_code.co_name}: {linecache.getline(path, line).strip()}")
    return "\n".join(lines)


def _awaited(waiting: object) -> Iterator[FrameType]:
    """The frames of a coroutine and of all that it awaits, the outermost first."""
    while waiting is not None:
        frame = next((f for k in ("cr_frame", "gi_frame", "ag_frame") if (f := getattr(waiting, k, None))), None)
        if frame is not None:
            yield frame
        waiting = next((w for k in ("cr_await", "gi_yieldfrom", "ag_await") if (w := getattr(waiting, k, None))), None)
