"""What the broker answers, typed. Unknown members are ignored: a newer broker may add some."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from broker.domain.agents.agents import AgentState, InstalledCli
from broker.domain.agents.stops import StopHow, StopScope
from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.approvals.effects import Effect
from broker.domain.ids import AgentId, ApprovalId, MemberId, MessageId, ProxyId, SessionId
from broker.domain.machines.load import ToldLoad
from broker.domain.machines.policy import MachinePolicy
from broker.domain.messages.messages import Mode, Role
from broker.domain.messages.steps import ReceiptState

_ORDER = tuple(ReceiptState)


class Wire(BaseModel):
    """A JSON object of the broker's API."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class StopPlace(Wire):
    """What is stopped."""

    scope: StopScope
    id: str | None = None
    """Of the session or the machine; None for the workspace."""


class Stop(Wire):
    """Who has stopped a session, a machine or the workspace, why, and how far that is."""

    id: str
    place: StopPlace
    name: str = ""
    how: StopHow
    by: str
    note: str = ""
    at_ms: int = 0
    agents: int = 0
    interrupted: int = 0
    finished: bool = True


class Session(Wire):
    """A shared room with a log."""

    id: SessionId
    name: str
    url: str
    created_at_ms: int = 0
    epoch: str = ""
    offset: int = 0
    stopped: Stop | None = None
    """What is over all of it: a stop of its own, or of the workspace."""


class Agent(Wire):
    """A named participant of a session."""

    id: AgentId
    name: str
    cli: str
    state: AgentState
    paused: bool = False
    """Whether its session, its machine or the workspace is stopped: no turn of it begins."""
    proxy: ProxyId | None = None
    machine: str | None = None
    version: str | None = None
    model: str | None = None
    transport: str | None = None
    generation: int = 0
    spawner: str | None = None
    cwd: str | None = None
    branch: str | None = None
    """Of the git worktree that was made for it."""
    turn_id: str | None = None
    waiting_approvals: int = 0
    reason: str | None = None
    spawned_at_ms: int = 0


class Channel(Wire):
    """A room within a session, which is there for as long as it has members."""

    name: str
    members: tuple[str, ...] = ()
    """The names of the agents in it."""


class Delivery(Wire):
    """How far a message got with one recipient."""

    to: str
    agent_id: AgentId | None = None
    state: ReceiptState
    because: str | None = None
    """Why it still waits: `agent_busy`, `agent_starting`, `proxy_away`, `stopped`."""


class Sent(Wire):
    """An accepted message."""

    message_id: MessageId
    deliveries: tuple[Delivery, ...] = ()


class Step(Wire):
    """One step with its time: a `ReceiptState`, or a word of a newer broker."""

    state: str
    at_ms: int


class TracedDelivery(Delivery):
    """One recipient's receipts so far."""

    reason: str | None = None
    turn_id: str | None = None
    answer: str | None = None
    steps: tuple[Step, ...] = ()

    def has_reached(self, state: ReceiptState) -> bool:
        """Whether the message got as far as `state`, or farther; an undeliverable one only reached its end."""
        if ReceiptState.UNDELIVERABLE in {self.state, state}:
            return self.state is state
        return _ORDER.index(self.state) >= _ORDER.index(state)


class Sender(Wire):
    """Who sent a message, as the broker attests it."""

    name: str
    role: Role
    agent: str | None = None

    @property
    def shown(self) -> str:
        """The name, with what it is where it could pass for a person: a program may be called "operator"."""
        return f"{self.name} (program)" if self.role == Role.EXTERNAL and self.agent is None else self.name


class TracedMessage(Wire):
    """The message of a trace."""

    id: MessageId
    sender: Sender = Field(alias="from")
    role: Role | None = None
    to: str
    text: str
    mode: Mode = Mode.WAIT
    at_ms: int


class Trace(Wire):
    """A message and every step it took."""

    message: TracedMessage
    deliveries: tuple[TracedDelivery, ...] = ()

    def settled_at(self, state: ReceiptState) -> bool:
        """Whether each recipient has reached `state` or never will."""
        return all(d.has_reached(state) or d.state is ReceiptState.UNDELIVERABLE for d in self.deliveries)


class Change(Wire):
    """One file of an approval's edit."""

    path: str
    change: str = "update"
    diff: str | None = None


class AnswerOption(Wire):
    """One of the answers that an agent's program offers."""

    id: str
    name: str
    kind: str
    """`allow_once`, `allow_always`, `reject_once`, `reject_always`, or a word that only the program knows."""


class Choice(Wire):
    """One of the answers that a prompt suggests."""

    label: str
    description: str = ""


class QuestionPrompt(Wire):
    """One of the questions that an agent asks together."""

    id: str
    text: str
    header: str = ""
    choices: tuple[Choice, ...] = ()
    multi_select: bool = False
    free_text: bool = True
    """Whether an answer may be any text."""
    secret: bool = False
    """The answer is kept nowhere."""
    required: bool = True
    number: bool = False


