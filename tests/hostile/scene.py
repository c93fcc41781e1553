"""A machine with a person at it and a hostile agent on it, all of them real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from connect.sdk.relay import AgentRelay
from tests.fixtures.process_family import descendants
from tests.fixtures.processes import environment

_ROOT = Path(__file__).parents[2]
_ATTEMPTS = Path(__file__).with_name("attempts.py")
_SCRIPTED = _ROOT / "tests" / "fixtures" / "scripted_acp_agent.py"
_PATIENCE_S = 90.0
_ORDINARY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
"""Root may read every process; without its capabilities it is a user like any other."""
_BOX, _BESIDE = "box", "beside"
"""What machines are called: the one that is attacked, and another link of the same user."""
NOBODY = 65534
"""The user that agents are given where they have one of their own."""

Results = dict[str, tuple[bool, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python that a user can start, and where our packages lie for it."""

    executable: str
    packages: str


async def interpreter_of(user: int | None) -> Interpreter | None:
    """Ours; for another user whichever can import what a link needs; None when there is none."""
    packages = os.pathsep.join([str(_ROOT), *(path for path in sys.path if path.endswith("site-packages"))])
    candidates = [sys.executable] if user is None else [sys.executable, shutil.which("python3", path="/usr/bin") or ""]
    for executable in filter(None, candidates):
        found = Interpreter(executable=executable, packages=packages)
        if user is None or await _can_start(found, user):
            return found
    return None


async def _can_start(interpreter: Interpreter, user: int) -> bool:
    try:
        process = await asyncio.create_subprocess_exec(
            *(interpreter.executable, "-c", "import connect.serving.link_process"),
            env={"PYTHONPATH": interpreter.packages},
            cwd="/",
            user=user,
            group=user,
            extra_groups=[],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    return await process.wait() == 0


async def play(folder: Path, *, user: int | None, interpreter: Interpreter, beside: bool = False) -> Results:
    """What a hostile agent got: as the user of the broker and of the person at the terminal, or as one of its own.

    `beside`: of another link of that user than the one it attacks.
    """
    stage = _Stage(folder=folder, user=user, interpreter=interpreter)
    async with contextlib.AsyncExitStack() as stack:
        url, key_file = await stack.enter_async_context(stage.broker())
        relay = await stack.enter_async_context(AgentRelay(url, key_file.read_text().strip()))
        linked = stage.terminal(url, key_file) if user is None else stage.headless(url, key_file)
        pids = await stack.enter_async_context(linked)
        if beside:
            await stack.enter_async_context(stage.headless(url, key_file, name=_BESIDE))
        return await stage.attempted(relay, url, key_file, pids=pids, on=_BESIDE if beside else _BOX)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    folder: Path
    user: int | None
    interpreter: Interpreter

    @contextlib.asynccontextmanager
    async def broker(self) -> AsyncIterator[tuple[str, Path]]:
        """Its URL, and the file of its key."""
        home = self._home("broker", None)
        given = ["up", "--data-dir", str(home / "data"), "--port", "0", "--json"]
        async with self._started("broker.cli", given, home) as process:
            ready = orjson.loads(await _line(process, b'"url"'))
            yield ready["url"], Path(ready["token_file"])

    @contextlib.asynccontextmanager
    async def terminal(self, url: str, key_file: Path) -> AsyncIterator[list[int]]:
        """A person's terminal, without a person, and its link: their process ids."""
        home = self._home(_BOX, self.user)
        told = {"RELAYCAST_TOKEN": key_file.read_text().strip()}
        async with self._started("connect.cli", [*self._machine(url, home), "--json"], home, told=told) as process:
            await _line(process, b'"link.up"')
            yield [process.pid, *descendants(process.pid)]

    @contextlib.asynccontextmanager
    async def headless(self, url: str, key_file: Path, *, name: str = _BOX) -> AsyncIterator[list[int]]:
        """A link alone, with a token that links and does nothing else."""
        home = self._home(name, self.user)
        given = [*self._machine(url, home), "--headless", "--json", "--token-file", "-"]
        async with self._started("connect.cli", given, home, user=self.user) as process:
            assert process.stdin is not None
            process.stdin.write((await _mint(url, key_file)).encode())
            process.stdin.close()
            await _line(process, b'"connected"')
            yield [process.pid]

    async def attempted(self, relay: AgentRelay, url: str, key_file: Path, *, pids: list[int], on: str) -> Results:
        """Let the agent, which runs on that machine, try everything against the other."""
        home = self.folder / _BOX
        await relay.spawn("Colleague", "scripted", on=_BOX)
        await relay.spawn("Hostile", "scripted", on=on)
        await relay.send("Colleague", "ask")
        async with asyncio.timeout(_PATIENCE_S):
            while not (waiting := await relay.approvals()):
                await asyncio.sleep(0.05)
        async with AgentRelay(url, key_file.read_text().strip(), "another") as other:
            theirs = (await other.session()).id
        facts = {
            "url": url,
            "state_dir": str(home / "state"),
            "config_dir": str(home),
            "data_dir": str(key_file.parent),
            "packages": self.interpreter.packages,
            "machine": _BOX,
            "pids": pids,
            "session": (await relay.session()).id,
            "other_session": theirs,
            "approval": waiting[0].id,
        }
        path = home / "facts.json"
        path.write_bytes(orjson.dumps(facts))
        sent = await relay.send("Hostile", f"run {self.interpreter.executable} {_ATTEMPTS} {path}")
        answer = (await relay.wait_for(sent.message_id, timeout_s=_PATIENCE_S)).deliveries[0].answer
        status, _, found = (answer or "").partition(" ")
        assert status == "0", answer
        return {name: (got, seen) for name, (got, seen) in orjson.loads(found).items()}

    def _home(self, name: str, user: int | None) -> Path:
        home = self.folder / name
        home.mkdir(mode=0o755)
        if user is not None:
            os.chown(home, user, user)
        return home

    def _machine(self, url: str, home: Path) -> list[str]:
        agent = f"scripted={self.interpreter.executable} {_SCRIPTED}"
        return ["--url", url, "--state-dir", str(home / "state"), "--name", home.name, "--agent", agent]

    @contextlib.asynccontextmanager
    async def _started(
        self,
        module: str,
        given: list[str],
        home: Path,
        *,
        user: int | None = None,
        told: Mapping[str, str] | None = None,
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            *(*_ORDINARY, sys.executable if user is None else self.interpreter.executable, "-m", module, *given),
            env={
                **environment(home),
                "RELAYCAST_CONFIG_DIR": str(home),
                "PYTHONPATH": self.interpreter.packages,
                **(told or {}),
            },
            cwd=home,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1024 * 1024,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()


async def _line(process: asyncio.subprocess.Process, having: bytes) -> bytes:
    """The first line of its output that has it."""
    assert process.stdout is not None
    async with asyncio.timeout(_PATIENCE_S):
        while having not in (line := await process.stdout.readline()):
            assert line, "it has ended"
    return line


async def _mint(url: str, key_file: Path) -> str:
    """A token that links a machine and does nothing else."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "broker.cli", "token", "mint", "--kind", "proxy", "--name", "box"),
        env={**os.environ, "RELAYCAST_URL": url, "RELAYCAST_TOKEN": key_file.read_text().strip()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    return output.decode().split()[0]
