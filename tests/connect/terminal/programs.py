"""Runs the terminal as a process: the program, and its environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.connect.api_double import TOKEN

_PROGRAM = """
import asyncio, sys
from connect.sdk import AgentRelay
from connect.terminal import Verbosity, run_terminal

async def main():
    async with AgentRelay() as relay:
        return await run_terminal(relay, verbosity=Verbosity(sys.argv[1]), json_lines="--json" in sys.argv)

sys.exit(asyncio.run(main()))
"""


def terminal_argv(*arguments: str) -> list[str]:
    return [sys.executable, "-c", _PROGRAM, *arguments]


def terminal_environment(url: str, tmp_path: Path, **more: str) -> dict[str, str]:
    own = {"RELAYCAST_URL": url, "RELAYCAST_TOKEN": TOKEN, "RELAYCAST_DATA_DIR": str(tmp_path), "TERM": "xterm"}
    return {**os.environ, **own, **more}
