"""One command that is allowed: run to its end, with what it writes told while it lasts."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from typing_extensions import override

from broker.domain.workflows.files.command_text import BoundCommand
from broker.domain.workflows.runs.commands import MAX_ERROR_BYTES, CommandKind, CommandState
from broker.protocol.proxy import CommandOutput, CommandRan, RunCommand
from connect.machine.commands.calls import CallEnded, Caller, Output, is_passed_on
from connect.machine.commands.output import Kept, mask_secrets
from connect.machine.commands.runner import STOPPED
from connect.machine.kit import Kit
from connect.machine.processes import START_ERRORS
from connect.machine.workflows.looks import Looked, Looker
from connect.machine.workflows.values import read_given_values
from connect.policy.folders import OpenFolder

_SHELL = "/bin/sh"
_TAIL_BYTES = 4 * 1024
_MARGIN_BYTES = 2 * 1024
"""Kept beyond that until secrets are masked, so that none that stands at the cut is halved and not known."""
_SHORT_BYTES = 4 * 1024
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
"""Between two looks at what a command writes: they grow, so that a long one fills nobody's log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where a command is run."""

    order: RunCommand
    folder: OpenFolder
    bound: BoundCommand | None
    """Of a shell's text."""
    kit: Kit
    stop: asyncio.Event
    tell: Callable[[CommandOutput], None]


class _WatchedOutput(Output):
    """Remembers what came last of either output, too."""

    def __init__(self, order: RunCommand) -> None:
        super().__init__(out=Kept(limit=order.output_bytes), err=Kept(limit=MAX_ERROR_BYTES))
        self._recent = bytearray()

    @override
    def add(self, descriptor: int, data: bytes) -> None:
        super().add(descriptor, data)
        self._recent += data[-(_TAIL_BYTES + _MARGIN_BYTES) :]
        del self._recent[: -(_TAIL_BYTES + _MARGIN_BYTES)]

    @property
    def bytes(self) -> int:
        """How much has come."""
        return self.out.bytes + self.err.bytes

    def tail(self) -> str:
        """Whole lines from its end, without secrets."""
        whole = self._recent[: self._recent.rfind(b"\n") + 1]
        return mask_secrets(whole.decode("utf-8", "replace"))[-_TAIL_BYTES:]


async def execute(bench: Bench) -> CommandRan:
    """Run it to its end, or until `bench.stop` is set. Raises `ValueRefused`, `OSError` for what cannot be written."""
    if bench.bound is None:
        return await _look(bench)
    output = _WatchedOutput(bench.order)
    async with _tell_along(bench, output):
        ended = await _call(bench, bench.bound, output)
    out, err = await _read_masked(output)
    return ended.model_copy(update={"output": out, "errors": err, "output_bytes": output.out.bytes})


async def _read_masked(output: Output) -> tuple[str, str]:
    def masked() -> tuple[str, str]:
        return output.out.text(mask_secrets), output.err.text(mask_secrets)

    # Masking takes milliseconds for each hundred kilobytes; a thread costs more than a few of them.
    is_short = output.out.bytes + output.err.bytes <= _SHORT_BYTES
    return masked() if is_short else await asyncio.to_thread(masked)


async def _call(bench: Bench, bound: BoundCommand, output: Output) -> CommandRan:
    order = bench.order
    limit = math.inf if order.timeout_ms is None else order.timeout_ms / 1000
    with read_given_values(bound, order.values, private=bench.kit.private) as values:
        caller = Caller(
            folder=bench.folder,
            environment={**_environment(bench), **values},
            given=b"",
            records=bench.kit.records,
            stop=bench.stop,
            output=output,
            is_shell=True,
        )
        try:
            deadline = asyncio.get_running_loop().time() + limit
            ended = await caller.call((_SHELL, "-c", bound.text), deadline=deadline)
        except START_ERRORS as error:
            words = (error.strerror if isinstance(error, OSError) else None) or str(error)
            return report_of(order, CommandState.FAILED, f"it could not be started: {words}")
    return _judge(order, ended, limit=limit)


def _judge(order: RunCommand, ended: CallEnded, *, limit: float) -> CommandRan:
    code = ended.exit_code
    report = report_of(order, CommandState.ENDED).model_copy(
        update={
            "exit_code": code if code is not None and code >= 0 else None,
            "signal": -code if code is not None and code < 0 else None,
        }
    )
    if ended.stopped:
        return report.model_copy(update={"state": CommandState.STOPPED, "reason": STOPPED})
    if ended.overdue:
        why = f"it took longer than {limit:g} s and was ended"
        return report.model_copy(update={"state": CommandState.TIMED_OUT, "reason": why})
    return report


async def _look(bench: Bench) -> CommandRan:
    looker = Looker(order=bench.order, folder=bench.folder.path, gate=bench.kit.gate, environment=bench.kit.environment)
    if bench.order.kind is CommandKind.FILE_AWAITED:
        found = await _until_there(bench, looker)
        if isinstance(found, CommandRan):
            return found
    else:
        found = await looker.look()
    report = report_of(bench.order, CommandState.ENDED)
    told = {"exit_code": found.exit_code, "output": mask_secrets(found.output), "errors": mask_secrets(found.errors)}
    made = bench.order.kind is CommandKind.WORKTREE_ADD and found.exit_code == 0
    where = found.output.strip() if made else str(bench.folder.path)
    return report.model_copy(update={**told, "output_bytes": len(found.output.encode()), "folder": where})


async def _until_there(bench: Bench, looker: Looker) -> Looked | CommandRan:
    """Look until it is there, or the end of a wait that was in vain."""
    limit = None if bench.order.timeout_ms is None else bench.order.timeout_ms / 1000
    looking, stopping = asyncio.ensure_future(looker.look()), asyncio.ensure_future(bench.stop.wait())
    try:
        await asyncio.wait({looking, stopping}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        if looking.done():
            return looking.result()
        if stopping.done():
            return report_of(bench.order, CommandState.STOPPED, STOPPED)
        why = f"{bench.order.text} was not there within {limit:g} s"
        return report_of(bench.order, CommandState.TIMED_OUT, why)
    finally:
        looking.cancel()
        stopping.cancel()


@contextlib.asynccontextmanager
async def _tell_along(bench: Bench, output: _WatchedOutput) -> AsyncIterator[None]:
    """Tell what it writes, now and then, for as long as it runs."""
    telling = asyncio.ensure_future(_tell(bench, output))
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.wait([telling])


async def _tell(bench: Bench, output: _WatchedOutput) -> None:
    pause, told = _FIRST_PAUSE_S, 0
    while True:
        await asyncio.sleep(pause)
        if output.bytes == told:
            continue
        told = output.bytes
        tail = await asyncio.to_thread(output.tail)
        if tail:
            bench.tell(CommandOutput(command=bench.order.command, tail=tail, bytes=told))
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def report_of(order: RunCommand, state: CommandState, reason: str = "") -> CommandRan:
    """What is told of a command."""
    return CommandRan(command=order.command, state=state, reason=reason)


def _environment(bench: Bench) -> dict[str, str]:
    """What the user has, without tokens of the relay's or of vendors', and which step of which run this is."""
    order = bench.order
    said = {"RELAYCAST_RUN": order.run, "RELAYCAST_STEP": order.step, "RELAYCAST_ATTEMPT": str(order.attempt)}
    return {**{name: value for name, value in bench.kit.environment.items() if is_passed_on(name)}, **said}
