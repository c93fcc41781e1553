"""A parked tool-permission request, the answers it can get, and the rules that answer for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.domain.errors import BadRequest
from broker.domain.ids import AgentId, ApprovalId, SessionId
from broker.domain.risk_findings import Risk


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
    """How long an answer holds."""

    ONCE = "once"
    SESSION = "session"
    """The broker allows the same again, without asking, as long as the agent lives: the same command in the same
    folder, a change of the same files, or the same tool with the same input. Rules that deny or ask go before."""


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
    paths: tuple[str, ...] = ()
    """All files it is about; those of `changes` too."""
    widens: tuple[str, ...] = ()
    """What it asks for beyond this use of the tool, in words."""
    input: dict[str, Any] | None
    reason: str | None
    can_allow_session: bool
    masked: bool = False
    """Secrets were cut out of it: what runs is not byte for byte what is shown."""
    risk: Risk | None = None
    """How carefully to look; None for what did not wait for a person, and for requests of earlier versions."""
    risk_reasons: tuple[str, ...] = ()
    asked_at_ms: int
    deadline_ms: int
    answered_by: str | None
    note: str | None


@dataclass(frozen=True, slots=True, order=True)
class ApprovalPlace:
    """A place among those that wait, the longest waiting first. What is answered meanwhile moves no other."""

    asked_at_ms: int
    id: ApprovalId

    def __str__(self) -> str:
        return f"{self.asked_at_ms}~{self.id}"


def parse_approval_place(text: str) -> ApprovalPlace:
    """Read `<ms>~<id>`; raise `BadRequest` otherwise."""
    found = re.fullmatch(r"([0-9]{1,15})~([0-9A-Za-z-]{1,64})", text)
    if not found:
        raise BadRequest(f"{text[:80]!r} is not a place among approvals; leave it out to begin with the first")
    return ApprovalPlace(int(found[1]), ApprovalId(found[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingApprovals:
    """A page of those that wait."""

    approvals: list[Approval]
    next: ApprovalPlace | None
    """Where the next page begins; None when there is none."""
    total: int
    """How many wait in all."""


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
