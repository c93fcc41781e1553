from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connect.machine.processes import AgentProcess, Command, ProcessStuck, end_process
from connect.machine.socket_pipe import socket_in, start_agent
from connect.system.process_records import ProcessRecords

LISTENER = Path(__file__).parents[2] / "fixtures" / "scripted_codex_listener.py"


class Heard:
    """What came over the socket, message by message."""

    def __init__(self) -> None:
        self.messages: list[dict[str, object]] = []
        self._more = asyncio.Event()

    def __call__(self, data: bytes) -> None:
        assert data.endswith(b"\n")
        self.messages.append(json.loads(data))
        self._more.set()

    async def said(self) -> str:
        """What the agent says in its turn."""
        async with asyncio.timeout(10):
            while not (found := [m for m in self.messages if m.get("method") == "item/completed"]):
                self._more.clear()
                await self._more.wait()
        text = json.loads(json.dumps(found[0]))["params"]["item"]["text"]
        assert isinstance(text, str)
        return text


@asynccontextmanager
async def listening(
    folder: Path, heard: Callable[[bytes], None], *manner: str, program: str = sys.executable
) -> AsyncGenerator[AgentProcess]:
    records = ProcessRecords(folder / "records")
    (folder / "records").mkdir()
    (folder / "private").mkdir(mode=0o700)
    path = socket_in(folder / "private")
    argv = (program, str(LISTENER), *manner, "--listen", f"unix://{path}")
    command = Command(argv=argv, env=dict(os.environ), cwd=Path.cwd(), socket=path)
    process = await start_agent(command, records=records, on_output=heard)
    try:
        yield process
    finally:
        async with asyncio.timeout(15):
            await end_process(process, records=records, eof_grace_s=0)
        assert not path.parent.exists()


def turn(text: str) -> bytes:
    return json.dumps({"id": 1, "method": "turn/start", "params": {"input": [{"text": text}]}}).encode() + b"\n"


async def exited(process: AgentProcess) -> None:
    async with asyncio.timeout(10):
        await process.exited.wait()


@pytest.mark.parametrize("manner", [(), ("late",)], ids=["at-once", "late"])
async def test_what_is_written_before_the_process_listens_reaches_it(tmp_path: Path, manner: tuple[str, ...]) -> None:
    heard, written = Heard(), asyncio.Event()
    async with listening(tmp_path, heard, *manner) as process:
        process.write(turn("say hello"))
        process.when_written(written.set)
        assert not written.is_set()
        assert await heard.said() == "hello"
        assert written.is_set()
    assert process.returncode == -signal.SIGTERM
    assert process.complaint == ""


async def test_neither_an_origin_nor_an_extension_is_offered(tmp_path: Path) -> None:
    heard = Heard()
    async with listening(tmp_path, heard) as process:
        process.write(turn("headers"))
        names = {name.lower() for name in json.loads(await heard.said())}
    assert "sec-websocket-key" in names
    assert not names & {"origin", "sec-websocket-extensions"}


async def test_bytes_count_as_written_only_when_the_process_has_taken_them(tmp_path: Path) -> None:
    heard, written = Heard(), asyncio.Event()
    async with listening(tmp_path, heard) as process:
        process.write(turn("say up"))
        await heard.said()
        os.kill(process.pid, signal.SIGSTOP)
        process.write(turn("say " + "x" * 900_000))
        process.when_written(written.set)
        with pytest.raises(ProcessStuck):
            for _ in range(40):
                process.write(b"{" + b" " * 1_000_000 + b"}\n")
        assert not written.is_set()
        os.kill(process.pid, signal.SIGCONT)
        async with asyncio.timeout(10):
            await written.wait()


async def test_a_process_that_ends_before_it_listens_is_said_to(tmp_path: Path) -> None:
    async with listening(tmp_path, Heard(), "absent") as process:
        await exited(process)
    assert process.returncode == 1
    assert process.complaint == "it ended before it listened on its socket"
    assert "I would rather not" in process.stderr_tail


async def test_a_process_that_does_not_answer_on_its_socket_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.machine.socket_pipe._OPEN_TIMEOUT_S", 1.0)
    async with listening(tmp_path, Heard(), "silent") as process:
        await exited(process)
    assert process.returncode == -signal.SIGKILL
    assert process.complaint == "it did not answer on its socket within 1 s"


async def test_a_process_that_loses_its_connection_and_lives_on_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.machine.socket_pipe._LOSS_GRACE_S", 0.1)
    async with listening(tmp_path, Heard()) as process:
        process.write(turn("drop"))
        await exited(process)
    assert process.returncode == -signal.SIGKILL
    assert process.complaint.startswith("the connection to its socket was lost")


async def test_a_process_that_ends_by_itself_has_not_lost_its_connection(tmp_path: Path) -> None:
    async with listening(tmp_path, Heard()) as process:
        process.write(turn("die"))
        await exited(process)
    assert (process.returncode, process.complaint) == (3, "")


async def test_a_long_folder_is_replaced_by_a_short_one_that_only_the_user_can_read(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    heard = Heard()
    async with listening(long, heard) as process:
        process.write(turn("say short"))
        assert await heard.said() == "short"
        folder = Path(_listens_at(process)).parent
        assert folder.stat().st_mode & 0o777 == 0o700
        assert long not in folder.parents
    assert not folder.exists()


async def test_a_program_that_cannot_be_started_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with listening(tmp_path, Heard(), program="/does/not/exist"):
            pass
    assert list((tmp_path / "records").iterdir()) == []
    assert not (tmp_path / "private").exists()


async def test_a_killed_process_takes_its_folder_along(tmp_path: Path) -> None:
    heard = Heard()
    async with listening(tmp_path, heard) as process:
        process.write(turn("say up"))
        await heard.said()
        process.kill()
        assert not (tmp_path / "private").exists()
        await exited(process)


def _listens_at(process: AgentProcess) -> str:
    argv = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    return next(word for word in argv if word.startswith(b"unix://")).decode().removeprefix("unix://")
