"""The journal of hooks' runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from broker.domain.hooks.runs import RunState
from broker.protocol.proxy import HookRan, RunHook
from connect.machine.commands import journal
from connect.machine.commands.journal import CUT_OFF, NEVER_STARTED

_LONGEST_REASON = 500
_LONGEST_OUTPUT = 1000


class Journal(journal.Journal[HookRan]):
    """Knows of each run that was ordered how far it came."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, model=HookRan, key=lambda report: report.run, shortened=_shorten)

    def take(self, order: RunHook) -> None:
        """A run is ordered."""
        self.keep_taken(untaken(order))

    async def start(self, report: HookRan) -> None:
        """Its process is about to be started. Returns once that is on the disk itself."""
        await self.keep_started(report.model_copy(update={"state": RunState.INTERRUPTED, "reason": CUT_OFF}))


def untaken(order: RunHook) -> HookRan:
    """What is told if nothing comes of it."""
    return HookRan(
        agent=order.agent,
        generation=order.generation,
        run=order.run,
        hook=order.hook,
        state=RunState.SKIPPED,
        reason=NEVER_STARTED,
        on=order.answers if order.begun_here else None,
    )


def _shorten(report: HookRan) -> HookRan:
    """What a repeated order is answered with: the broker was told the whole of it before."""
    short: dict[str, Any] = {
        "reason": report.reason[:_LONGEST_REASON],
        "output": report.output[-_LONGEST_OUTPUT:],
        "argv": [],
    }
    return report.model_copy(update=short)