class SuggestedRule(Wire):
    """A rule that would answer the like of a request by itself."""

    effect: Effect
    tool: str = "*"
    command: str | None = None
    path: str | None = None


class MachineWord(Wire):
    """What the policy of an agent's machine makes of a yes from afar. The machine decides by itself."""

    yes: str
    """To a plain yes: `passes`, `asks` (somebody has to say yes at the machine's own terminal, too) or `refuses`."""
    lasting: str
    """To one of the program's own answers that last."""
    why: str


class ApprovalNeed(Wire):
    """People whose yes a rule requires and who have not said it."""

    rule: str = ""
    of: str = ""
    """`role`, `group`, or `people` for any."""
    name: str = ""
    """Of the role or the group."""
    missing: int = 1
    words: str = ""
    """As it is told: `1 more person of the group ops`."""


class Approval(Wire):
    """A parked tool-permission request; with `prompts` it is a question, see `Question`."""

    id: ApprovalId
    agent: str
    """The agent's name."""
    agent_id: AgentId | None = None
    tool: str
    title: str = ""
    command: str | None = None
    cwd: str | None = None
    changes: tuple[Change, ...] = ()
    input: dict[str, Any] | None = None
    reason: str | None = None
    status: ApprovalStatus = ApprovalStatus.PENDING
    deadline_ms: int | None = None
    answered_by: str | None = None
    note: str | None = None
    can_allow_session: bool = True
    masked: bool = False
    """Secrets were cut out of it: what runs is not byte for byte what is shown."""
    paths: tuple[str, ...] = ()
    """All files it is about."""
    widens: tuple[str, ...] = ()
    """What it asks for beyond this use of the tool, in words."""
    risk: str | None = None
    """`low`, `medium` or `high`: how carefully to look. None in the events of what does not wait for anybody."""
    risk_reasons: tuple[str, ...] = ()
    suggested_rules: tuple[SuggestedRule, ...] | None = None
    """For `always` of an answer, the narrowest first; none where it is risky, answered, or has secrets masked."""
    machine: MachineWord | None = None
    """None where a yes passes, or it is not known what the machine makes of it."""
    needs: tuple[ApprovalNeed, ...] = ()
    """Whose yes the workspace's rules require; anybody who may answer denies."""
    decided_by: str | None = None
    """The rule that answers it in the same moment, without asking anybody."""
    detail: str = ""
    """What the request says besides."""
    options: tuple[AnswerOption, ...] = ()
    """The answers that the agent's program offers, for `option_id`."""
    option: str | None = None
    """The one that was chosen."""
    told: str | None = None
    """What the agent's program was told, in words."""
    told_at_ms: int | None = None
    """When its machine took the answer over; None as long as it has not."""
    prompts: tuple[QuestionPrompt, ...] = ()
    answers: dict[str, tuple[str, ...]] | None = None
    """Of a question that was answered, by the prompts' ids; secret ones are not kept."""


class Question(Approval):
    """Something that an agent asks in words: `prompts`, with choices or free text."""


class Adoption(Wire):
    """Who is to own a machine as soon as it is linked with a token of theirs."""

    by: MemberId | None = None
    """None: the workspace."""


class Proxy(Wire):
    """A machine that can run agents."""

    id: ProxyId
    name: str
    labels: tuple[str, ...] = ()
    online: bool = False
    clis: tuple[InstalledCli, ...] = ()
    version: str | None = None
    agents: int = 0
    owner: MemberId | None = None
    """The member it belongs to; None: the workspace, or a broker that does not say."""
    owner_name: str | None = None
    orphaned: bool = False
    """Its owner was removed: it is cut off until it is adopted."""
    adoption: Adoption | None = None
    """A change of owners that it has not agreed to yet."""
    load: ToldLoad | None = None
    """How busy it is, as it told last; None: an older relay-connect or broker, which does not say."""
    policy: MachinePolicy | None = None
    """What it lets agents do, as it told."""


class Event(Wire):
    """One fact of a session's log, at its place."""

    epoch: str
    offset: int
    kind: str
    at_ms: int = 0
    agent: AgentId | None = None
    name: str | None = None
    """The agent's name."""
    data: dict[str, Any] = Field(default_factory=dict)

    @property
    def cursor(self) -> str:
        """What to pass as `after` to go on behind this event."""
        return f"{self.epoch}:{self.offset}"


class Reset(Wire):
    """History after the reader's cursor is gone; the log goes on at `offset`."""

    epoch: str
    offset: int


class LinkUp(Wire):
    """The event connection stands; `offset` is the log's head at that moment."""

    epoch: str
    offset: int


class LinkLost(Wire):
    """The event connection broke; it is being built up again."""

    reason: str


def owner_of(proxy: Proxy) -> str:
    """Whose a machine is, in words for a list."""
    if proxy.orphaned:
        return "adopted, not linked again yet" if proxy.adoption else "owner removed: adopt or forget it"
    return proxy.owner_name or ("somebody" if proxy.owner else "workspace")
