"""A task group whose first failure comes out as itself, for callers that handle plain exceptions.

It stands below all layers: what the broker and relay-connect do again until they are told to end needs the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

_T = TypeVar("_T")


class TaskScope:
    """Tasks that end together. Its caller is interrupted by the first failure as long as it does something else."""

    def __init__(self) -> None:
        caller = asyncio.current_task()
        assert caller is not None
        self._caller = caller
        self._marks = caller.cancelling()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._entered = True
        self._interrupted = False
        self.failure: BaseException | None = None
        """The first."""

    def create_task(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Begin one more."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody else wants the caller to end."""
        return self._caller.cancelling() > self._marks

    async def leave(self, *, cancel: bool) -> None:
        """Return once all have ended by themselves, or, with `cancel` or after a failure, were made to."""
        self._entered = False
        await self._forget_interruption()
        if cancel or self.failure is not None:
            self._cancel()
        while self._tasks:
            try:
                await asyncio.wait(self._tasks)
            except asyncio.CancelledError:
                self._cancel()

    async def _forget_interruption(self) -> None:
        """Of which the caller may have heard, or not yet."""
        if self._interrupted:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            self._caller.uncancel()

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (failure := task.exception()) is None or self.failure is not None:
            return
        self.failure = failure
        self._cancel()
        if self._entered:
            self._interrupted = True
            self._caller.cancel()


@asynccontextmanager
async def task_scope() -> AsyncIterator[TaskScope]:
    """Run tasks that end together; when one fails the others are cancelled and its exception is raised.

    A caller that is cancelled meanwhile ends as cancelled, whatever fails in the same moment: `asyncio.TaskGroup` lets
    the failure win then (until Python 3.13), so that whoever is told to end goes on, and is never told again.
    """
    scope = TaskScope()
    try:
        yield scope
    except BaseException:
        await scope.leave(cancel=True)
        if scope.is_cancelled or scope.failure is None:
            raise
        raise scope.failure from None
    await scope.leave(cancel=False)
    if scope.is_cancelled:
        raise asyncio.CancelledError
    if scope.failure is not None:
        raise scope.failure
