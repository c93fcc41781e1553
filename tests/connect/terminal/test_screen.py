"""The terminal on a pseudo-terminal, as a person has it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.connect.api_double import ApiDouble
from tests.connect.terminal.programs import terminal_argv, terminal_environment

_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[=>])")


class _Person:
    """Reads the screen and types."""

    def __init__(self, descriptor: int, process: asyncio.subprocess.Process) -> None:
        self._descriptor = descriptor
        self.process = process
        self.raw = ""
        self._typed_at = 0
        self._more = asyncio.Event()
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    def _read(self) -> None:
        try:
            chunk = os.read(self._descriptor, 65536)
        except OSError:
            chunk = b""
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._descriptor)
        # Where the cursor is, the terminal emulator would answer; prompt_toolkit asks once at each prompt.
        if b"\x1b[6n" in chunk:
            os.write(self._descriptor, b"\x1b[1;1R")
        self.raw += chunk.decode(errors="replace")
        self._more.set()

    @property
    def screen(self) -> str:
        return _ESCAPES.sub("", self.raw)

    async def sees(self, text: str) -> None:
        """Wait until `text` has come since the last time something was typed."""
        while text not in self.screen[self._typed_at :]:
            self._more.clear()
            await self._more.wait()

    def types(self, text: str) -> None:
        self._typed_at = len(self.screen)
        os.write(self._descriptor, text.encode())


@asynccontextmanager
async def _at_terminal(broker: ApiDouble, tmp_path: Path, **environment: str) -> AsyncIterator[_Person]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *terminal_argv("normal"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=terminal_environment(broker.url, tmp_path, **environment),
        start_new_session=True,
    )
    os.close(theirs)
    person = _Person(ours, process)
    try:
        async with asyncio.timeout(30):
            yield person
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        if process.returncode is None:
            process.kill()
        await process.wait()
        os.close(ours)


async def test_the_greeting_a_task_and_the_way_out(broker: ApiDouble, tmp_path: Path) -> None:
    async with _at_terminal(broker, tmp_path) as person:
        await person.sees(f"✓ Dashboard: {broker.url}/session/s_1")
        await person.sees("Type a task to auto-spawn Lead (Claude), or use commands:")
        await person.sees("relay>")
        person.types("Play tic-tac-toe\r")
        await person.sees("✓ Auto-spawning Lead (Claude)...")
        await person.sees("✓ Lead (Claude) connected")
        await person.sees("✓ Lead has it")
        await person.sees("│ Lead is done")
        person.types("exit\r")
        await person.sees("✓ Disconnected")
        assert await person.process.wait() == 0

    assert (tmp_path / "terminal_history").stat().st_mode & 0o777 == 0o600
    assert "Play tic-tac-toe" in (tmp_path / "terminal_history").read_text()


async def test_tab_completes_and_an_approval_is_answered_by_its_short_id(broker: ApiDouble, tmp_path: Path) -> None:
    asked = {"id": "0192-f3a2", "agent": "Lead", "tool": "Bash", "command": "rm -rf build", "status": "pending"}
    async with _at_terminal(broker, tmp_path) as person:
        await person.sees("relay>")
        broker.approvals["0192-f3a2"] = asked
        await broker.append("approval.requested", asked, name="Lead")
        await person.sees("approve f3a2 · deny f3a2")
        person.types("appro\t")
        await person.sees("ve")
        person.types(" f3a2\r")
        await person.sees("✓ allowed by operator — Lead: rm -rf build")


async def test_a_lost_connection_is_told_and_so_is_its_return(broker: ApiDouble, tmp_path: Path) -> None:
    async with _at_terminal(broker, tmp_path) as person:
        await person.sees("relay>")
        await broker.drop_sockets()
        await person.sees("! connection lost")
        await person.sees("✓ connected again")


async def test_no_color_means_no_colour(broker: ApiDouble, tmp_path: Path) -> None:
    async with _at_terminal(broker, tmp_path, NO_COLOR="1") as person:
        await person.sees("relay>")
        person.types("release Nobody\r")
        await person.sees("✗ no agent called Nobody")

    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|9[0-7])m", person.raw)
