"""Takes orders of workflows' commands, carries out what this machine's owner allows, and tells how each ended."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from broker.domain.workflows.files.command_text import BoundCommand, PlaceholderRefused, bind_command
from broker.domain.workflows.runs.commands import CommandKind, CommandState
from broker.protocol.proxy import CommandRan, RunCommand, StopCommand
from connect.machine.commands import journal
from connect.machine.commands.journal import CUT_OFF, NEVER_STARTED
from connect.machine.commands.queue import RunQueue
from connect.machine.commands.runner import STOPPED, UNKEPT, OnceRunner
from connect.machine.kit import Kit
from connect.machine.reporting import MachineReporter
from connect.machine.workflows.consent_file import TakenConsents
from connect.machine.workflows.consents import (
    ALLOWING_FILE,
    Objection,
    Standing,
    allowing,
    is_readable,
    judge,
    mismatch,
)
from connect.machine.workflows.execution import Bench, execute, report_of
from connect.machine.workflows.refusals import Refusal, Refusals
from connect.machine.workflows.values import ValueRefused
from connect.notices import Warned
from connect.policy.folders import OpenFolder
from connect.policy.gate import NotAdmitted

MOST_AT_ONCE = 16
"""The runs' own limits come first; this is for the machine."""
MOST_WAITING = 1000
_MOST_TOLD = 100
"""Different things that one relay-connect tells of workflows."""
_LONGEST_REASON = 500
_LONGEST_OUTPUT = 1000


class Journal(journal.Journal[CommandRan]):
    """Knows of each command that was ordered how far it came."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, model=CommandRan, key=lambda report: report.command, shortened=_shorten)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSurroundings:
    """What the commands of workflows share with the rest of this machine's link."""

    kit: Kit
    """Its folder is for the files of values."""
    consents: TakenConsents
    refusals: Refusals


class NotRun(Exception):
    """A command is not carried out."""

    def __init__(self, state: CommandState, reason: str) -> None:
        super().__init__(reason)
        self.state = state


