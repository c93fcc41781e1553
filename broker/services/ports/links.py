"""Connected peers: their commands and their reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from broker.domain.approvals import ApprovalStatus
from broker.domain.ids import AgentId, ApprovalId, LinkId, MessageId, SessionId, WorkspaceId
from broker.domain.redaction import Redactor
from broker.protocol.agent_events import ApprovalRequested
from broker.protocol.proxy import Hello, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A link that was taken over."""

    link: LinkId
    fence: int
    epoch: str
    reports_seen: int
    commands_acked: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedFact:
    """One report, ready to be applied."""

    seq: int
    fact: Report | DecidedApproval
    frame_id: str = ""
    """See `NumberedReport.frame_id`."""


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
        self, workspace: WorkspaceId, link: LinkId, hello: Hello, *, gateway: str, session: SessionId | None, epoch: str
    ) -> Attached:
        """Take a connection over, fencing the one before it."""

    async def detach(self, workspace: WorkspaceId, link: LinkId, *, fence: int, gateway: str) -> None:
        """The connection is gone."""

    async def acknowledge(self, workspace: WorkspaceId, link: LinkId, *, fence: int, seq: int) -> bool:
        """The peer has all commands up to `seq`; False when this connection is fenced."""

    async def commands(self, workspace: WorkspaceId, link: LinkId, *, after: int) -> list[tuple[int, str]]:
        """Commands after a number, each as JSON text."""

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

    async def unfinished(self, workspace: WorkspaceId, agent: AgentId) -> Unfinished:
        """What the connections before have left; to be asked after `attach` has fenced them."""

    async def beat(self, gateway: str) -> bool:
        """This gateway lives. False when it was not known: it is new, or its links were taken over meanwhile."""

    async def reap(self, *, older_than_ms: int) -> int:
        """Detach what gateways held that no longer beat; how many links that were."""
