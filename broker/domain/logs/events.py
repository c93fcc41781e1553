"""Positions in a session's log, and the kinds of events it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import BadRequest

_OFFSET = re.compile(r"[0-9]{1,18}")
"""More digits are no position any log can have."""
_FORK = re.compile(r"([0-9]{1,18})-[0-9a-f]+")
"""A part of an epoch behind its first: the last offset that the log has of the epoch before, and a tag."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in one life of a log. A reader resumes after it; another epoch means another log."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"


def lineage(epoch: str) -> tuple[tuple[str, int | None], ...]:
    """The epochs that a log consists of, the oldest first, each with the last offset that is still of this log.

    A store that went back begins a new epoch, `<the epoch before>.<last offset kept>-<tag>`; None: to the end.
    """
    root, *forks = epoch.split(".")
    found = [_FORK.fullmatch(fork) for fork in forks]
    kept = [int(fork[1]) for fork in found if fork]
    if len(kept) < len(forks):
        return ((epoch, None),)
    before = [".".join([root, *forks[:count]]) for count in range(len(forks))]
    # A later fork may lie ahead of an earlier one.
    return (*((each, min(kept[count:])) for count, each in enumerate(before)), (epoch, None))


def goes_on_from(head: Cursor, position: Cursor) -> bool:
    """Whether a log that ends at `head` has everything that somebody has read who is at `position`."""
    if position.offset > head.offset:
        return False
    return any(
        epoch == position.epoch and (upto is None or position.offset <= upto) for epoch, upto in lineage(head.epoch)
    )


def parse_cursor(text: str) -> Cursor:
    """Read `<epoch>:<offset>`; raise `BadRequest` otherwise."""
    epoch, colon, offset = text.rpartition(":")
    if not colon or not epoch or not _OFFSET.fullmatch(offset):
        raise BadRequest(f"{text[:80]!r} is not a cursor: <epoch>:<offset>")
    return Cursor(epoch, int(offset))


class EventKind(StrEnum):
    """Every fact a session's log can hold."""

    SESSION_CREATED = "session.created"
    SESSION_RENAMED = "session.renamed"
    SESSION_ARCHIVED = "session.archived"
    """It was put away, or taken back: `archived` says which."""
    PROXY_CONNECTED = "proxy.connected"
    PROXY_DISCONNECTED = "proxy.disconnected"
    LINK_REPORTS_LOST = "link.reports_lost"
    """A fail-over made the broker forget what a machine had reported."""
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
    AGENT_DISMISSED = "agent.dismissed"
    """Somebody has seen that it failed, and wants to hear no more of it."""
    AGENT_FRAME = "agent.frame"
    CHANNEL_JOINED = "channel.joined"
    CHANNEL_LEFT = "channel.left"
    MESSAGE_ACCEPTED = "message.accepted"
    MESSAGE_RECEIPT = "message.receipt"
    TURN_STARTED = "turn.started"
    TURN_ENDED = "turn.ended"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_ASSENTED = "approval.assented"
    """One of several people whose yes is required has said it."""
    APPROVAL_RESOLVED = "approval.resolved"
    STOP_ORDERED = "stop.ordered"
    STOP_FINISHED = "stop.finished"
    STOP_LIFTED = "stop.lifted"
    HOOK_ORDERED = "hook.ordered"
    HOOK_STARTED = "hook.started"
    HOOK_COMPLETED = "hook.completed"
    HOOK_FAILED = "hook.failed"
    HOOK_REFUSED = "hook.refused"
    HOOK_SKIPPED = "hook.skipped"
    HOOK_EXPIRED = "hook.expired"
    HOOK_INTERRUPTED = "hook.interrupted"
    COMMAND_ORDERED = "command.ordered"
    COMMAND_STARTED = "command.started"
    COMMAND_OUTPUT = "command.output"
    COMMAND_ENDED = "command.ended"
    WORKFLOW_STARTED = "workflow.started"
    WORKFLOW_CHANGED = "workflow.changed"
    """A person has cancelled it, resumed it, or decided about one of its steps; a barrier, a vote."""
    WORKFLOW_ENDED = "workflow.ended"
    """Or rests until a person decides: its `state` says which."""
    STEP_STARTED = "step.started"
    STEP_ENDED = "step.ended"
    """An attempt is over; what follows from that is said next."""
    STEP_CHANGED = "step.changed"
    """It waits for another attempt, is reviewed, is completed, failed, left out, or needs a person."""
    PLAN_WARNING = "plan.warning"
    BUDGET_WARNING = "budget.warning"
    BUDGET_SPENT = "budget.spent"
    LOG_OVERFLOW = "log.overflow"
