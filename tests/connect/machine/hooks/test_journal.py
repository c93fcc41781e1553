"""What the journal knows after a crash at each of its writes: started at most once, one end told of each run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.domain.hooks.runs import RunState
from broker.domain.ids import AgentId
from broker.protocol.proxy import HookRan, RunHook
from connect.machine.commands.journal import Step
from connect.machine.hooks.journal import Journal
from connect.machine.spool import Spool
from tests.connect.machine.hooks.ground import Ground, ground

ORDER = RunHook(agent=AgentId("a1"), generation=1, run="r1", hook="h1", command="lint")


def report(state: RunState, **given: Any) -> HookRan:
    return HookRan(agent=ORDER.agent, generation=1, run=ORDER.run, hook=ORDER.hook, state=state, **given)


async def test_each_step_is_known_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    steps: list[tuple[Step, RunState]] = []

    def reopened() -> Journal:
        journal = Journal(file)
        known = journal.of("r1")
        assert known is not None
        steps.append((known.step, known.report.state))
        return journal

    journal = Journal(file)
    journal.take(ORDER)
    journal = reopened()
    await journal.start(report(RunState.STARTED, argv=["/bin/lint"]))
    journal = reopened()
    journal.end(report(RunState.COMPLETED, output="x" * 10_000))
    journal = reopened()
    assert [each.output for each in journal.untold()] == ["x" * 10_000]
    journal.tell("r1")
    journal = reopened()
    assert list(journal.untold()) == []
    assert steps == [
        (Step.TAKEN, RunState.SKIPPED),
        (Step.STARTED, RunState.INTERRUPTED),
        (Step.ENDED, RunState.COMPLETED),
        (Step.TOLD, RunState.COMPLETED),
    ]
    journal.close()


def test_half_a_line_costs_that_line(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    journal = Journal(file)
    journal.take(ORDER)
    journal.take(ORDER.model_copy(update={"run": "r2"}))
    content = file.read_bytes()
    for cut in range(len(content)):
        file.write_bytes(content[:cut])
        known = Journal(file)
        first_is_whole = cut >= content.index(b"\n")
        assert (known.of("r1") is not None, known.of("r2") is not None) == (first_is_whole, cut >= len(content) - 1)
        known.close()


async def test_its_size_is_bounded_and_what_is_untold_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connect.machine.commands.journal._MOST", 10)
    monkeypatch.setattr("connect.machine.commands.journal._MOST_BYTES", 20_000)
    file = tmp_path / "journal"
    journal = Journal(file)
    journal.take(ORDER.model_copy(update={"run": "kept"}))
    for number in range(200):
        run = f"n{number}"
        journal.take(ORDER.model_copy(update={"run": run}))
        await journal.start(report(RunState.STARTED).model_copy(update={"run": run}))
        journal.end(report(RunState.COMPLETED, output="x" * 5000).model_copy(update={"run": run}))
        journal.tell(run)
    assert file.stat().st_size < 40_000
    assert [each.run for each in Journal(file).untold()] == ["kept"]
    assert journal.of("n199") is not None
    assert journal.of("n1") is None


class Killed(BaseException):
    """The process is gone at this instruction."""


@pytest.mark.parametrize("write", range(1, 9))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_crash_at_any_write_starts_nothing_twice_and_leaves_one_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int, after: bool
) -> None:
    """Every write of the journal and of the spool, with relay-connect gone before it or right after it."""
    async with ground(tmp_path) as machine:
        machine.program("once", f"#!/bin/sh\necho x >> {machine.log}\n")
        order = machine.order("once")
        await machine.allow(order)
        with monkeypatch.context() as patch:
            crash_at(write, patch, after=after)
            with contextlib.suppress(Killed):
                machine.runner.take(order)
                await asyncio.gather(*tasks_of(machine))
        again = Ground(folder=machine.folder, environment={})
        again.runner.recover()
        again.runner.take(order)
        await asyncio.gather(*tasks_of(again))
        told = [each for each in again.reports() if each.run == order.run and each.state is not RunState.STARTED]
        assert len({(each.state, each.output, each.exit_code) for each in told}) == 1
        started = machine.log.read_text().split() if machine.log.exists() else []
        assert len(started) <= 1
        assert (told[0].state is RunState.COMPLETED) == (len(started) == 1 and told[0].exit_code == 0)
        again.spool.close()


def tasks_of(machine: Ground) -> list[asyncio.Task[None]]:
    """What runs there."""
    return list(machine.runner.tasks)


def crash_at(number: int, patch: pytest.MonkeyPatch, *, after: bool) -> None:
    """The `number`th write of the journal or the spool is the last thing that this process does."""
    done = [0]

    def crashing(write: Callable[..., None]) -> Callable[..., None]:
        def counted(*arguments: object) -> None:
            done[0] += 1
            if done[0] > number or (done[0] == number and not after):
                raise Killed
            write(*arguments)
            if done[0] == number:
                raise Killed

        return counted

    patch.setattr(Journal, "_append", crashing(Journal._append))
    patch.setattr(Spool, "_write_unwritten", crashing(Spool._write_unwritten))
