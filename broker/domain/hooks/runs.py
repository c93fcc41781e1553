"""Runs of hooks: their ids, and how far each came."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5

from broker.domain.ids import SessionId

HookRunId = NewType("HookRunId", str)
_RUNS = UUID("6f0b7d0e-6a55-5d0e-9d1c-6b1f5a3c2e10")
"""The namespace of their ids, by RFC 9562 5.5."""


class RunState(StrEnum):
    """How far a run came; all but the first two are its end."""

    ORDERED = "ordered"
    """On its way to the machine, or waiting for things to be quiet."""
    STARTED = "started"
    COMPLETED = "completed"
    """Exit code 0, or accepted by whoever it was for."""
    FAILED = "failed"
    REFUSED = "refused"
    """The machine's owner has not allowed it."""
    SKIPPED = "skipped"
    """There was nothing to do; the reason says why."""
    EXPIRED = "expired"
    """The machine was away for too long."""
    INTERRUPTED = "interrupted"
    """It was started, and nobody knows its end."""


def run_id(session: SessionId, key: str, hook: str) -> HookRunId:
    """The id of the run that something (`matching.run_key`) sets off: however often that is decided, it is one."""
    return HookRunId(str(uuid5(_RUNS, f"{session}|{key}|{hook}")))
