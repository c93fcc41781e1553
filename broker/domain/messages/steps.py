"""The steps of a message on its way to one recipient, and how the session's log tells of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.domain.ids import AgentId, MessageId, SessionId, WorkspaceId

RECEIPT = "message.receipt"
"""The kind of event that tells of one."""


class ReceiptState(StrEnum):
    """The steps of one message to one recipient, in order."""

    QUEUED = "queued"
    SENT = "sent"
    """In the mailbox of the recipient's proxy."""
    RECEIVED = "received"
    """The proxy has it."""
    HANDED = "handed"
    """Its bytes were written to the agent's process."""
    IN_TURN = "in_turn"
    """The agent itself has confirmed it and works on it."""
    ANSWERED = "answered"
    """The turn that it was part of has ended."""
    UNDELIVERABLE = "undeliverable"

    @property
    def is_unread(self) -> bool:
        """Whether it is on its way: no turn has it yet, and it may still come."""
        return self in {ReceiptState.QUEUED, ReceiptState.SENT, ReceiptState.RECEIVED, ReceiptState.HANDED}


CONFIRMED = "confirmed"
"""Noted beside the steps, ahead of the turn: the vendor itself says that it has the message, as some do."""
_PLACES = dict(zip(ReceiptState, range(len(ReceiptState)), strict=True)) | {
    CONFIRMED: list(ReceiptState).index(ReceiptState.IN_TURN) - 0.5
}


def place_of(state: str) -> float:
    """Where a step stands in the order of all, for those made within one millisecond; behind all when not known."""
    return _PLACES.get(state, len(_PLACES))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMade:
    """One step. An event of an earlier version does not say how long after the acceptance it was."""

    workspace: WorkspaceId
    session: SessionId
    message: MessageId
    agent: AgentId
    state: str
    after_ms: int | None
    """Since the message was accepted, by the store's clock."""
    attempt: int
    """Which delivery this is; above 1 for one that was sent anew."""
    reason: str | None
    """Of one that is undeliverable."""


def step_of(event: Mapping[str, Any], *, workspace: WorkspaceId, session: SessionId) -> StepMade | None:
    """The step that an event tells of; None for any other event."""
    if event["kind"] != RECEIPT:
        return None
    told = event["data"]
    return StepMade(
        workspace=workspace,
        session=session,
        message=MessageId(told["message"]),
        agent=AgentId(event["agent"] or ""),
        state=told["state"],
        after_ms=told.get("after_ms"),
        attempt=told.get("attempt", 1),
        reason=told.get("reason"),
    )
