"""Ids of what a run sets going: agents, commands, gates and calls."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the whole journal hangs on it, which a machine has no use for
    from broker.domain.workflows.runs.journal import Aide


def effect_id(run: str, step: str, attempt: int, *, aide: Aide | None = None) -> str:
    """The id of what is set going: the same whenever and by whomever it is worked out."""
    parts = "\0".join((run, step, str(attempt), aide or ""))
    return hashlib.sha256(parts.encode()).hexdigest()[:32]
