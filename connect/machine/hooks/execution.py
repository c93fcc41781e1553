"""One run that is allowed: its calls one after the other, and how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from broker.domain.hooks.answers import MAX_ANSWER_BYTES, REFUSED_BY_CODE, BadAnswer, read_answer
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.runs import RunState
from broker.protocol.json_text import dumps
from broker.protocol.proxy import HookRan, RunHook
from connect.machine.commands.calls import CallEnded, Caller, Output, environment_for
from connect.machine.commands.output import both, mask_secrets
from connect.machine.commands.runner import STOPPED
from connect.machine.hooks.preparation import Prepared
from connect.machine.processes import START_ERRORS
from connect.system.process_records import ProcessRecords
from connect.system.state_folder import private_folder, write_private

_UMASK = 0o077


async def execute(
    order: RunHook,
    prepared: Prepared,
    *,
    environment: Mapping[str, str],
    path: str,
    private: Path,
    records: ProcessRecords,
    stop: asyncio.Event,
) -> HookRan:
    """Run it to its end, or until `stop` is set. Raises `OSError` when its event cannot be written down."""
    output = Output()
    with _event_file(order, private) as (event, file):
        said = {"RELAYCAST_HOOK": order.hook, "RELAYCAST_RUN": order.run, "RELAYCAST_EVENT_FILE": str(file)}
        caller = Caller(
            folder=prepared.folder,
            environment=environment_for(environment, order.env, path=path, said=said),
            given=event,
            records=records,
            stop=stop,
            output=output,
            umask=_UMASK,
        )
        ended = await _call_all(order, prepared, caller)
    if order.answers is not None and ended.exit_code is not None and prepared.calls:
        ended = _with_answer(order.answers, ended, output)
    # In a thread: masking takes milliseconds for each hundred kilobytes.
    told = await asyncio.to_thread(both, output.out, output.err, mask=mask_secrets)
    return ended.model_copy(update={"output": told})


def _with_answer(event: HookEvent, ended: HookRan, output: Output) -> HookRan:
    """What it has said; a program that was ended, or says something else, has not answered."""
    if ended.reason and ended.exit_code != REFUSED_BY_CODE:
        return ended
    said = output.out.whole
    value, empty = None, said is not None and not said.strip()
    if said is not None and len(said) <= MAX_ANSWER_BYTES and not empty:
        with contextlib.suppress(orjson.JSONDecodeError):
            value = orjson.loads(said)
    complaint = (output.err.whole or b"").decode("utf-8", "replace")
    try:
        answer = read_answer(event, exit_code=ended.exit_code or 0, value=value, empty=empty, complaint=complaint)
    except BadAnswer as bad:
        return ended.model_copy(update={"state": RunState.FAILED, "reason": str(bad)})
    return ended.model_copy(update={"state": RunState.COMPLETED, "reason": "", "answer": answer})


async def _call_all(order: RunHook, prepared: Prepared, caller: Caller) -> HookRan:
    """All of them in the time of one run; the first that failed is the one that is told of."""
    deadline = asyncio.get_running_loop().time() + order.timeout_s
    failed: HookRan | None = None
    for argv in prepared.calls:
        try:
            ended = await caller.call(argv, deadline=deadline)
        except START_ERRORS as error:
            return failed or report_of(order, RunState.FAILED, f"it could not be started: {_words(error)}", argv=argv)
        report = _judge(order, argv, ended)
        if ended.overdue or ended.stopped:
            return failed or report
        if report.state is RunState.FAILED:
            failed = failed or report
    return failed or report_of(order, RunState.COMPLETED, argv=prepared.calls[-1], exit_code=0)


def report_of(
    order: RunHook, state: RunState, reason: str = "", *, argv: tuple[str, ...] = (), exit_code: int | None = None
) -> HookRan:
    """What is told of a run."""
    return HookRan(
        agent=order.agent,
        generation=order.generation,
        run=order.run,
        hook=order.hook,
        state=state,
        reason=reason,
        argv=list(argv),
        exit_code=exit_code,
        on=order.answers if order.begun_here else None,
    )


def _judge(order: RunHook, argv: tuple[str, ...], ended: CallEnded) -> HookRan:
    code = ended.exit_code
    if ended.stopped:
        return report_of(order, RunState.INTERRUPTED, STOPPED, argv=argv, exit_code=code)
    if ended.overdue:
        why = f"it took longer than {order.timeout_s:g} s and was ended"
        return report_of(order, RunState.FAILED, why, argv=argv, exit_code=code)
    if code == 0:
        return report_of(order, RunState.COMPLETED, argv=argv, exit_code=code)
    return report_of(order, RunState.FAILED, _how(code), argv=argv, exit_code=code)


def _how(code: int | None) -> str:
    if code is None:
        return "how it ended is not known"
    return f"exit code {code}" if code > 0 else f"ended by signal {-code}"


@contextlib.contextmanager
def _event_file(order: RunHook, private: Path) -> Iterator[tuple[bytes, Path]]:
    """The event as one line, and the file that holds it while the run lasts."""
    event = dumps(order.event) + b"\n"
    file = private_folder(private, parents=True) / f"{secrets.token_hex(8)}.json"
    try:
        write_private(file, event)
        yield event, file
    finally:
        file.unlink(missing_ok=True)


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
