"""Carries out each order at most once, however often it comes, and tells one end of each."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from pydantic import BaseModel

from connect.machine.commands.journal import Journal, Step
from connect.machine.commands.queue import RunQueue
from connect.machine.spool import Spool

STOPPED = "relay-connect was stopped"
UNKEPT = "it was not started, as that cannot be kept on this machine's disk"
_log = logging.getLogger(__name__)
_O = TypeVar("_O", bound=BaseModel)
_R = TypeVar("_R", bound=BaseModel)


class OnceRunner(ABC, Generic[_O, _R]):
    """Neither `take` nor a run raises: what goes wrong with one is that run's end.

    Whoever derives from it says what an order does and what is told of it.
    """

    def __init__(self, *, journal: Journal[_R], queue: RunQueue[_O], spool: Spool) -> None:
        self._journal = journal
        self._queue = queue
        self._spool = spool
        self._fresh: set[str] = set()
        """Runs that were noted, and begin with `take`."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """One for each run that is going on."""
        return frozenset(self._tasks)

    def recover(self) -> None:
        """Tell of what an earlier relay-connect did not: it was killed. What it had left running is gone by now."""
        for report in list(self._journal.untold()):
            self._end(report)

    def note(self, order: _O) -> None:
        """Write an order down before it counts as taken: from here on its outcome will be told, come what may."""
        if self._journal.of(self._id(order)) is None:
            with contextlib.suppress(OSError):  # `take` says so
                self._journal.keep_taken(self._untaken(order))
                self._fresh.add(self._id(order))

    def take(self, order: _O) -> None:
        """Act on an order, without waiting for its effect."""
        self.note(order)
        if self._id(order) not in self._fresh:
            self._answer_again(order)
            return
        self._fresh.discard(self._id(order))
        if self._stop.is_set():
            self._end(self._report_skipped(order, STOPPED))
        elif self._queue.offer(order):
            self._begin_next()
        else:
            self._end(self._overrun(order))

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then end what runs, and return when all of it is gone and told of.

        Cancelling it kills what runs at once; the next relay-connect tells of that.
        """
        try:
            await stop.wait()
            self._stop.set()
            self._end_all()
            for order in self._queue.empty():
                self._end(self._report_skipped(order, STOPPED))
            if self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            self._stop.set()
            for task in self._tasks:
                task.cancel()
            self._journal.close()

    @abstractmethod
    def _id(self, order: _O) -> str:
        """Which run an order is for."""

    @abstractmethod
    def _id_of(self, report: _R) -> str:
        """Which run a report is of."""

    @abstractmethod
    def _untaken(self, order: _O) -> _R:
        """What is told if nothing comes of the order."""

    @abstractmethod
    def _report_skipped(self, order: _O, why: str) -> _R:
        """It does not begin."""

    @abstractmethod
    def _overrun(self, order: _O) -> _R:
        """There is no place for it."""

    @abstractmethod
    def _report_failed(self, order: _O, why: str) -> _R:
        """It could not be carried out."""

    @abstractmethod
    def _going_on(self, kept: _R) -> _R:
        """What is told of a run that goes on and whose order has come again."""

    @abstractmethod
    def _report(self, report: _R) -> None:
        """Put a report into the spool."""

    @abstractmethod
    async def _perform(self, order: _O) -> _R:
        """Carry an order out; its end."""

    def _end_all(self) -> None:
        """Everything that runs is to end: those that look at `_stop` do so by themselves."""

    def _begin_next(self) -> None:
        while (order := self._queue.next()) is not None:
            task = asyncio.ensure_future(self._live(order))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _live(self, order: _O) -> None:
        try:
            self._end(await self._perform(order))
        except Exception as error:
            _log.exception("run %s could not be carried out", self._id(order)[:100])
            self._end(self._report_failed(order, f"relay-connect failed: {error!r}"))
        finally:
            self._queue.finish(order)
            if not self._stop.is_set():
                self._begin_next()

    def _answer_again(self, order: _O) -> None:
        """An order that came before, or could not be written down: nothing is started for it."""
        known = self._journal.of(self._id(order))
        if known is None:
            self._report(self._report_failed(order, UNKEPT))
        elif known.step is Step.STARTED:
            self._report(self._going_on(known.report))
        elif known.step is not Step.TAKEN:
            self._report(known.report)

    def _end(self, report: _R) -> None:
        """The order matters: whatever dies in between, the next relay-connect tells the same end."""
        try:
            self._journal.end(report)
        except OSError as error:
            _log.error("the end of a run cannot be kept on disk: %s", error.strerror)
        self._report(report)
        self._spool.flush()
        if self._spool.problem is None:
            with contextlib.suppress(OSError):  # it is told once more by the next relay-connect
                self._journal.tell(self._id_of(report))
