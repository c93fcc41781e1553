"""A task group whose first failure comes out as itself, for callers that handle plain exceptions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def task_scope() -> AsyncIterator[asyncio.TaskGroup]:
    """Run tasks that end together; when one fails the others are cancelled and its exception is raised.

    Before Python 3.12 a group whose task fails while it is being left keeps its caller marked as cancelled, and up to
    3.11.2 an `asyncio.timeout` of such a caller ends in `CancelledError`: the mark is taken off again.
    """
    caller = asyncio.current_task()
    assert caller is not None
    marks = caller.cancelling()
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        while caller.cancelling() > marks:
            caller.uncancel()
        raise group.exceptions[0] from None
