"""Downwards: what the broker has a machine do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from broker.domain.approvals.answers import ApprovalAnswer
from broker.domain.hooks.definitions import Hook
from broker.domain.hooks.events import HookEvent
from broker.domain.ids import AgentId, MessageId, SessionId
from broker.domain.workflows.runs.commands import DEFAULT_OUTPUT_BYTES, MAX_OUTPUT_BYTES, CommandKind
from broker.protocol.proxy.members import ID_LENGTH, LATER, Number, Wire


class AskedBy(Wire):
    """Who asked for a spawn, on the broker's word. A machine's policy decides by it; a kind that is not known there
    counts as the weakest."""

    kind: str
    """`person`, `agent` or `program`."""
    name: str = ""
    member: str | None = None
    """The person's membership; None for whoever has none, such as a workspace key."""
    agent: AgentId | None = None
    """Set for an agent."""
    owner: bool = False
    """Whether the asker is the machine's owner, or an admin where it has none; an agent is what began its chain."""
    same_machine: bool = False
    """Whether the asking agent runs on this machine."""
    session: SessionId | None = None
    """Where it was asked."""


class Spawn(Wire):
    """Start the agent's process. A higher `generation` replaces the process of a lower one."""

    type: Literal["spawn"] = "spawn"
    agent: AgentId
    generation: Number
    name: str
    session: SessionId
    session_name: str = ""
    """'' from an older broker."""
    cli: str
    cwd: str | None = None
    """None: the folder relay-connect was started in."""
    instructions: str = ""
    resume: str | None = None
    model: str | None = None
    asked_by: AskedBy | None = None
    """None: an older broker, which does not say."""
    worktree: bool = False
    """Whether it works in a git worktree of its own, made of the repository that `cwd` is in at its first start."""
    readonly: bool = False
    """Whether its own tools may change no file and start no command. Whoever cannot see to that does not start it."""
    asks_writes: bool = False
    """Whether it has to ask for each change of a file, and starts no command. Likewise."""


class Stop(Wire):
    """End the agent's process and everything it started: end of input, then TERM, then KILL."""

    type: Literal["stop"] = "stop"
    agent: AgentId
    generation: Number
    reason: str = "released"


class Deliver(Wire):
    """Hand a message to the agent."""

    type: Literal["deliver"] = "deliver"
    agent: AgentId
    generation: Number
    message_id: MessageId
    text: str
    steer: bool = False
    nudge: str | None = None
    trace: str | None = None
    """Where the message is in a trace, as a W3C traceparent; an agent whose protocol has a place for it is told."""
    not_after_ms: int | None = None
    """Later than this (the broker's Unix time, see `Welcome.now_ms`) the sender has been told that it did not arrive:
    it is not handed over, and that is reported (`prompt_refused`, reason `expired`)."""


class Interrupt(Wire):
    """Stop the running turn."""

    type: Literal["interrupt"] = "interrupt"
    agent: AgentId
    generation: Number


class Probe(Wire):
    """Nothing to do: its acknowledgement is a sign of life, asked for before an agent is taken for deaf."""

    type: Literal["probe"] = "probe"
    agent: AgentId
    generation: Number


class Answer(Wire):
    """Answer a permission request."""

    type: Literal["answer"] = "answer"
    agent: AgentId
    generation: Number
    native_id: str
    answer: ApprovalAnswer


class RunHook(Wire):
    """Run a hook's command on the machine, once, if its owner has allowed exactly this one.

    The machine fills the words in by itself: what was allowed is the definition, and values come separately. Only for a
    link whose `Hello.runs_hooks` is set.
    """

    type: Literal["run_hook"] = "run_hook"
    agent: AgentId
    generation: Number
    run: str = Field(max_length=ID_LENGTH)
    """Its id; a run that comes again is not started again."""
    hook: str = Field(max_length=ID_LENGTH)
    command: str | list[str]
    """As the hook's definition has it, see `domain.hooks.templates`."""
    cwd: str | None = None
    """Inside the agent's folder."""
    env: list[str] = Field(default_factory=list)
    timeout_s: float = Field(default=60, gt=0)
    values: dict[str, str] = Field(default_factory=dict)
    files: list[str] = Field(default_factory=list)
    """Relative to the agent's folder."""
    event: dict[str, Any] = Field(default_factory=dict)
    """What happened, for the hook's standard input."""
    not_after_ms: int | None = None
    """As in `Deliver`."""
    answers: HookEvent | None = None
    """Its output is an answer, about this (`domain.hooks.answers`); None: nobody waits for one."""
    begun_here: bool = Field(default=False, exclude=True)
    """The machine ordered it itself, as an agent waits for it. Never on the wire."""


