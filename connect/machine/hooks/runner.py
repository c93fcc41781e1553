"""Takes the broker's orders to run hooks, runs those that this machine's owner allows, and tells how each ended."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from dataclasses import dataclass

from typing_extensions import override

from broker.domain.hooks.runs import RunState
from broker.protocol.proxy import HookRan, RunHook
from connect.machine.commands.queue import MOST_WAITING, RunQueue
from connect.machine.commands.runner import STOPPED, UNKEPT, OnceRunner
from connect.machine.hooks.consent_file import TakenConsents
from connect.machine.hooks.execution import execute, report_of
from connect.machine.hooks.journal import Journal, untaken
from connect.machine.hooks.loop_guard import LoopGuard
from connect.machine.hooks.preparation import NotRun, Objected, Prepared, action_of, hold, prepare
from connect.machine.hooks.programs import usable_path
from connect.machine.hooks.refusals import Refusals
from connect.machine.hooks.telling import HookNotices
from connect.machine.kit import Kit
from connect.machine.reporting import MachineReporter


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSurroundings:
    """What the runs of hooks share with the rest of this machine's link."""

    kit: Kit
    """Its folder is for the files of events."""
    consents: TakenConsents
    refusals: Refusals


def line_of(order: RunHook) -> tuple[str, str]:
    """The runs of one hook for one agent keep their order."""
    return order.hook, order.agent


class HookRunner(OnceRunner[RunHook, HookRan]):
    """Runs those that this machine's owner allows."""

    _journal: Journal

    def __init__(self, around: HookSurroundings, *, journal: Journal, queue: RunQueue[RunHook] | None = None) -> None:
        super().__init__(journal=journal, queue=queue or RunQueue(line=line_of), spool=around.kit.spool)
        self._around = around
        self._path = usable_path(around.kit.environment.get("PATH", os.defpath))
        self._notices = HookNotices(around.kit.notice)
        self._loops = LoopGuard()

    @override
    def recover(self) -> None:
        shutil.rmtree(self._around.kit.private, ignore_errors=True)
        super().recover()

    @override
    def _id(self, order: RunHook) -> str:
        return order.run

    @override
    def _id_of(self, report: HookRan) -> str:
        return report.run

    @override
    def _untaken(self, order: RunHook) -> HookRan:
        return untaken(order)

    @override
    def _report_skipped(self, order: RunHook, why: str) -> HookRan:
        return report_of(order, RunState.SKIPPED, why)

    @override
    def _overrun(self, order: RunHook) -> HookRan:
        most, dropped = MOST_WAITING, self._queue.dropped
        self._notices.overrun(dropped)
        why = f"{most} runs of hooks wait on this machine already; {dropped} were skipped so far"
        return report_of(order, RunState.SKIPPED, why)

    @override
    def _report_failed(self, order: RunHook, why: str) -> HookRan:
        return report_of(order, RunState.FAILED, why)

    @override
    def _going_on(self, kept: HookRan) -> HookRan:
        return kept.model_copy(update={"state": RunState.STARTED, "reason": ""})

    @override
    def _report(self, report: HookRan) -> None:
        MachineReporter(spool=self._around.kit.spool, secrets=self._around.kit.secrets).hook(report)

    @override
    async def _perform(self, order: RunHook) -> HookRan:
        if order.not_after_ms is not None and self._around.kit.clock.is_past(order.not_after_ms):
            return report_of(order, RunState.EXPIRED, "it came too late to this machine")
        try:
            return await self._pass_and_start(order)
        except NotRun as why:
            if isinstance(why, Objected):
                self._around.refusals.add(why.refusal.model_copy(update={"at": time.time()}))
            return report_of(order, why.state, self._notices.not_run(order, why), argv=why.argv)

    async def _pass_and_start(self, order: RunHook) -> HookRan:
        """Pass what stands before a start, and start. Raises `NotRun`."""
        consents = self._around.consents.current()
        if problem := self._around.consents.problem:
            raise NotRun(RunState.REFUSED, problem, known=True)
        action = action_of(order)
        with hold(self._around.kit.gate, order) as folders:
            prepared = await prepare(
                order, action=action, folders=folders, gate=self._around.kit.gate, consents=consents, path=self._path
            )
            return await self._start(order, prepared)

    async def _start(self, order: RunHook, prepared: Prepared) -> HookRan:
        clock = asyncio.get_running_loop().time
        argv = prepared.calls[0]
        if self._loops.is_paused(order.hook, prepared.files, now=clock()):
            raise NotRun(RunState.SKIPPED, self._notices.say_paused(order), argv=argv)
        if self._stop.is_set():
            raise NotRun(RunState.SKIPPED, STOPPED, argv=argv)
        started = report_of(order, RunState.STARTED, argv=argv)
        try:
            await self._journal.start(started)
        except OSError as error:
            raise NotRun(RunState.FAILED, f"{UNKEPT}: {error.strerror}", argv=argv) from None
        self._report(started)
        began, before = clock(), self._loops.begins(prepared.files)
        ended = await execute(
            order,
            prepared,
            environment=self._around.kit.environment,
            path=self._path,
            private=self._around.kit.private,
            records=self._around.kit.records,
            stop=self._stop,
        )
        self._loops.ran(order.hook, before)
        return ended.model_copy(update={"duration_ms": round((clock() - began) * 1000)})
