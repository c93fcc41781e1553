from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from connect.machine import processes
from connect.machine.processes import AgentProcess, Command, ProcessStuck, end_process, start_process
from connect.system import process_tree
from connect.system.process_records import ProcessRecords
from connect.system.process_tree import ProcessKey

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds descendants through /proc, which is Linux only")

_STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


class Output:
    """What a process printed, line by line, as it comes."""

    def __init__(self) -> None:
        self._text = b""
        self._more = asyncio.Event()

    def __call__(self, data: bytes) -> None:
        self._text += data
        self._more.set()

    async def lines(self, count: int) -> list[str]:
        async with asyncio.timeout(10):
            while self._text.count(b"\n") < count:
                self._more.clear()
                await self._more.wait()
        return self._text.decode().splitlines()[:count]


@pytest.fixture
def records(tmp_path: Path) -> ProcessRecords:
    folder = tmp_path / "records"
    folder.mkdir()
    return ProcessRecords(folder)


async def _start(script: str, *, records: ProcessRecords, on_output: Callable[[bytes], None]) -> AgentProcess:
    command = Command(argv=(sys.executable, "-c", script), env=dict(os.environ), cwd=Path.cwd())
    return await start_process(command, records=records, make=partial(AgentProcess, on_output=on_output))


def _alive(pid: str) -> bool:
    return process_tree.is_running(process_tree.key_of(int(pid)))


async def test_what_is_written_comes_back_and_the_end_of_input_ends_it(records: ProcessRecords) -> None:
    output = Output()
    process = await _start(
        "import sys\nfor line in sys.stdin: print(line, end='', flush=True)", records=records, on_output=output
    )
    written = asyncio.Event()
    process.write(b"hello\n")
    process.when_written(written.set)
    assert await output.lines(1) == ["hello"]
    assert written.is_set()
    await end_process(process, records=records, eof_grace_s=5)
    assert process.returncode == 0


async def test_one_that_ends_with_its_input_is_waited_for_no_longer(records: ProcessRecords) -> None:
    """However long others are given: stopping relay-connect took seconds for agents that had nothing to do."""
    process = await _start("import sys; sys.stdin.read()", records=records, on_output=Output())
    async with asyncio.timeout(20):
        await end_process(process, records=records, eof_grace_s=60)
    assert process.returncode == 0


async def test_bytes_count_as_written_only_when_the_process_has_taken_them(records: ProcessRecords) -> None:
    output = Output()
    script = "import sys; print('up', flush=True); sys.stdin.readline(); print(len(sys.stdin.read()), flush=True)"
    process = await _start(script, records=records, on_output=output)
    await output.lines(1)
    os.kill(process.pid, signal.SIGSTOP)
    written = asyncio.Event()
    process.write(b"\n" + b"x" * 1024 * 1024)
    process.when_written(written.set)
    assert not written.is_set()
    os.kill(process.pid, signal.SIGCONT)
    async with asyncio.timeout(10):
        await written.wait()
    await end_process(process, records=records, eof_grace_s=5)
    assert await output.lines(2) == ["up", str(1024 * 1024)]


async def test_a_process_that_never_reads_is_called_stuck_before_memory_runs_out(records: ProcessRecords) -> None:
    process = await _start("import time; time.sleep(60)", records=records, on_output=Output())
    with pytest.raises(ProcessStuck):
        for _ in range(40):
            process.write(b"x" * 1024 * 1024)
    await end_process(process, records=records, eof_grace_s=0)


async def test_its_last_words_on_stderr_are_kept_within_bounds(records: ProcessRecords) -> None:
    script = "import sys; sys.stderr.write('a' * 100_000 + 'the end')"
    process = await _start(script, records=records, on_output=Output())
    async with asyncio.timeout(10):
        await process.exited.wait()
    await end_process(process, records=records, eof_grace_s=0)
    assert process.stderr_tail.endswith("the end")
    assert len(process.stderr_tail) <= 8 * 1024