class Guards(Wire):
    """All hooks of the workspace that agents wait for. The machine asks them by itself, for whichever agent they mean.

    Only for a link whose `Hello.guards` is a number.
    """

    type: Literal["guards"] = "guards"
    version: Number
    """Of the workspace's hooks; a lower one than is known says nothing."""
    hooks: list[Hook] = Field(default_factory=list)


class RunCommand(Wire):
    """Do one thing of a workflow's run on the machine, once, if its owner has allowed exactly this file there.

    It is about no agent. Only for a link whose `Hello.runs_commands` is set. The machine reads `text` itself: values
    reach a shell through its environment alone (`domain.workflows.command_text`), so that what is consented to is the
    same whatever they are.
    """

    type: Literal["run_command"] = "run_command"
    command: str = Field(max_length=ID_LENGTH)
    """Its id; one that comes again is not begun again."""
    run: str = Field(max_length=ID_LENGTH)
    step: str
    attempt: Number
    session: SessionId
    """Whose run it is; a machine's policy may be about that."""
    file: str = Field(max_length=ID_LENGTH)
    """What the workflow is called, for people: consents are found by it."""
    templates: list[str] = Field(default_factory=list)
    """All that the file has run in this folder of this machine, see `domain.workflows.commands`: what the owner
    consents to as a whole. What is ordered has to be one of them. Left out where they are long, and `digest` is known:
    each order of a run would have those of all its steps."""
    digest: str = Field(default="", max_length=ID_LENGTH)
    """SHA-256 of them. Only an older relay-connect goes without (`Hello.takes_digests`)."""
    template: str = ""
    """Which of them this is; '' for a kind that needs no consent."""
    kind: CommandKind
    text: str = ""
    """Shell text as the file has it, placeholders and all; of a check what it looks for."""
    values: dict[str, str] = Field(default_factory=dict, repr=False)
    """By the placeholder's name, such as `branch` and `steps.build.output`."""
    path: str | None = None
    """Of a worktree: where, below the folder."""
    branch: str | None = None
    base: str | None = None
    """What a new branch begins at; None: HEAD."""
    create_branch: bool = True
    cwd: str | None = None
    """None: the folder that relay-connect was started in."""
    timeout_ms: Number | None = None
    output_bytes: Annotated[int, Field(gt=0, le=MAX_OUTPUT_BYTES)] = DEFAULT_OUTPUT_BYTES
    """How much of standard output is kept."""
    asked_by: AskedBy | None = None
    """On whose behalf it runs."""
    not_after_ms: int | None = None
    """As in `Deliver`: later than this it is not begun."""


class StopCommand(Wire):
    """End a command with all it has started, or never begin it. Its end is told like any other's."""

    type: Literal["stop_command"] = "stop_command"
    command: str = Field(max_length=ID_LENGTH)
    reason: str = ""


AgentCommand = Spawn | Stop | Deliver | Interrupt | Answer | Probe
"""About one agent's process."""
Command = AgentCommand | RunHook | Guards | RunCommand | StopCommand


class NumberedCommand(Wire):
    """A command with its place in the proxy's mailbox."""

    type: Literal["command"] = "command"
    seq: Number
    command: Annotated[Command, Field(discriminator="type")]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableCommand:
    """A command that this version does not know, or cannot read. It is taken all the same: it would only come again."""

    seq: int
    agent: AgentId | None
    generation: int
    reason: str


COMMAND: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")], config=LATER)
"""Reads a command from its JSON object, as it lies in a mailbox."""
