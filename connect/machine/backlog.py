"""How much waits for the broker on this machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits in a spool."""

    reports: int = 0
    bytes: int = 0
    limit_bytes: int = 0
    dropped: int = 0
    """Since the start of this process."""
    on_disk: bool = True
