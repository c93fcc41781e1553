"""`relaycast demo`: a broker and a relay-connect as real processes on throw-away folders, and the game on top."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path

import click
import orjson

from broker.domain.errors import RelayError
from connect.demo.viewer import run_demo
from connect.sdk import AgentRelay

_START_S = 60.0
"""A cold start on a busy machine takes a few seconds; this bounds one that got stuck."""
_STOP_S = 15.0
"""Both end in a second; the proxy's kill ladder for a stuck agent takes up to twelve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """What a broker says when it is up."""

    url: str
    key_file: Path
    sign_in: str
    """The address that signs a browser in, once."""


async def run_demo_session(*, once: bool) -> int:
    """Run the demo; the exit status. Unless `once`, the broker stays up until Ctrl-C."""
    interrupted = _on_signals()
    try:
        return await _demo(interrupted, once=once)
    except RelayError as error:
        click.echo(f"✗ {error.message} [{error.code}]", err=True)
        return 1


async def _demo(interrupted: asyncio.Event, *, once: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="relaycast-demo-") as folder:
        async with _broker(Path(folder)) as ready, _proxy(Path(folder), ready.url, ready.key_file):
            async with AgentRelay(ready.url, ready.key_file.read_text().strip()) as relay:
                status = await _unless(interrupted, run_demo(relay, sign_in=ready.sign_in))
            if status == 0 and not once:
                click.echo(f"\nThe broker is still up at {ready.url} (key in {ready.key_file}). Ctrl-C ends it.")
                await interrupted.wait()
    return status


def _on_signals() -> asyncio.Event:
    event = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, event.set)
    return event


async def _unless(interrupted: asyncio.Event, game: Coroutine[None, None, int]) -> int:
    playing = asyncio.create_task(game)
    waiting = asyncio.create_task(interrupted.wait())
    await asyncio.wait({playing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not playing.done():
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing
        return 130
    return playing.result()


@contextlib.asynccontextmanager
async def _broker(folder: Path) -> AsyncIterator[_Ready]:
    arguments = ["up", "--data-dir", str(folder / "broker"), "--port", "0", "--json"]
    async with _process("broker.cli", arguments, cwd=folder) as process:
        told = orjson.loads(await _first_line(process, "the broker"))
        yield _Ready(url=told["url"], key_file=Path(told["token_file"]), sign_in=told["dashboard"])


@contextlib.asynccontextmanager
async def _proxy(folder: Path, url: str, key_file: Path) -> AsyncIterator[None]:
    work = folder / "work"
    work.mkdir()
    state = ["--state-dir", str(folder / "proxy"), "--agent", f"demo={sys.executable} -m connect.demo.agent"]
    arguments = ["--url", url, "--token-file", str(key_file), *state, "--headless", "--json", "--name", "this-machine"]
    async with _process("connect.cli", arguments, cwd=work) as process:
        await _first_line(process, "relay-connect")
        yield


@contextlib.asynccontextmanager
async def _process(module: str, arguments: list[str], *, cwd: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if not name.startswith("RELAYCAST_")},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us: agents end first, the broker last
    )
    try:
        yield process
    finally:
        await _end(process)


async def _first_line(process: asyncio.subprocess.Process, name: str) -> bytes:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_S):
            line = await process.stdout.readline()
    except TimeoutError:
        raise RelayError(f"{name} did not start within {_START_S:g} s") from None
    if not line:
        raise RelayError(f"{name} ended with {await process.wait()} before it was ready")
    return line


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
