"""Which workspaces a worker looks at next, and when."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from broker.domain.ids import WorkspaceId

_RETRY_S = 1.0
_LONGEST_WAIT_S = 30.0


class Agenda:
    """Nothing is polled: who puts a workspace on it wakes who works."""

    def __init__(self) -> None:
        self._due: dict[WorkspaceId, float] = {}
        """By the loop's clock."""
        self._changed = asyncio.Event()

    def put(self, workspace: WorkspaceId, in_s: float = 0.0) -> None:
        """Look at a workspace then, unless that is to be sooner already."""
        at = asyncio.get_running_loop().time() + in_s
        self._due[workspace] = min(at, self._due.get(workspace, at))
        self._changed.set()

    async def work(self, look: Callable[[WorkspaceId], Awaitable[float | None]]) -> None:
        """Look at each as it is due, until cancelled. `look` says in how many seconds again; None: not by itself.

        Raises what `look` does; that workspace, and those behind it, are looked at again soon.
        """
        while True:
            due = deque(await self._pop_due())
            try:
                while due:
                    next_s = await look(due[0])
                    workspace = due.popleft()
                    if next_s is not None:
                        self.put(workspace, next_s)
            finally:
                for workspace in due:
                    self.put(workspace, _RETRY_S)

    async def _pop_due(self) -> list[WorkspaceId]:
        """Those that are due, as soon as there are any."""
        while True:
            self._changed.clear()
            now = asyncio.get_running_loop().time()
            if found := [workspace for workspace, at in self._due.items() if at <= now]:
                for workspace in found:
                    del self._due[workspace]
                return found
            try:
                async with asyncio.timeout(min(self._due.values(), default=now + _LONGEST_WAIT_S) - now):
                    await self._changed.wait()
            except TimeoutError:
                continue
