"""What the session events of each kind say, typed; kinds of a newer broker read as `UnknownFact`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from broker.domain.agents.agents import AgentState
from broker.domain.agents.stops import StopHow, StopScope
from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.ids import ApprovalId, MessageId
from broker.domain.messages.messages import Mode
from broker.domain.messages.steps import ReceiptState
from broker.protocol.agents.events import ContentEvent, TurnOutcome
from connect.sdk.types import Approval, ApprovalNeed, Event, Question, Sender, Wire

_CONTENT: TypeAdapter[ContentEvent] = TypeAdapter(Annotated[ContentEvent, Field(discriminator="type")])


class ProxyConnected(Wire):
    """A machine came."""

    proxy: str = ""
    machine: str = ""


class ProxyDisconnected(Wire):
    """A machine went away; its agents' messages wait."""

    proxy: str = ""
    machine: str = ""


class AgentSpawning(Wire):
    """An agent was asked for and placed."""

    name: str
    cli: str
    machine: str | None = None
    folder: str | None = None
    """As it was asked for; None for where its machine starts agents."""
    spawner: str | None = None


class AgentStarted(Wire):
    """Its process runs."""

    version: str | None = None
    transport: str | None = None


class AgentReady(Wire):
    """It can take messages."""

    model: str | None = None
    resumed: bool = False
    machine: str | None = None
    folder: str | None = None
    """Where it works, on that machine; both None from an older broker."""


class AgentStateChanged(Wire):
    """It went from one state to another."""

    state: AgentState
    was: AgentState | None = None


class AgentFailed(Wire):
    """It is gone and was not told to go."""

    reason: str = ""
    detail: str = ""


class AgentRestarting(Wire):
    """Its process is being replaced."""

    generation: int = 0
    reason: str = ""


class AgentWentDeaf(Wire):
    """It shows no reaction to what it was handed."""


class AgentReleased(Wire):
    """It was told to go and went."""

    reason: str | None = None


class AgentInterrupted(Wire):
    """Its turn was told to stop."""

    by: str | None = None


class ChannelJoined(Wire):
    """An agent became a member of a channel."""

    channel: str
    by: str | None = None


class ChannelLeft(Wire):
    """An agent is no longer a member."""

    channel: str
    by: str | None = None


class _StopFact(Wire):
    scope: StopScope
    name: str = ""
    """The session's or the machine's; empty for the workspace."""
    by: str
    note: str = ""


class StopOrdered(_StopFact):
    """Nothing begins from here on in the session, on a machine or in the workspace."""

    how: StopHow = StopHow.PAUSE


class StopFinished(_StopFact):
    """Every agent was met."""

    how: StopHow = StopHow.PAUSE
    agents: int = 0
    interrupted: int = 0


class StopLifted(_StopFact):
    """It goes on."""


class FrameSeen(Wire):
    """One native frame of an agent, with what it means."""

    direction: str = ""
    frame_type: str = ""
    transient: bool = False
    events: tuple[dict[str, Any], ...] = ()

    def contents(self) -> list[ContentEvent]:
        """What the agent said or did in it, as far as this version knows the words."""
        return [content for each in self.events if (content := _content(each)) is not None]


class Recipient(Wire):
    """One agent a message goes to, and how far it got at once."""

    name: str
    state: ReceiptState = ReceiptState.QUEUED
    because: str | None = None


class MessageAccepted(Wire):
    """A message was taken; `recipients` are those it goes to."""

    id: MessageId
    sender: Sender = Field(alias="from")
    to: str
    text: str
    mode: Mode = Mode.WAIT
    recipients: tuple[Recipient, ...] = ()


class MessageReceipt(Wire):
    """A message got one step further with one recipient."""

    message: MessageId
    name: str
    """The recipient; on the wire it is the agent the event is about."""
    state: ReceiptState
    because: str | None = None
    reason: str | None = None
    turn: str | None = None


class TurnStarted(Wire):
    """An agent works."""

    turn: str
    message: MessageId | None = None


class TurnEnded(Wire):
    """An agent finished a turn."""

    turn: str
    outcome: TurnOutcome
    messages: tuple[MessageId, ...] = ()
    text: str = ""
    reason: str | None = None


class ApprovalRequested(Wire):
    """An agent waits for permission."""

    approval: Approval


class ApprovalAssented(Wire):
    """One of several people whose yes is required has said it."""

    id: ApprovalId
    by: str = ""
    needs: tuple[ApprovalNeed, ...] = ()
    """Who is still missing."""


class ApprovalResolved(Wire):
    """The request is answered, withdrawn or expired."""

    id: ApprovalId
    status: ApprovalStatus
    by: str | None = None
    note: str | None = None
    told: str | None = None
    """What the agent's program was told, in words."""
    answers: dict[str, tuple[str, ...]] | None = None


