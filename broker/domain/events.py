"""Positions in a session's log, and the kinds of events it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import BadRequest

_OFFSET = re.compile(r"[0-9]{1,18}")
"""More digits are no position any log can have."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in one life of a log. A reader resumes after it; another epoch means another log."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"


def parse_cursor(text: str) -> Cursor:
    """Read `<epoch>:<offset>`; raise `BadRequest` otherwise."""
    epoch, colon, offset = text.rpartition(":")
    if not colon or not epoch or not _OFFSET.fullmatch(offset):
        raise BadRequest(f"{text[:80]!r} is not a cursor: <epoch>:<offset>")
    return Cursor(epoch, int(offset))


class EventKind(StrEnum):
    """Every fact a session's log can hold."""

    SESSION_CREATED = "session.created"
    PROXY_CONNECTED = "proxy.connected"
    PROXY_DISCONNECTED = "proxy.disconnected"
    AGENT_SPAWNING = "agent.spawning"
    AGENT_STARTED = "agent.started"
    AGENT_READY = "agent.ready"
    AGENT_STATE = "agent.state"
    AGENT_INTERRUPTED = "agent.interrupted"
    AGENT_DEAF = "agent.deaf"
    AGENT_RESTARTING = "agent.restarting"
    AGENT_EXITED = "agent.exited"
    AGENT_FAILED = "agent.failed"
    AGENT_RELEASED = "agent.released"
    AGENT_FRAME = "agent.frame"
    MESSAGE_ACCEPTED = "message.accepted"
    MESSAGE_RECEIPT = "message.receipt"
    TURN_STARTED = "turn.started"
    TURN_ENDED = "turn.ended"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_RESOLVED = "approval.resolved"
    LOG_OVERFLOW = "log.overflow"
