"""The way of systems without /proc and without a signal for the death of a parent, as macOS: process groups alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from connect.machine import processes
from connect.machine.processes import AgentProcess, Command, end_process, start_process
from connect.system import process_tree
from connect.system.process_records import ProcessRecords
from connect.system.process_tree import ProcessKey
from tests.connect.machine.test_processes import Output

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sees through /proc what the code itself may not")

_STUBBORN = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
_SLEEPS = _STUBBORN + "print('up', flush=True); time.sleep(60)"
_WITH_A_CHILD = f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {_SLEEPS!r}]); "


@pytest.fixture(autouse=True)
def macos(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the code asks the system for, it is told as macOS would tell it."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(process_tree, "_LINUX", False)
    monkeypatch.setattr(process_tree, "_PROC", Path("/no-proc"))


@pytest.fixture
def records(tmp_path: Path) -> ProcessRecords:
    return ProcessRecords(tmp_path)


async def _start(script: str, records: ProcessRecords, output: Output) -> AgentProcess:
    command = Command(argv=(sys.executable, "-c", script), env=dict(os.environ), cwd=Path.cwd())
    return await start_process(command, records=records, make=partial(AgentProcess, on_output=output))


def test_nothing_is_arranged_for_the_death_of_the_parent() -> None:
    assert processes._die_with_parent() is None


async def test_a_child_in_the_group_that_ignores_term_is_killed_with_its_parent(
    records: ProcessRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_TERM_GRACE_S", 0.2)
    output = Output()
    process = await _start(_WITH_A_CHILD + "print(child.pid, flush=True); child.wait()", records, output)
    said = await output.lines(2)
    await end_process(process, records=records, eof_grace_s=0)
    assert await _gone(int(next(line for line in said if line != "up")))


async def test_a_child_outlives_its_parent_and_not_the_end_of_the_agent(
    records: ProcessRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_TERM_GRACE_S", 0.2)
    output = Output()
    process = await _start(_WITH_A_CHILD + "print(child.pid, flush=True); sys.stdin.read()", records, output)
    said = await output.lines(2)
    child = int(next(line for line in said if line != "up"))
    os.kill(process.pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        await process.exited.wait()
    assert not await _gone(child, wait=False)
    await end_process(process, records=records, eof_grace_s=0)
    assert await _gone(child)


async def test_the_next_relay_connect_kills_nobody_by_a_number_alone(records: ProcessRecords) -> None:
    """Nothing here tells a process from a later one of its number: one that was left runs on."""
    output = Output()
    process = await _start(_SLEEPS, records, output)
    await output.lines(1)
    assert process.key == ProcessKey(process.pid, "")
    assert records.end_leftovers() == 0
    assert process_tree.is_running(process.key)
    await process.end(eof_grace_s=0)


async def _gone(pid: int, *, wait: bool = True) -> bool:
    """Whether a process has ended; asked of the system, since the code under test is told that it is another one."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10 if wait else 0.01):
            while _runs(pid):
                await asyncio.sleep(0.02)
            return True
    return False


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    return False
