"""Whether this process was started by an agent: agents do not change what holds for them.

The running link looks by itself, and better, as its agents' orphans are its own children (`connect.control.peers`).
This is for when none runs.
"""

from __future__ import annotations

import os
import sys

from broker.domain.errors import NotPermitted
from connect.system import process_tree
from connect.system.process_records import ProcessRecords


def is_begun_by_agent(records: ProcessRecords) -> bool:
    """Whether this process descends from an agent's, or from one that is recorded as such."""
    line = process_tree.ancestors(os.getpid())
    return process_tree.is_of_an_agent(os.getpid()) or any(records.names(process_tree.key_of(each)) for each in line)


def require_person(records: ProcessRecords, *, what: str) -> None:
    """Go on for a person in front of this machine. Raises `NotPermitted` for everybody else.

    `what` is changed here, and how: `a policy is changed`.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NotPermitted(f"{what} by a person at a terminal of the machine", code="TERMINAL_NEEDED")
    if is_begun_by_agent(records):
        raise NotPermitted(
            f"an agent has started this; {what} by a person, in a terminal that no agent has opened",
            code="STARTED_BY_AGENT",
        )
