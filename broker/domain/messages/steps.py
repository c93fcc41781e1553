"""A step of a message on its way to one recipient, as the session's log tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.domain.ids import AgentId, MessageId, SessionId, WorkspaceId

RECEIPT = "message.receipt"
"""The kind of event that tells of one."""


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