async def test_a_child_that_ignores_term_is_killed(records: ProcessRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connect.machine.processes._TERM_GRACE_S", 0.2)
    output = Output()
    process = await _start(_STUBBORN + "print('up', flush=True); time.sleep(60)", records=records, on_output=output)
    await output.lines(1)
    await end_process(process, records=records, eof_grace_s=0)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("escape", ["", "os.setpgid(0, 0)", "os.setsid()"], ids=["group", "own-group", "own-session"])
async def test_the_grandchildren_die_too(
    records: ProcessRecords, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, escape: str
) -> None:
    monkeypatch.setattr("connect.machine.processes._TERM_GRACE_S", 0.2)
    grandchild = tmp_path / "grandchild.py"
    grandchild.write_text(f"import os\n{escape}\n{_STUBBORN}\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n")
    # The one in between is gone at once, so that nothing but session and mark tell whose grandchild it is.
    between = tmp_path / "between.py"
    between.write_text(f"import subprocess, sys\nsubprocess.Popen([sys.executable, {str(grandchild)!r}])\n")
    output = Output()
    process = await _start(
        f"import subprocess, sys; subprocess.run([sys.executable, {str(between)!r}]); sys.stdin.read()",
        records=records,
        on_output=output,
    )
    (pid,) = await output.lines(1)
    assert _alive(pid)
    await end_process(process, records=records, eof_grace_s=5)
    assert not _alive(pid)


async def test_the_children_of_a_process_that_died_by_itself_are_ended_as_well(records: ProcessRecords) -> None:
    script = (
        "import subprocess, sys, os\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True); os._exit(7)\n"
    )
    output = Output()
    process = await _start(script, records=records, on_output=output)
    (child,) = await output.lines(1)
    # The child holds the output open; the end of its parent is noticed all the same.
    async with asyncio.timeout(10):
        await process.exited.wait()
    await end_process(process, records=records, eof_grace_s=0)
    assert not _alive(child)
    assert process.returncode == 7


async def test_a_program_that_cannot_be_started_leaves_no_record(records: ProcessRecords, tmp_path: Path) -> None:
    command = Command(argv=("/does/not/exist",), env={}, cwd=Path.cwd())
    with pytest.raises(FileNotFoundError):
        await start_process(command, records=records, make=partial(AgentProcess, on_output=Output()))
    assert list((tmp_path / "records").iterdir()) == []


_STARTS_A_SHELL = """\
import asyncio, os, pathlib, sys
from functools import partial
from connect.machine.processes import AgentProcess, Command, start_process
from connect.system.process_records import ProcessRecords

async def main():
    named = pathlib.Path(sys.argv[2])
    folder = os.open(named, os.O_RDONLY)
    named.rename(named.with_name("moved"))
    shell = ("/bin/sh", "-c", "pwd -P; sleep 600")
    command = Command(argv=shell, env=dict(os.environ), cwd=named, folder=folder, is_shell=True)
    come = asyncio.Event()
    said = bytearray()
    make = partial(AgentProcess, on_output=lambda data: (said.extend(data), come.set()))
    process = await start_process(command, records=ProcessRecords(pathlib.Path(sys.argv[1])), make=make)
    await come.wait()
    print(process.pid, said.decode().strip(), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("has_setpriv", [True, False])
async def test_a_shell_starts_in_its_folder_whatever_that_is_called_by_then_and_dies_with_who_started_it(
    records: ProcessRecords, tmp_path: Path, has_setpriv: bool
) -> None:
    (tmp_path / "named").mkdir()
    without = "import connect.machine.processes as p; p._find_setpriv = lambda: None\n"
    script = _STARTS_A_SHELL if has_setpriv else without + _STARTS_A_SHELL
    folders = str(tmp_path / "records"), str(tmp_path / "named")
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *folders, stdout=asyncio.subprocess.PIPE, cwd=Path.cwd()
    )
    assert starter.stdout is not None
    async with asyncio.timeout(30):
        pid, where = (await starter.stdout.readline()).decode().split()
    assert where == str(tmp_path / "moved")
    assert _alive(pid)
    key = process_tree.key_of(int(pid))
    starter.kill()
    await starter.wait()
    async with asyncio.timeout(10):
        while process_tree.is_running(key):
            await asyncio.sleep(0.01)


def test_the_systems_own_program_is_used_where_it_is_there() -> None:
    assert (processes._find_setpriv() is not None) == (shutil.which("setpriv", path="/usr/bin:/bin") is not None)


async def test_leftovers_of_an_earlier_life_are_killed(records: ProcessRecords, tmp_path: Path) -> None:
    output = Output()
    process = await _start(_STUBBORN + "print('up', flush=True); time.sleep(60)", records=records, on_output=output)
    await output.lines(1)
    assert ProcessRecords(tmp_path / "records").end_leftovers() >= 1
    async with asyncio.timeout(10):
        await process.exited.wait()
    assert list((tmp_path / "records").iterdir()) == []
    await end_process(process, records=records, eof_grace_s=0)


def test_a_process_that_only_has_the_recorded_number_is_left_alone(records: ProcessRecords) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        records.remember("0123456789abcdef", ProcessKey(bystander.pid, "1"))
        assert records.end_leftovers() == 0
        assert bystander.poll() is None
    finally:
        bystander.communicate()


async def test_the_processes_of_a_later_one_of_the_leaders_number_are_nobody_of_ours(records: ProcessRecords) -> None:
    output = Output()
    process = await _start("print('up', flush=True); import sys; sys.stdin.read()", records=records, on_output=output)
    await output.lines(1)
    earlier = ProcessKey(process.pid, "1")
    assert process_tree.members(earlier, "an earlier mark") == []
    assert process_tree.members(earlier, process.mark) == [process.key]
    await end_process(process, records=records, eof_grace_s=5)


async def test_a_process_in_the_middle_of_its_exec_is_found_all_the_same(
    records: ProcessRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then its environment is empty for a moment. It left the session, and who had started it is gone."""
    process = await _start("import sys; sys.stdin.read()", records=records, on_output=Output())
    looks = Counter[int]()
    read = process_tree._read

    def read_late(pid: int, what: str) -> bytes:
        looks[pid] += what == "environ"
        return b"" if what == "environ" and looks[pid] < 3 else read(pid, what)

    monkeypatch.setattr(process_tree, "_read", read_late)
    assert process_tree.find_marked(process.mark) == [process.key]
    gone = ProcessKey(1 << 22, process.key.started)
    looks.clear()
    assert process_tree.members(gone, process.mark) == [process.key]
    monkeypatch.undo()
    await end_process(process, records=records, eof_grace_s=5)


async def test_a_signal_meant_for_an_earlier_process_of_the_same_number_is_not_sent(records: ProcessRecords) -> None:
    output = Output()
    process = await _start("print('up', flush=True); import sys; sys.stdin.read()", records=records, on_output=output)
    await output.lines(1)
    process_tree.send(ProcessKey(process.pid, "1"), signal.SIGKILL)
    await end_process(process, records=records, eof_grace_s=5)
    assert process.returncode == 0
