"""The terminal: a session on one screen with a prompt under it, or as plain or JSON lines where nobody sits at it."""

from __future__ import annotations

import sys

from broker.domain.errors import RelayError
from broker.domain.people.token_text import hide_tokens
from connect.sdk import AgentRelay
from connect.system.console import OUTPUT_CLOSED, leave_output
from connect.terminal.actions import LeadAgent
from connect.terminal.consents import Consents
from connect.terminal.farewell import Farewell, leave_agents_alone
from connect.terminal.json_lines import JsonLines
from connect.terminal.output.view import View
from connect.terminal.plain_lines import PlainLines
from connect.terminal.screen import Screen
from connect.terminal.text.layout import one_line
from connect.terminal.unattended import Terms, Unattended
from connect.terminal.verbosity import Verbosity

__all__ = ["LeadAgent", "Terms", "Verbosity", "run_terminal"]

BROKER_REFUSED = 2


async def run_terminal(
    relay: AgentRelay,
    *,
    verbosity: Verbosity,
    json_lines: bool,
    lead: LeadAgent | None = None,
    farewell: Farewell = leave_agents_alone,
    consents: Consents | None = None,
    terms: Terms | None = None,
) -> int:
    """Show the session and take commands until the user leaves; `farewell` is asked when a person does.

    `consents`: what this machine asks whoever sits at it. `terms`: for a terminal at which nobody sits; with a task
    nobody does, wherever it runs.

    Returns the exit status: that of `Ending`; 2 when the broker is out of reach or says no.
    """
    view = View(verbosity)
    terms = terms or Terms()
    on_screen = not json_lines and terms.task is None and sys.stdin.isatty() and sys.stdout.isatty()
    lead = lead or LeadAgent()
    try:
        if on_screen:
            return await Screen(relay, view, lead=lead, farewell=farewell, consents=consents or Consents()).run()
        output = JsonLines(view) if json_lines else PlainLines(verbosity)
        return await Unattended(relay, view, lead=lead, output=output, terms=terms).run()
    except RelayError as error:
        sys.stderr.write(f"✗ {one_line(hide_tokens(error.message), limit=500)} ({error.code})\n")
        return BROKER_REFUSED
    except BrokenPipeError:
        leave_output()
        return OUTPUT_CLOSED
