"""A parked tool-permission request, the answers it can get, and the rules that answer for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.domain.approvals.machine_word import MachineWord
from broker.domain.approvals.questions import QuestionPrompt
from broker.domain.approvals.requirements import Given, Need, OwnYes
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.rules import Rule
from broker.domain.errors import BadRequest
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
    ANSWERED = "answered"
    """Of a question: the agent has the answers. One that nobody wants to answer is denied."""


BUDGET_TOOL = "budget"
"""What a budget asks with, of no agent's: whether more may be spent."""


class Verdict(StrEnum):
    """What an answer says."""

    ALLOW = "allow"
    DENY = "deny"


class Scope(StrEnum):
    """How long an answer holds."""

    ONCE = "once"
    SESSION = "session"
    """The broker allows the same again, without asking, as long as the agent lives: the same command in the same
    folder, a change of the same files, or the same tool with the same input. Rules that deny or ask go before, and it
    ends with the right of whoever said so to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOption:
    """One of the answers that the agent's program offers."""

    id: str
    """The program's own word for it."""
    name: str
    """What a person reads."""
    kind: str
    """`allow_once`, `allow_always`, `reject_once`, `reject_always` (Agent Client Protocol 1, `PermissionOptionKind`),
    or a word of the program's that this version does not know."""

    @property
    def verdict(self) -> Verdict | None:
        """What it says; None where its kind is not known."""
        return _VERDICTS.get(self.kind)

    @property
    def lasts(self) -> bool:
        """Whether it may hold for more than this request: that is so for all that do not say that they hold once."""
        return self.kind not in {"allow_once", "reject_once"}

    @property
    def shown(self) -> str:
        """Its name and its kind."""
        return f"{self.name} ({self.kind})"


_VERDICTS = {
    "allow_once": Verdict.ALLOW,
    "allow_always": Verdict.ALLOW,
    "reject_once": Verdict.DENY,
    "reject_always": Verdict.DENY,
}


_MERE_WORDS = frozenset(
    {"allow", "allow once", "approve", "approve once", "yes", "proceed"}
    | {"reject", "reject once", "deny", "deny once", "no", "cancel"}
)
"""Qwen Code offers `Allow` beside `Switch to Default Mode and allow once`, both of the kind `allow_once`."""


def plain_option(options: Sequence[AnswerOption], verdict: Verdict) -> AnswerOption | None:
    """The option that a mere yes or no stands for.

    The only one that holds once, or the only one of these that says no more than yes or no; where none holds once, the
    same of those that last, which is told with the request. None where that leaves several, or none is of the wanted
    kind: then a person has to choose.
    """
    wanted = [option for option in options if option.verdict is verdict]
    nearest = [option for option in wanted if not option.lasts] or wanted
    if len(nearest) > 1:
        nearest = [option for option in nearest if option.name.strip().lower() in _MERE_WORDS]
    return nearest[0] if len(nearest) == 1 else None


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
    option_id: str | None = None
    """The one of the offered answers that is given; None: the one that the verdict stands for."""
    answers: dict[str, list[str]] | None = None
    """To a question that is not declined: what was chosen or said, by the prompts' ids."""

    @property
    def lasts(self) -> bool:
        """Whether it is a yes to all that is like it, for as long as the agent lives."""
        return self.verdict is Verdict.ALLOW and self.scope is Scope.SESSION and self.updated_input is None
