"""Messages and agents on their way in: what is sent and what is started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from broker.domain.agents.agents import Behind, FileLimits, RunPart
from broker.domain.ids import AgentId, MessageId, ProxyId, SessionId, WorkspaceId
from broker.domain.messages.messages import Address, Channel, Delivery, Mode, Trace
from broker.domain.plans.budgets import Gift
from broker.domain.plans.plans import Plan
from broker.protocol.proxy import AskedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A message ready to be accepted: checked, signed and rendered."""

    id: MessageId
    session: SessionId
    digest: str
    """Of the request, so that a repeated idempotency key with another content is noticed."""
    sender_id: AgentId | None
    sender_name: str
    role: str | None
    """None: lead or peer, depending on the recipient."""
    to: Address
    mode: Mode
    body: bytes
    """The message as JSON, for the log."""
    wire_head: str
    wire_tail: str
    """JSON string text before and after the role, as it goes to the recipient."""
    ttl_s: int
    brief: str
    """Its first line, for lists of what agents do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgent:
    """An agent to be started."""

    id: AgentId
    session: SessionId
    digest: str
    name: str
    cli: str
    proxy: ProxyId
    cwd: str | None
    model: str | None
    instructions: str
    spawner_id: AgentId | None
    spawner_name: str
    task: OutgoingMessage | None
    asked_by: AskedBy | None = None
    """What its machine is told of who asks."""
    behind: Behind | None = None
    worktree: bool = False
    """Whether it works in a git worktree of its own."""
    readonly: bool = False
    """Whether its own tools change nothing."""
    writes: FileLimits = ()
    """Which files it may change at most."""
    part: RunPart | None = None
    """In a run of a workflow."""
    gift: Gift | None = None
    """What the agent that spawns it lets it spend."""


class Mailroom(Protocol):
    """Decisions about agents and their messages; each method is one atomic step."""

    async def send(self, workspace: WorkspaceId, message: OutgoingMessage, *, plan: Plan) -> list[Delivery]:
        """Accept a message. Raises `NotFound`, `PlanLimitReached`, `Conflict`."""

    async def spawn(self, workspace: WorkspaceId, agent: NewAgent, *, plan: Plan) -> None:
        """Take the name and order the process. Raises `NotFound`, `PlanLimitReached`, `Conflict`, `NoPlacement`."""

    async def release(self, workspace: WorkspaceId, agent: AgentId, *, by: str, actor: AgentId | None = None) -> None:
        """Order an agent's end. `actor`, here and below, is the agent who asks, if it is one.

        Raises `NotFound`, `NotPermitted` when the actor did not spawn it, nor an agent that it spawned.
        """

    async def resume(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        agent: AgentId,
        *,
        by: str,
        plan: Plan,
        actor: AgentId | None = None,
        asked_by: AskedBy | None = None,
    ) -> None:
        """Order a new process with the conversation of an agent that has ended; nothing when it has not.

        Raises `NotFound`, `NotPermitted`, `PlanLimitReached`, `Conflict` (NO_CONVERSATION, NAME_TAKEN), `NoPlacement`.
        """

    async def dismiss(self, workspace: WorkspaceId, agent: AgentId, *, by: str, actor: AgentId | None = None) -> None:
        """Take a failed agent from what needs a person. Raises `NotFound`, `NotPermitted`, `Conflict` (AGENT_RUNS)."""

    async def interrupt(self, workspace: WorkspaceId, agent: AgentId, *, by: str, actor: AgentId | None = None) -> bool:
        """Stop the running turn; whether one was running. Raises `NotPermitted`."""

    async def messages_on(self, workspace: WorkspaceId, day: date) -> int:
        """How many messages were accepted on a UTC day, as far as plans are concerned."""

    async def trace(self, workspace: WorkspaceId, message: MessageId, *, seen: Callable[[SessionId], bool]) -> Trace:
        """Every step of a message of a session that is `seen`. Raises `NotFound`."""

    async def session_of(
        self, workspace: WorkspaceId, message: MessageId, *, seen: Callable[[SessionId], bool]
    ) -> SessionId:
        """Where a message was sent, a session that is `seen`. Raises `NotFound`."""

    async def inbox(
        self, workspace: WorkspaceId, agent: AgentId, *, after: int, limit: int
    ) -> list[tuple[int, dict[str, object]]]:
        """An agent's messages by inbox number."""

    async def join_channel(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        *,
        channel: str,
        agent: AgentId,
        by: str,
        actor: AgentId | None = None,
    ) -> None:
        """Make an agent a member. Raises `NotFound`, `NotPermitted`, `Conflict` (TOO_MANY_CHANNELS)."""

    async def leave_channel(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        *,
        channel: str,
        agent: AgentId,
        by: str,
        actor: AgentId | None = None,
    ) -> None:
        """End a membership. Raises `NotPermitted`."""

    async def channels(self, workspace: WorkspaceId, session: SessionId) -> list[Channel]:
        """The channels that living agents are in, by name, each with its members by name."""
