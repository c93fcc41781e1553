"""Where in the state folder the work on commands keeps what its next start has to know. An idle link reads this too."""

from __future__ import annotations

from pathlib import Path

HOOKS = "hooks.ndjson"
GUARDS = "guards.ndjson"
COMMANDS = "commands.ndjson"
HOOK_EVENTS = "hook-events"
GUARD_EVENTS = "guard-events"
WORKFLOW_VALUES = "workflow-values"


def is_work_left(state: Path) -> bool:
    """Whether an earlier relay-connect has left a run that is to be told of, or files of one that are to go.

    What cannot be looked at counts as left: whoever opens it says why it cannot be read.
    """
    return any(_may_hold(state / name) for name in (HOOKS, GUARDS, COMMANDS)) or any(
        (state / name).exists() for name in (HOOK_EVENTS, GUARD_EVENTS, WORKFLOW_VALUES)
    )


def _may_hold(journal: Path) -> bool:
    try:
        return journal.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError:
        return True
