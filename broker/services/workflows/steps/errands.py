"""What steps have done at other services, beside the looks at their runs: no host that is slow holds up another run, or
another branch of the same.

Whoever does an errand holds its lease in the store, and asks there before each request, for longer than one may take:
what another has taken over, or is to be stopped, makes no request more. How an errand ended is kept there too, and has
its run looked at. A process that dies leaves a lease that ends; the next look has the errand done again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from broker.domain.errors import Fenced, Unavailable
from broker.domain.ids import WorkflowRunId, WorkspaceId
from broker.services.ports import WorkflowRecords
from broker.task_scope import task_scope

_log = logging.getLogger(__name__)
LEASE_S = 20.0
"""Longer than one request may take with all that belongs to it (15 s, see the guarded client)."""
_OF_PROCESS, _OF_WORKSPACE, _OF_RUN = 64, 16, 4
"""Errands at once."""
_WAITING = 2_000
"""Beyond that one is not remembered: a later look at its run brings it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrandEnd:
    """How an errand ended, and what that names."""

    told: str
    """JSON."""
    outputs: Mapping[str, str] = field(default_factory=dict)


Hold = Callable[[], Awaitable[None]]
"""Awaited before each request. Raises `Fenced` when it must not be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What one attempt of a step is for."""

    workspace: WorkspaceId
    run: WorkflowRunId
    effect: str
    """The attempt's; there is one errand of it, however often it is put."""
    work: Callable[[Hold], Awaitable[ErrandEnd]]


class Errands:
    """Those of one process."""

    def __init__(self, records: WorkflowRecords) -> None:
        self._records = records
        self._waiting: dict[str, Errand] = {}
        """By their effects, in the order in which they came."""
        self._under_way: dict[str, Errand] = {}
        self._changed = asyncio.Event()

    def knows(self, effect: str) -> bool:
        """Whether it waits here, or is under way here."""
        return effect in self._waiting or effect in self._under_way

    def put(self, errand: Errand) -> None:
        """Have it done as soon as there is room."""
        if not self.knows(errand.effect) and len(self._waiting) < _WAITING:
            self._waiting[errand.effect] = errand
            self._changed.set()

    async def run(self) -> None:
        """Do them until cancelled."""
        async with task_scope() as tasks:
            while True:
                await self._changed.wait()
                self._changed.clear()
                while (errand := self._next()) is not None:
                    self._under_way[errand.effect] = self._waiting.pop(errand.effect)
                    tasks.create_task(self._do(errand))

    def _next(self) -> Errand | None:
        """The first that waits whose run and workspace have room."""
        if len(self._under_way) >= _OF_PROCESS:
            return None
        of_run = Counter((each.workspace, each.run) for each in self._under_way.values())
        of_workspace = Counter(each.workspace for each in self._under_way.values())
        return next(
            (
                each
                for each in self._waiting.values()
                if of_run[each.workspace, each.run] < _OF_RUN and of_workspace[each.workspace] < _OF_WORKSPACE
            ),
            None,
        )

    async def _do(self, errand: Errand) -> None:
        try:
            await self._try(errand)
        except Unavailable as error:
            _log.warning("workspace %s: errand of run %s: %s", errand.workspace, errand.run, error.message)
        except Exception:  # the top of what is done for one attempt: a later look at its run brings it again
            _log.exception("workspace %s: errand of run %s: unforeseen error", errand.workspace, errand.run)
        finally:
            del self._under_way[errand.effect]
            self._changed.set()

    async def _try(self, errand: Errand) -> None:
        holder, place = secrets.token_hex(8), (errand.workspace, errand.run, errand.effect)
        if not await self._records.take_errand(*place, holder=holder, lease_s=LEASE_S):
            return

        async def hold() -> None:
            if not await self._records.hold_errand(*place, holder=holder, lease_s=LEASE_S):
                raise Fenced("another does it, or it is to be stopped")

        try:
            ended = await errand.work(hold)
        except Fenced:
            await self._records.end_errand(*place, holder=holder, told=None, outputs={})
        else:
            await self._records.end_errand(*place, holder=holder, told=ended.told, outputs=ended.outputs)
