"""Whether this process was started by an agent: agents do not change the policy that holds for them.

The running link looks by itself, and better, as its agents' orphans are its own children (`connect.control.peers`).
This is for when none runs.
"""

from __future__ import annotations

import os

from connect.system import process_tree
from connect.system.process_records import ProcessRecords


def begun_by_agent(records: ProcessRecords) -> bool:
    """Whether this process descends from an agent's, or from one that is recorded as such."""
    line = process_tree.ancestors(os.getpid())
    return process_tree.is_of_an_agent(os.getpid()) or any(records.names(process_tree.key_of(each)) for each in line)
