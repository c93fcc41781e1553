"""Takes the broker's orders to run hooks, runs those that this machine's owner allows, and tells how each ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from broker.domain.hooks.runs import RunState
from broker.protocol.proxy import HookRan, RunHook
from connect.access.broker_clock import BrokerClock
from connect.machine.hooks.consent_file import TakenConsents
from connect.machine.hooks.execution import STOPPED, execute, report_of
from connect.machine.hooks.journal import Journal, Step
from connect.machine.hooks.loop_guard import LoopGuard
from connect.machine.hooks.preparation import NotRun, Objected, Prepared, action_of, held, prepare
from connect.machine.hooks.programs import usable_path
from connect.machine.hooks.queue import MOST_WAITING, RunQueue
from connect.machine.hooks.refusals import Refusals
from connect.machine.hooks.telling import HookNotices
from connect.machine.reporting import Reporter
from connect.machine.spool import Spool
from connect.notices import Notice
from connect.policy.gate import Gate
from connect.system.process_records import ProcessRecords

_UNKEPT = "it was not started, as that cannot be kept on this machine's disk"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSurroundings:
    """What the runs of hooks share with the rest of this machine's link."""

    gate: Gate
    consents: TakenConsents
    refusals: Refusals
    records: ProcessRecords
    private: Path
    """A folder of its own, for the files of events."""
    environment: Mapping[str, str]
    spool: Spool
    secrets: Callable[[], tuple[str, ...]]
    clock: BrokerClock
    notice: Callable[[Notice], None]


class HookRunner:
    """Runs each order at most once, however often it comes, and tells one end of each.

    Neither `take` nor a run raises: what goes wrong with one is that run's end.
    """

    def __init__(self, around: HookSurroundings, *, journal: Journal, queue: RunQueue | None = None) -> None:
        self._around = around
        self._journal = journal
        self._queue = queue or RunQueue()
        self._fresh: set[str] = set()
        """Runs that were noted, and begin with `take`."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._path = usable_path(around.environment.get("PATH", os.defpath))
        self._notices = HookNotices(around.notice)
        self._loops = LoopGuard()

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """One for each run that is going on."""
        return frozenset(self._tasks)

    def recover(self) -> None:
        """Tell of what an earlier relay-connect did not: it was killed. What it had left running is gone by now."""
        shutil.rmtree(self._around.private, ignore_errors=True)
        for report in list(self._journal.untold()):
            self._end(report)

    def note(self, order: RunHook) -> None:
        """Write an order down before it counts as taken: from here on its outcome will be told, come what may."""
        if self._journal.of(order.run) is None:
            with contextlib.suppress(OSError):  # `take` says so
                self._journal.take(order)
                self._fresh.add(order.run)

    def take(self, order: RunHook) -> None:
        """Act on an order, without waiting for its effect."""
        self.note(order)
        if order.run not in self._fresh:
            self._answer_again(order)
            return
        self._fresh.discard(order.run)
        if self._stop.is_set():
            self._end(report_of(order, RunState.SKIPPED, STOPPED))
        elif self._queue.offer(order):
            self._begin_next()
        else:
            self._notices.overrun(self._queue.dropped)
            most, dropped = MOST_WAITING, self._queue.dropped
            why = f"{most} runs of hooks wait on this machine already; {dropped} were skipped so far"
            self._end(report_of(order, RunState.SKIPPED, why))

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then end what runs, and return when all of it is gone and told of.

        Cancelling it kills what runs at once; the next relay-connect tells of that.
        """
        try:
            await stop.wait()
            self._stop.set()
            for order in self._queue.empty():
                self._end(report_of(order, RunState.SKIPPED, STOPPED))
            if self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            self._stop.set()
            for task in self._tasks:
                task.cancel()
            self._journal.close()

    def _begin_next(self) -> None:
        while (order := self._queue.next()) is not None:
            task = asyncio.ensure_future(self._live(order))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _live(self, order: RunHook) -> None:
        try:
            self._end(await self._perform(order))
        except Exception as error:
            _log.exception("hook %s: its run %s could not be carried out", order.hook[:100], order.run)
            self._end(report_of(order, RunState.FAILED, f"relay-connect failed: {error!r}"))
        finally:
            self._queue.done(order)
            if not self._stop.is_set():
                self._begin_next()

    async def _perform(self, order: RunHook) -> HookRan:
        if order.not_after_ms is not None and self._around.clock.is_past(order.not_after_ms):
            return report_of(order, RunState.EXPIRED, "it came too late to this machine")
        try:
            return await self._allowed(order)
        except NotRun as why:
            if isinstance(why, Objected):
                self._around.refusals.add(why.refusal.model_copy(update={"at": time.time()}))
            return report_of(order, why.state, self._notices.not_run(order, why), argv=why.argv)

    async def _allowed(self, order: RunHook) -> HookRan:
        """Pass what stands before a start, and start. Raises `NotRun`."""
        consents = self._around.consents.current()
        if problem := self._around.consents.problem:
            raise NotRun(RunState.REFUSED, problem, known=True)
        action = action_of(order)
        with held(self._around.gate, order) as folders:
            prepared = await prepare(
                order, action=action, folders=folders, gate=self._around.gate, consents=consents, path=self._path
            )
            return await self._start(order, prepared)

    async def _start(self, order: RunHook, prepared: Prepared) -> HookRan:
        clock = asyncio.get_running_loop().time
        argv = prepared.calls[0]
        if self._loops.is_paused(order.hook, prepared.files, now=clock()):
            raise NotRun(RunState.SKIPPED, self._notices.paused(order), argv=argv)
        if self._stop.is_set():
            raise NotRun(RunState.SKIPPED, STOPPED, argv=argv)
        started = report_of(order, RunState.STARTED, argv=argv)
        try:
            await self._journal.start(started)
        except OSError as error:
            raise NotRun(RunState.FAILED, f"{_UNKEPT}: {error.strerror}", argv=argv) from None
        self._reporter(order).hook(started)
        began, before = clock(), self._loops.begins(prepared.files)
        ended = await execute(
            order,
            prepared,
            environment=self._around.environment,
            path=self._path,
            private=self._around.private,
            records=self._around.records,
            stop=self._stop,
        )
        self._loops.ran(order.hook, before)
        return ended.model_copy(update={"duration_ms": round((clock() - began) * 1000)})

    def _answer_again(self, order: RunHook) -> None:
        """An order that came before, or could not be written down: nothing is started for it."""
        known = self._journal.of(order.run)
        if known is None:
            self._reporter(order).hook(report_of(order, RunState.FAILED, _UNKEPT))
        elif known.step is Step.STARTED:
            self._reporter(order).hook(known.report.model_copy(update={"state": RunState.STARTED, "reason": ""}))
        elif known.step is not Step.TAKEN:
            self._reporter(order).hook(known.report)

    def _end(self, report: HookRan) -> None:
        """The order matters: whatever dies in between, the next relay-connect tells the same end."""
        try:
            self._journal.end(report)
        except OSError as error:
            _log.error("the end of a hook's run cannot be kept on disk: %s", error.strerror)
        self._reporter(report).hook(report)
        self._around.spool.flush()
        if self._around.spool.problem is None:
            with contextlib.suppress(OSError):  # it is told once more by the next relay-connect
                self._journal.tell(report.run)

    def _reporter(self, about: RunHook | HookRan) -> Reporter:
        return Reporter(
            spool=self._around.spool, agent=about.agent, generation=about.generation, secrets=self._around.secrets
        )