class HookStopped(Wire):
    """A hook's run has failed, or nobody knows how it ended."""

    hook: str
    state: str
    reason: str | None = None
    exit_code: int | None = None


class PlanWarned(Wire):
    """A limit of the workspace's plan, or a budget, is near or reached."""

    text: str
    percent: int = 0


class LogOverflowed(Wire):
    """Frames were lost while a machine was cut off."""

    dropped_frames: int = 0


class ReportsLost(Wire):
    """A fail-over made the broker forget what a machine had reported."""

    machine: str | None = None
    lost: int = 0
    """Of them nobody knows any more."""
    sent_again: int = 0


class WorkflowStarted(Wire):
    """A run of a workflow has begun."""

    run: str
    name: str
    workflow: str = ""
    steps: list[str] = Field(default_factory=list)
    by: str = ""


class WorkflowChanged(Wire):
    """Somebody has decided about a run, or its steps have met."""

    run: str
    change: str
    by: str = ""


class WorkflowEnded(Wire):
    """A run has ended, or rests until a person decides."""

    run: str
    state: str
    reason: str = ""


class StepStarted(Wire):
    """An attempt at a step has begun."""

    run: str
    step: str
    attempt: int = 1
    type: str = "agent"
    by: str = ""
    """The agent, as the file calls it."""


class StepEnded(Wire):
    """An attempt at a step is over."""

    run: str
    step: str
    attempt: int = 1
    outcome: str
    reason: str = ""


class StepChanged(Wire):
    """A step has come to another state."""

    run: str
    step: str
    state: str
    reason: str = ""


class UnknownFact(Wire):
    """A kind this version does not know."""

    kind: str


Fact = (
    ProxyConnected
    | ProxyDisconnected
    | AgentSpawning
    | AgentStarted
    | AgentReady
    | AgentStateChanged
    | AgentFailed
    | AgentRestarting
    | AgentWentDeaf
    | AgentReleased
    | AgentInterrupted
    | ChannelJoined
    | ChannelLeft
    | StopOrdered
    | StopFinished
    | StopLifted
    | FrameSeen
    | MessageAccepted
    | MessageReceipt
    | TurnStarted
    | TurnEnded
    | ApprovalRequested
    | ApprovalAssented
    | ApprovalResolved
    | HookStopped
    | WorkflowStarted
    | WorkflowChanged
    | WorkflowEnded
    | StepStarted
    | StepEnded
    | StepChanged
    | PlanWarned
    | LogOverflowed
    | ReportsLost
    | UnknownFact
)

_KINDS: dict[str, type[Fact]] = {
    "proxy.connected": ProxyConnected,
    "proxy.disconnected": ProxyDisconnected,
    "agent.spawning": AgentSpawning,
    "agent.started": AgentStarted,
    "agent.ready": AgentReady,
    "agent.state": AgentStateChanged,
    "agent.failed": AgentFailed,
    "agent.restarting": AgentRestarting,
    "agent.deaf": AgentWentDeaf,
    "agent.released": AgentReleased,
    "agent.interrupted": AgentInterrupted,
    "channel.joined": ChannelJoined,
    "channel.left": ChannelLeft,
    "stop.ordered": StopOrdered,
    "stop.finished": StopFinished,
    "stop.lifted": StopLifted,
    "agent.frame": FrameSeen,
    "message.accepted": MessageAccepted,
    "turn.started": TurnStarted,
    "turn.ended": TurnEnded,
    "approval.assented": ApprovalAssented,
    "approval.resolved": ApprovalResolved,
    "hook.failed": HookStopped,
    "hook.expired": HookStopped,
    "hook.interrupted": HookStopped,
    "workflow.started": WorkflowStarted,
    "workflow.changed": WorkflowChanged,
    "workflow.ended": WorkflowEnded,
    "step.started": StepStarted,
    "step.ended": StepEnded,
    "step.changed": StepChanged,
    "plan.warning": PlanWarned,
    "budget.warning": PlanWarned,
    "budget.spent": PlanWarned,
    "log.overflow": LogOverflowed,
    "link.reports_lost": ReportsLost,
}


def read_fact(event: Event) -> Fact:
    """What `event` says."""
    try:
        if event.kind == "approval.requested":
            kind = Question if event.data.get("prompts") else Approval
            return ApprovalRequested(approval=kind.model_validate(event.data))
        if event.kind == "message.receipt":
            return MessageReceipt.model_validate({"name": event.name or "", **event.data})
        known = _KINDS.get(event.kind)
        return known.model_validate(event.data) if known else UnknownFact(kind=event.kind)
    except ValidationError:
        return UnknownFact(kind=event.kind)


def _content(event: dict[str, Any]) -> ContentEvent | None:
    try:
        return _CONTENT.validate_python(event)
    except ValidationError:
        return None
