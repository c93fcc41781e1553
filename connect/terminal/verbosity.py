"""How much the terminal shows."""

from __future__ import annotations

from enum import StrEnum


class Verbosity(StrEnum):
    """`quiet` shows results, failures and approvals; `normal` all messages too; `verbose` also what agents do."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"
