"""Runs the terminal as a process: the program, and its environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.connect.api_double import TOKEN

_PROGRAM = """
import asyncio, os, sys
from connect.policy.consent import Question
from connect.sdk import AgentRelay
from connect.terminal import Verbosity, run_terminal
from connect.terminal.consents import Consents

async def main():
    # What a machine asks, one after the other, each with the answers so far.
    titles, answers = list(filter(None, os.environ.get("MACHINE_ASKS", "").split("|"))), []

    def ask():
        number = len(answers)
        details = (f"in /srv/new\x1b[2J after {answers}",)
        left = titles[number : number + 1]
        consents.take({number + 1: Question(title=title, details=details, yes="starts it") for title in left})

    def answer(number, yes):
        answers.append(yes)
        ask()

    consents = Consents(answer)
    ask()
    async with AgentRelay() as relay:
        return await run_terminal(
            relay, verbosity=Verbosity(sys.argv[1]), json_lines="--json" in sys.argv, consents=consents
        )

sys.exit(asyncio.run(main()))
"""


def terminal_argv(*arguments: str) -> list[str]:
    return [sys.executable, "-c", _PROGRAM, *arguments]


def terminal_environment(url: str, tmp_path: Path, **more: str) -> dict[str, str]:
    own = {"RELAYCAST_URL": url, "RELAYCAST_TOKEN": TOKEN, "RELAYCAST_DATA_DIR": str(tmp_path), "TERM": "xterm"}
    return {**os.environ, **own, **more}
