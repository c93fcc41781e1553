"""Connected peers: their commands and their reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.approvals.machine_word import MachineWord
from broker.domain.approvals.requirements import Need
from broker.domain.approvals.risk.findings import Assessment
from broker.domain.approvals.rules import Rule
from broker.domain.ids import AgentId, ApprovalId, LinkId, MessageId, SessionId, WorkspaceId
from broker.domain.logs.redaction import Redactor
from broker.domain.machines.load import MachineLoad
from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.proxy import Hello, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A link that was taken over."""

    link: LinkId
    fence: int
    epoch: str
    reports_seen: int
    commands_acked: int
    now_ms: int
    """When that was, on the store's clock."""
    fresh: bool = False
    """Whether the peer is another process than the one that was there before."""
    namesake: bool = False
    """Whether another machine is there that is called the same."""


Decided = tuple[ApprovalStatus, str, bytes]
"""The status, who decided, and the answer for the agent as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedApproval:
    """A permission request with what a rule said, if one did."""

    agent: AgentId
    generation: int
    id: ApprovalId
    event: ApprovalRequested
    deadline_s: int
    decided: Decided | None
    assessment: Assessment | None = None
    """How risky it is; None for what cannot come before a person."""
    suggested_rules: tuple[Rule, ...] | None = None
    """Allow rules for the like; None as for `assessment`."""
    needs: tuple[Need, ...] = ()
    """Whose yes the rules require."""
    machine: MachineWord | None = None
    """What the agent's machine makes of a yes."""
    told: str = ""
    """What the agent is told with what was decided, in words."""
    likeness: str = ""
    """What it shares with later requests for the same, see `domain.tool_use.likeness`."""
    remembered: bool = False
    """What was decided rests on what somebody allowed for as long as the agent lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedFact:
    """One report, ready to be applied."""

    seq: int
    fact: Report | DecidedApproval
    frame_id: str = ""
    """See `NumberedReport.frame_id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A connection that a gateway has."""

    fence: int
    reports: int
    """The last that was acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """What an agent's connection must know of the one before it."""

    turn_id: str | None
    messages: tuple[MessageId, ...]
    """Those its process has and has not answered."""
    frames: tuple[str, ...]
    """The ids of its latest frames."""


class Links(Protocol):
    """The mailboxes of connected peers."""

    async def attach(
        self, workspace: WorkspaceId, link: LinkId, hello: Hello, *, session: SessionId | None, epoch: str
    ) -> Attached:
        """Take a connection over, fencing the one before it."""

    async def detach(self, workspace: WorkspaceId, link: LinkId, *, fence: int) -> None:
        """The connection is gone."""

    async def renew(self, workspace: WorkspaceId, held: Mapping[LinkId, Held]) -> None:
        """A gateway still has these connections. One that was given up, or whose commands or reports the store has
        lost, is told to come again."""

    async def adopt(self, workspace: WorkspaceId) -> None:
        """Give a lease to what is online without one, as earlier versions left it."""

    async def leases(self, workspace: WorkspaceId) -> dict[LinkId, str]:
        """The links that are online; what is said of each changes whenever it is renewed."""

    async def lapse(self, workspace: WorkspaceId, link: LinkId, lease: str) -> bool:
        """Detach a link whose lease is still that; whether it was."""

    async def acknowledge(self, workspace: WorkspaceId, link: LinkId, *, fence: int, seq: int) -> bool:
        """The peer has all commands up to `seq`; False when this connection is fenced."""

    async def note_load(self, workspace: WorkspaceId, link: LinkId, load: MachineLoad, *, fence: int) -> None:
        """How busy the peer's machine is now; not heard from a connection that is fenced."""

    async def commands(self, workspace: WorkspaceId, link: LinkId, *, after: int) -> list[tuple[int, str]]:
        """Commands after a number, each as JSON text. Raises `Unavailable` when there never were so many."""

    async def apply(
        self,
        workspace: WorkspaceId,
        link: LinkId,
        facts: Sequence[NumberedFact],
        *,
        fence: int,
        spool: str,
        redactor: Redactor,
    ) -> None:
        """Apply reports in order, each once, secrets masked. Raises `Fenced`."""

    async def list_unfinished(self, workspace: WorkspaceId, agent: AgentId) -> Unfinished:
        """What the connections before have left; to be asked after `attach` has fenced them."""
