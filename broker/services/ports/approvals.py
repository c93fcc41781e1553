"""Parked permission requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from broker.domain.agents.agents import FileLimits
from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.approvals.approvals import Approval, ApprovalPlace, WaitingApprovals
from broker.domain.approvals.decision import Requirement
from broker.domain.approvals.requirements import Need, OwnYes
from broker.domain.approvals.rules import KeptRule, Rule
from broker.domain.ids import AgentId, ApprovalId, MemberId, SessionId, WorkflowRunId, WorkspaceId
from broker.domain.machines.policy import MachinePolicy
from broker.domain.people.access import Maker


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a request of an agent is measured by."""

    rules: list[Rule]
    folder: str | None
    """Where the agent works."""
    writes: FileLimits = ()
    """Which files it may change at most."""
    rules_seen: str = ""
    """Tells these rules from any others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assenting:
    """A yes, and what the rules say of it."""

    rules_seen: str
    """As of the `Standing` that it was measured by."""
    requirements: tuple[Requirement, ...] = ()
    signer: MemberId | None = None
    """Who says it themselves; None for a program and a key."""
    alone: bool = False
    """It is to something else than was asked for: what others said does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where an agent works."""

    folder: str | None = None
    machine: str = ""
    """Its name."""
    policy: MachinePolicy | None = None
    """The machine's, as it told last."""


class Approvals(Protocol):
    """Parked permission requests and the rules that answer them."""

    async def approval(self, workspace: WorkspaceId, approval: ApprovalId) -> Approval:
        """One. Raises `NotFound`."""

    async def approvals(
        self, workspace: WorkspaceId, session: SessionId, *, status: ApprovalStatus | None, limit: int = 100
    ) -> list[Approval]:
        """The newest first."""

    async def waiting(
        self,
        workspace: WorkspaceId,
        *,
        session: SessionId | None,
        limit: int,
        after: ApprovalPlace | None,
        seen: Callable[[SessionId], bool] | None = None,
    ) -> WaitingApprovals:
        """Those nobody has answered, the longest waiting first; of all sessions that are `seen` when `session` is
        None."""

    async def pending(self, workspace: WorkspaceId, agent: AgentId) -> dict[str, dict[str, Any] | None]:
        """What an agent waits for: its native request id → the tool's input."""

    async def answer(
        self,
        workspace: WorkspaceId,
        approval: ApprovalId,
        *,
        status: ApprovalStatus,
        by: str,
        note: str,
        answer: bytes,
        at_deadline: bool = False,
        lasting: Maker | None = None,
        told: str = "",
        option: str | None = None,
        answers: Mapping[str, Sequence[str]] | None = None,
        assenting: Assenting | None = None,
    ) -> None:
        """Resolve one; `lasting` allows the same for as long as the agent lives and that one may allow it.

        `assenting` goes with every yes to a permission request: as long as people are missing, it is kept instead.
        Raises `NotFound`, `NotPermitted` (APPROVAL_REQUIRES), `Conflict` (APPROVAL_ALREADY_ANSWERED, APPROVAL_GONE,
        ALREADY_ASSENTED, REQUIRES_AS_ASKED; RULES_CHANGED: measure it anew).
        """

    async def needs(
        self,
        workspace: WorkspaceId,
        asked: Sequence[tuple[ApprovalId, Sequence[Requirement]]],
        *,
        member: MemberId | None,
    ) -> list[tuple[OwnYes, tuple[Need, ...]]]:
        """Of each, whose yes is missing, as people stand by now, and what one of `member` comes to."""

    async def ask_gate(
        self,
        workspace: WorkspaceId,
        gate: ApprovalId,
        *,
        run: WorkflowRunId,
        session: SessionId,
        name: str,
        body: bytes,
    ) -> None:
        """Ask people for a run of a workflow, once. `name`: who asks; `body`: JSON, as of an agent's request."""

    async def withdraw_gate(self, workspace: WorkspaceId, gate: ApprovalId, *, why: str) -> None:
        """Ask no more; nothing when somebody has answered."""

    async def standing(self, workspace: WorkspaceId, agent: AgentId) -> Standing:
        """What a request of an agent is measured by."""

    async def surroundings(self, workspace: WorkspaceId, agents: Collection[AgentId]) -> dict[AgentId, Surroundings]:
        """Where agents work; those that are forgotten work nowhere."""

    async def find_grant(self, workspace: WorkspaceId, agent: AgentId, likeness: str) -> str | None:
        """Who has allowed such requests for as long as the agent lives, and still may."""

    async def rules(self, workspace: WorkspaceId) -> list[Rule]:
        """The workspace's rules, in order."""

    async def load_rules(self, workspace: WorkspaceId) -> list[KeptRule]:
        """The same, with who made them."""

    async def recent(self, workspace: WorkspaceId, sessions: Sequence[SessionId], *, limit: int) -> list[Approval]:
        """The newest of each of some sessions, answered ones too, up to so many of each."""

    async def find_group(self, workspace: WorkspaceId, name: str) -> str | None:
        """A group's name as it is written, whatever its case here."""

    async def add_rule(self, workspace: WorkspaceId, rule: Rule, *, most: int, by: str) -> None:
        """Put a rule first, unless it is there. Raises `Conflict` (TOO_MANY_RULES), `NotFound` (GROUP_NOT_FOUND)."""

    async def remove_rule(self, workspace: WorkspaceId, rule: Rule) -> bool:
        """Take a rule away; whether it was there."""

    async def move_rule(self, workspace: WorkspaceId, rules: Sequence[Rule], rule: Rule, ahead_of: Rule | None) -> bool:
        """Move one of `rules` ahead of another, or to the end; False when the rules are no longer those."""

    async def set_rules(self, workspace: WorkspaceId, rules: Sequence[Rule], *, by: str) -> None:
        """Replace them. One that was there stays its maker's."""
