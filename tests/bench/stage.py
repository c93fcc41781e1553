"""The real processes: a broker with its embedded Valkey, and relay-connects, on throw-away folders."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from broker.domain.agents.sessions import DEFAULT_SESSION
from connect.sdk import AgentRelay
from tests.fixtures.long_session import redis_url
from tests.fixtures.process_family import children

_START_S = 60
_STOP_S = 60
"""A relay-connect with a thousand agents ends them one by one."""
_MOST_AGENTS = 2000
_AGENT = Path(__file__).with_name("agent.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A running `relaycast up`."""

    url: str
    key: str
    redis_url: str
    folder: Path
    pid: int
    valkey_pid: int

    @property
    def events_url(self) -> str:
        """The live events of the session that everything here happens in."""
        return f"{self.websocket_url}/v1/sessions/{DEFAULT_SESSION}/events"

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    def relay(self) -> AgentRelay:
        """A client, as a user's script has it."""
        return AgentRelay(self.url, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A process that has said its first line, and how long that took."""

    process: asyncio.subprocess.Process
    first_line: bytes
    start_s: float

    @property
    def pid(self) -> int:
        return self.process.pid


@contextlib.asynccontextmanager
async def running_broker(
    folder: Path, *more: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Broker]:
    arguments = ["up", "--data-dir", str(folder / "broker"), "--port", "0", "--json", *more]
    command = [sys.executable, "-m", "broker.cli", *arguments]
    async with running(command, folder=folder, environment=environment) as started:
        ready = orjson.loads(started.first_line)
        broker = Broker(
            url=ready["url"],
            key=Path(ready["token_file"]).read_text().strip(),
            redis_url=redis_url(folder / "broker"),
            folder=folder,
            pid=started.pid,
            valkey_pid=children(started.pid)[0],
        )
        async with broker.relay() as relay:
            await relay.session()
        yield broker


@contextlib.asynccontextmanager
async def running_relay_connect(broker: Broker, name: str) -> AsyncIterator[Started]:
    """A headless relay-connect that knows the agent `bench`; it is welcomed when this returns."""
    state = ["--state-dir", str(broker.folder / f"state-{name}")]
    arguments = [*state, "--name", name, "--agent", f"bench={sys.executable} -I -S {_AGENT}", "--headless", "--json"]
    config = broker.folder / f"config-{name}"
    allow_many_agents(config)
    environment = {
        "RELAYCAST_URL": broker.url,
        "RELAYCAST_TOKEN": broker.key,
        "RELAYCAST_CONFIG_DIR": str(config),
    }
    command = [sys.executable, "-m", "connect.cli", *arguments]
    async with running(command, folder=broker.folder, environment=environment) as started:
        yield started


def allow_many_agents(config: Path) -> None:
    """A policy for a machine that is not linked yet, which takes it as it lies there."""
    config.mkdir(mode=0o700, exist_ok=True)
    policy = config / "policy.toml"
    policy.touch(mode=0o600)
    policy.write_text(f"most_agents = {_MOST_AGENTS}\n")


@contextlib.asynccontextmanager
async def running(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None, says: bytes = b""
) -> AsyncIterator[Started]:
    """Start a process, tell it something, wait for its first line, and end it in good order."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**_environment(), **(environment or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        cwd=folder,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(says)
        async with asyncio.timeout(_START_S):
            line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"{command[:4]} ended with {await process.wait()} before it was ready")
        yield Started(process=process, first_line=line, start_s=time.perf_counter() - began)
    finally:
        await _end(process)


async def discard_output(started: Started) -> None:
    """Read what a process says until it ends, so that it never has to wait for us."""
    assert started.process.stdout is not None
    while await started.process.stdout.readline():
        pass


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RELAYCAST_")}
    root = str(Path(__file__).parents[2])
    return {**inherited, "PYTHONPATH": root}
