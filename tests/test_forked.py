"""A broker that is forked from a loaded process is like one that is started."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.fixtures.forked import MODULE, forks, run_forked, start_forked
from tests.fixtures.process_family import children
from tests.fixtures.processes import environment, up

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each broker is started whole")


async def _outcomes(folder: Path, *arguments: str) -> list[tuple[int, bytes, bytes]]:
    """Status, output and errors of a command that is forked, and of the same that is started."""
    found = []
    for way in ("forked", "whole"):
        errors = folder / way
        with errors.open("wb") as stderr:
            if way == "forked":
                process = await start_forked(
                    arguments, folder=folder, environment=environment(folder), stderr=stderr.fileno()
                )
            else:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", MODULE, *arguments),
                    cwd=folder,
                    env=environment(folder),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=stderr,
                )
        said, _ = await process.communicate()
        found.append((await process.wait(), said, errors.read_bytes()))
    return found


@pytest.mark.parametrize(
    "arguments",
    [("--version",), ("up", "--no-such-option"), ("up", "--data-dir", "/dev/null/x")],
    ids=["version", "option", "folder"],
)
async def test_it_says_what_a_started_one_says_and_ends_as_that_does(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    forked, whole = await _outcomes(tmp_path, *arguments)
    assert forked == whole
    assert forked[1] or forked[2]


def test_one_that_refuses_is_heard_and_one_that_does_not_end_is_killed(tmp_path: Path) -> None:
    status, said = run_forked(("up", "--no-such"), folder=tmp_path, environment=environment(tmp_path), timeout_s=60)
    assert (status, "No such option" in said) == (2, True)
    arguments = ("up", "--data-dir", str(tmp_path / "broker"), "--port", "0")
    before = children(os.getpid())
    with pytest.raises(TimeoutError):
        run_forked(arguments, folder=tmp_path, environment=environment(tmp_path), timeout_s=0.5)
    assert set(children(os.getpid())) <= set(before)


async def test_it_is_a_child_of_ours_in_a_session_of_its_own(tmp_path: Path) -> None:
    async with up(tmp_path) as broker:
        pid = broker.process.pid
        assert forks(MODULE, environment(tmp_path))
        assert pid in children(os.getpid())
        assert os.getsid(pid) == os.getpgid(pid) == pid
        assert Path(f"/proc/{pid}/cwd").readlink() == tmp_path


async def test_how_it_was_ended_is_told(tmp_path: Path) -> None:
    for number, expected in ((signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL)):
        async with up(tmp_path) as broker:
            broker.process.send_signal(number)
            assert await broker.process.wait() == expected


async def test_what_python_reads_at_its_start_is_not_forked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert forks(MODULE, environment(tmp_path))
    assert not forks("connect.cli", environment(tmp_path))
    assert not forks(MODULE, environment(tmp_path) | {"PYTHONPATH": "/elsewhere"})
    with monkeypatch.context() as outside:
        outside.delenv("PYTEST_CURRENT_TEST")
        assert not forks(MODULE, environment(tmp_path))
    monkeypatch.setenv("RELAYCAST_TEST_STARTS", "whole")
    assert not forks(MODULE, environment(tmp_path))