class CommandRunner(OnceRunner[RunCommand, CommandRan]):
    """Carries out those of files that this machine's owner has allowed."""

    def __init__(self, around: WorkflowSurroundings, *, journal: Journal) -> None:
        queue: RunQueue[RunCommand] = RunQueue(
            line=lambda order: order.command, at_once=MOST_AT_ONCE, waiting=MOST_WAITING
        )
        super().__init__(journal=journal, queue=queue, spool=around.kit.spool)
        self._around = around
        self._reporter = MachineReporter(spool=around.kit.spool, secrets=around.kit.secrets)
        self._stops: dict[str, asyncio.Event] = {}
        """By the id of each that runs."""
        self._stopped_for: dict[str, str] = {}
        self._waiting: dict[str, RunCommand] = {}
        self._told: set[str] = set()

    @override
    def recover(self) -> None:
        shutil.rmtree(self._around.kit.private, ignore_errors=True)
        super().recover()

    @override
    def take(self, order: RunCommand) -> None:
        self._waiting[order.command] = order
        super().take(order)

    def stop(self, order: StopCommand) -> None:
        """End a command, or do not begin it."""
        if order.command in self._stops:
            self._stopped_for[order.command] = order.reason
            self._stops[order.command].set()
            return
        waiting = self._waiting.get(order.command)
        if waiting is not None and self._queue.drop(waiting):
            del self._waiting[order.command]
            self._end(report_of(waiting, CommandState.STOPPED, order.reason or STOPPED))

    @override
    def _id(self, order: RunCommand) -> str:
        return order.command

    @override
    def _id_of(self, report: CommandRan) -> str:
        return report.command

    @override
    def _untaken(self, order: RunCommand) -> CommandRan:
        return report_of(order, CommandState.FAILED, NEVER_STARTED)

    @override
    def _report_skipped(self, order: RunCommand, why: str) -> CommandRan:
        return report_of(order, CommandState.STOPPED, why)

    @override
    def _overrun(self, order: RunCommand) -> CommandRan:
        return self._report_failed(order, f"{MOST_WAITING} commands of workflows wait on this machine already")

    @override
    def _report_failed(self, order: RunCommand, why: str) -> CommandRan:
        return report_of(order, CommandState.FAILED, why)

    @override
    def _going_on(self, kept: CommandRan) -> CommandRan:
        return kept.model_copy(update={"state": CommandState.STARTED, "reason": ""})

    @override
    def _report(self, report: CommandRan) -> None:
        self._reporter.command(report)

    @override
    def _end_all(self) -> None:
        for stop in self._stops.values():
            stop.set()

    @override
    async def _perform(self, order: RunCommand) -> CommandRan:
        self._waiting.pop(order.command, None)
        stop = self._stops[order.command] = asyncio.Event()
        if self._stop.is_set():
            stop.set()
        try:
            return await self._pass_and_start(order, stop)
        except NotRun as why:
            return report_of(order, why.state, str(why))
        finally:
            del self._stops[order.command]
            self._stopped_for.pop(order.command, None)

    async def _pass_and_start(self, order: RunCommand, stop: asyncio.Event) -> CommandRan:
        """Pass what stands before a start, and start. Raises `NotRun`."""
        if order.not_after_ms is not None and self._around.kit.clock.is_past(order.not_after_ms):
            raise NotRun(CommandState.EXPIRED, "it came too late to this machine")
        bound = _bound(order)
        try:
            folder = self._around.kit.gate.open_for_command(order)
        except NotAdmitted as refused:
            raise NotRun(CommandState.REFUSED, f"{refused.code}: {refused}") from None
        try:
            if order.kind.needs_consent:
                self._require_consent(order, folder)
            return await self._begin(order, folder, bound, stop)
        finally:
            folder.close()

    def _require_consent(self, order: RunCommand, folder: OpenFolder) -> None:
        consents = self._around.consents.current()
        if problem := self._around.consents.problem:
            raise NotRun(CommandState.NEEDS_CONSENT, problem)
        if not is_readable(order.file):
            raise NotRun(CommandState.REFUSED, "the workflow's name is none that a person could read and type")
        if why := mismatch(order):
            raise NotRun(CommandState.REFUSED, f"the broker's order is at odds with itself: {why}")
        objection = judge(consents, order, folder=folder.path)
        if objection is not None:
            raise self._report_objection(order, folder, objection)

    def _report_objection(self, order: RunCommand, folder: OpenFolder, objection: Objection) -> NotRun:
        if objection.standing is Standing.DENIED:
            return NotRun(CommandState.REFUSED, objection.why)
        if not order.templates:  # they are long: the file has them
            how = f"`{ALLOWING_FILE}`, with the file itself, in its folder"
            self._tell(f"workflow {order.file} waits: {objection.why}; to look at it and allow it here: {how}")
            why = f"{objection.why}; to look at it and allow it: {how} on that machine"
            return NotRun(CommandState.NEEDS_CONSENT, why)
        root = next((each for each in self._around.kit.gate.folders if folder.path.is_relative_to(each)), folder.path)
        self._around.refusals.add(
            Refusal(
                name=order.file,
                templates=tuple(order.templates),
                folder=str(folder.path),
                root=str(root),
                standing=objection.standing,
                why=objection.why,
                at=time.time(),
            )
        )
        command = f"`{allowing(order.file)}`"
        self._tell(f"workflow {order.file} waits: {objection.why}; to look at it and allow it here: {command}")
        why = f"{objection.why}; to look at it and allow it: {command} in a terminal of that machine"
        return NotRun(CommandState.NEEDS_CONSENT, why)

    async def _begin(
        self, order: RunCommand, folder: OpenFolder, bound: BoundCommand | None, stop: asyncio.Event
    ) -> CommandRan:
        if stop.is_set():
            raise NotRun(CommandState.STOPPED, self._stopped_for.get(order.command) or STOPPED)
        started = report_of(order, CommandState.STARTED).model_copy(update={"folder": str(folder.path)})
        kept = started.model_copy(update={"state": CommandState.INTERRUPTED, "reason": CUT_OFF})
        try:
            await self._journal.keep_started(kept)
        except OSError as error:
            raise NotRun(CommandState.FAILED, f"{UNKEPT}: {error.strerror}") from None
        self._report(started)
        if order.kind is CommandKind.FILE_AWAITED:  # what only waits holds up no command
            self._queue.finish(order)
            self._begin_next()
        clock = asyncio.get_running_loop().time
        began = clock()
        ended = await self._execute(order, folder, bound, stop)
        if ended.state is CommandState.STOPPED and (reason := self._stopped_for.get(order.command)):
            ended = ended.model_copy(update={"reason": reason})
        lasted = round((clock() - began) * 1000)
        return ended.model_copy(update={"duration_ms": lasted, "folder": ended.folder or str(folder.path)})

    async def _execute(
        self, order: RunCommand, folder: OpenFolder, bound: BoundCommand | None, stop: asyncio.Event
    ) -> CommandRan:
        bench = Bench(
            order=order,
            folder=folder,
            bound=bound,
            kit=self._around.kit,
            stop=stop,
            tell=self._reporter.command_output,
        )
        try:
            return await execute(bench)
        except ValueRefused as refused:
            return report_of(order, CommandState.FAILED, str(refused))
        except OSError as error:
            return report_of(order, CommandState.FAILED, f"it could not be started: {error.strerror or error}")

    def _tell(self, words: str) -> None:
        """To the person at this machine, once."""
        if words not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(words)
            self._around.kit.notice(Warned(problem=words))


def _bound(order: RunCommand) -> BoundCommand | None:
    """A shell's text with its values' names in it; None for what no shell does. Raises `NotRun`."""
    if order.kind is not CommandKind.SHELL:
        return None
    if not order.text.strip():
        raise NotRun(CommandState.FAILED, "it has no command: a check by tests needs one as its value")
    try:
        return bind_command(order.text)
    except PlaceholderRefused as refused:
        raise NotRun(CommandState.REFUSED, f"its command cannot be given its values: {refused}") from None


def _shorten(report: CommandRan) -> CommandRan:
    """What a repeated order is answered with: the broker was told the whole of it before."""
    short = {
        "reason": report.reason[:_LONGEST_REASON],
        "output": report.output[-_LONGEST_OUTPUT:],
        "errors": report.errors[-_LONGEST_OUTPUT:],
    }
    return report.model_copy(update=short)
