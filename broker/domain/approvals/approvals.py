"""A parked tool-permission request, and what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from broker.domain.approvals.answers import AnswerOption, ApprovalStatus
from broker.domain.approvals.machine_word import MachineWord
from broker.domain.approvals.questions import QuestionPrompt
from broker.domain.approvals.requirements import Given, Need, OwnYes
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.rules import Rule
from broker.domain.errors import BadRequest
from broker.domain.ids import AgentId, ApprovalId, SessionId

BUDGET_TOOL = "budget"
"""What a budget asks with, of no agent's: whether more may be spent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One permission request, or question, parked until somebody answers."""

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
    """How carefully to look; None as it is stored for what did not wait for a person, and by earlier versions."""
    risk_reasons: tuple[str, ...] = ()
    suggested_rules: tuple[Rule, ...] | None = None
    """Allow rules for the like, the narrowest first; None as for `risk`."""
    lasting: bool = False
    """Any yes holds for more than this request: its program offers no lesser one."""
    hook_asks: str = ""
    """The hook that wants a person to be asked before the tool runs; '' for none."""
    machine: MachineWord | None = None
    """What the agent's machine makes of a yes, while it waits; None where that passes, or is not known."""
    asked_at_ms: int
    deadline_ms: int
    answered_by: str | None
    note: str | None
    detail: str = ""
    """What the request says besides: text that the agent's program sent with it."""
    options: tuple[AnswerOption, ...] = ()
    """The answers that the agent's program offers; none of earlier versions, and where it takes a mere yes or no."""
    option: str | None = None
    """The id of the one that was chosen."""
    told: str | None = None
    """What the agent's program was told, in words; None while it waits, and of earlier versions."""
    told_at_ms: int | None = None
    """When its machine took the answer over; None as long as it has not."""
    prompts: tuple[QuestionPrompt, ...] = ()
    """Of a question: what is asked. Empty for a permission request."""
    answers: dict[str, list[str]] | None = None
    """Of a question that was answered: by the prompts' ids. Secret ones are not kept."""
    needs: tuple[Need, ...] = ()
    """While it waits: whose yes the workspace's rules of now require, as far as it is missing."""
    assents: tuple[Given, ...] = ()
    """Of those that were required, who has said yes."""
    own_yes: OwnYes | None = None
    """While it waits: what a yes of whoever it is shown to comes to. None where nobody is, and for a question."""

    @property
    def is_question(self) -> bool:
        """Whether it wants words rather than a yes or no."""
        return bool(self.prompts)


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
