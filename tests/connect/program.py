"""The program `relay-connect` as a process of its own, with a scripted agent."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.connect.scripted_broker import ScriptedBroker

ACP_AGENT = Path(__file__).parents[1] / "fixtures" / "scripted_acp_agent.py"
TOKEN = "nt_live_secret-of-the-proxy"


def environment_for(broker: ScriptedBroker, folder: Path) -> dict[str, str]:
    """What it is started with: everything it keeps lies in `folder`."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "RELAYCAST_URL": broker.url,
        "RELAYCAST_TOKEN": TOKEN,
        "RELAYCAST_STATE_DIR": str(folder / "state"),
        "RELAYCAST_CONFIG_DIR": str(folder),
    }


@asynccontextmanager
async def relay_connect(
    environment: Mapping[str, str], *arguments: str, stdout: int = asyncio.subprocess.PIPE
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A running relay-connect that knows the agent `scripted`; ended with the block."""
    agent = f"--agent=scripted={sys.executable} {ACP_AGENT}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from connect.cli import main; main()", "--headless", agent, *arguments),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(15):
            await process.communicate()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    """Its exit status and all it printed, once it has ended."""
    async with asyncio.timeout(15):
        output, _ = await process.communicate()
    return process.returncode, (output or b"").decode()
