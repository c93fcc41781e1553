"""The interactive terminal: a session on one screen with a prompt under it, or as JSON lines for programs."""

from __future__ import annotations

import sys

from broker.domain.errors import RelayError
from connect.sdk import AgentRelay
from connect.terminal.actions import LeadAgent
from connect.terminal.json_lines import JsonLines
from connect.terminal.screen import Screen
from connect.terminal.text import one_line
from connect.terminal.verbosity import Verbosity
from connect.terminal.view import View

__all__ = ["LeadAgent", "Verbosity", "run_terminal"]

BROKER_REFUSED = 2
OUTPUT_CLOSED = 141
"""What a shell shows for a program whose reader went away."""


async def run_terminal(
    relay: AgentRelay, *, verbosity: Verbosity, json_lines: bool, lead: LeadAgent | None = None
) -> int:
    """Show the session and take commands until the user leaves.

    Returns the exit status: 0; 1 when a command failed (JSON lines only); 2 when the broker is out of reach or says no.
    """
    view = View(verbosity)
    on_screen = not json_lines and sys.stdin.isatty() and sys.stdout.isatty()
    kind = Screen if on_screen else JsonLines
    try:
        return await kind(relay, view, lead=lead or LeadAgent()).run()
    except RelayError as error:
        sys.stderr.write(f"✗ {one_line(error.message, limit=500)} ({error.code})\n")
        return BROKER_REFUSED
    except BrokenPipeError:
        return OUTPUT_CLOSED
