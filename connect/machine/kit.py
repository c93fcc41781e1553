"""What every kind of work on a machine is given: agents, hooks, and the commands of workflows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connect.access.broker_clock import BrokerClock
from connect.machine.spool import Spool
from connect.notices import Notice
from connect.policy.gate import Gate
from connect.system.process_records import ProcessRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """Theirs differ in `private` and `environment` alone."""

    gate: Gate
    records: ProcessRecords
    private: Path
    """A folder of its own, for files that nobody else is to read."""
    environment: Mapping[str, str] = field(repr=False)
    """Of what is started."""
    spool: Spool
    secrets: Callable[[], tuple[str, ...]]
    """The link's own tokens, never to be reported."""
    clock: BrokerClock
    notice: Callable[[Notice], None]
