"""A parked tool-permission request, the answers it can get, and the rules that answer for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.domain.ids import AgentId, ApprovalId, SessionId


class ApprovalStatus(StrEnum):
    """`pending` ends in exactly one of the others; the first valid answer wins."""

    PENDING = "pending"
    ALLOWED = "allowed"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    """The agent no longer asks: its turn or its process ended."""
    EXPIRED = "expired"
    """Nobody answered before the deadline; the agent was told no."""


class Verdict(StrEnum):
    """What an answer says."""

    ALLOW = "allow"
    DENY = "deny"


class Scope(StrEnum):
    """How long an answer holds inside the agent."""

    ONCE = "once"
    SESSION = "session"
    """The agent need not ask again for the same thing while its conversation lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One permission request, parked until somebody answers."""

    id: ApprovalId
    agent: str
    agent_id: AgentId
    session_id: SessionId
    status: ApprovalStatus
    tool: str
    title: str
    command: str | None
    cwd: str | None
    changes: tuple[dict[str, Any], ...]
    input: dict[str, Any] | None
    reason: str | None
    can_allow_session: bool
    asked_at_ms: int
    deadline_ms: int
    answered_by: str | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAnswer:
    """An answer as it is given to the agent."""

    verdict: Verdict
    scope: Scope = Scope.ONCE
    note: str = ""
    """Told to the agent when denied."""
    interrupt: bool = False
    """Denied, and the turn ends."""
    updated_input: dict[str, Any] | None = None
    """Run this instead of what was asked; Claude only."""
