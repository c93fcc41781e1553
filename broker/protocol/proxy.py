"""The link between `relay-connect` and the broker: JSON objects in WebSocket text messages, version 1.

Downwards (broker → proxy) *commands*, upwards *reports*; both directions are numbered without holes from 1,
acknowledged cumulatively, and sent again from the last acknowledgement after every reconnect. So both sides see
each at least once and, by its number, act on it once.

    proxy  → hello
    broker → welcome            (or a close code from `close_codes`)
    broker → command*           proxy → ack {seq}
    proxy  → reports            broker → ack {seq}
    proxy  → auth.refresh       a refresh token, while the short-lived access token is still good
    broker → auth               a fresh access token and the next refresh token

Command numbers belong to the mailbox `epoch` told in `welcome`; another epoch means that the broker lost its store and
numbers start again. Report numbers belong to the proxy's `spool_id`.

The sides may be of different versions, so neither refuses what it does not know: unknown members are left out, messages
of an unknown type are passed over, a command of an unknown kind is acknowledged and told to people, and in place of a
report that cannot be read stands one that says so, under the same number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from broker.domain.agents.agents import InstalledCli, Transport
from broker.domain.approvals.approvals import ApprovalAnswer
from broker.domain.hooks.runs import RunState
from broker.domain.ids import AgentId, MessageId, ProxyId, SessionId
from broker.domain.machines.policy import MachinePolicy
from broker.domain.workflows.commands import DEFAULT_OUTPUT_BYTES, MAX_OUTPUT_BYTES, CommandKind, CommandState
from broker.protocol.agents.events import StateEvent
from broker.protocol.errors import ProtocolViolation
from broker.protocol.ndjson import dumps, excerpt
from broker.protocol.salvage import Plain, elements, plain_members

PROTOCOL_VERSION = 1
SUBPROTOCOL = "relaycast.proxy.v1"
_ID_LENGTH = 200
_REFRESH_TOKEN = 1000
MAX_LINK_MESSAGE_BYTES = 24 * 1024 * 1024
"""One native frame at its cap, with its events beside it."""


BROKEN_REPORT = "relaycast/broken_report"
"""The frame type of the report that stands in place of one that could not be read."""

_EXCERPT_BYTES = 1024
_WHOLE = 1 << 53
"""Numbers pass through Lua, which counts in doubles."""
Number = Annotated[int, Field(ge=0, lt=_WHOLE)]


class _Wire(BaseModel):
    # Unknown members are ignored: a newer peer of the same major version may add some.
    model_config = ConfigDict(frozen=True, extra="ignore")


# --- downwards: commands -------------------------------------------------------------------------------------------


class AskedBy(_Wire):
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


class Spawn(_Wire):
    """Start the agent's process. A higher `generation` replaces the process of a lower one."""

    type: Literal["spawn"] = "spawn"
    agent: AgentId
    generation: Number
    name: str
    session: SessionId
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


class Stop(_Wire):
    """End the agent's process and everything it started: end of input, then TERM, then KILL."""

    type: Literal["stop"] = "stop"
    agent: AgentId
    generation: Number
    reason: str = "released"


class Deliver(_Wire):
    """Hand a message to the agent."""

    type: Literal["deliver"] = "deliver"
    agent: AgentId
    generation: Number
    message_id: MessageId
    text: str
    steer: bool = False
    nudge: str | None = None
    not_after_ms: int | None = None
    """Later than this (the broker's Unix time, see `Welcome.now_ms`) the sender has been told that it did not arrive:
    it is not handed over, and that is reported (`prompt_refused`, reason `expired`)."""


class Interrupt(_Wire):
    """Stop the running turn."""

    type: Literal["interrupt"] = "interrupt"
    agent: AgentId
    generation: Number


class Probe(_Wire):
    """Nothing to do: its acknowledgement is a sign of life, asked for before an agent is taken for deaf."""

    type: Literal["probe"] = "probe"
    agent: AgentId
    generation: Number


class Answer(_Wire):
    """Answer a permission request."""

    type: Literal["answer"] = "answer"
    agent: AgentId
    generation: Number
    native_id: str
    answer: ApprovalAnswer


class RunHook(_Wire):
    """Run a hook's command on the machine, once, if its owner has allowed exactly this one.

    The machine fills the words in by itself: what was allowed is the definition, and values come separately. Only for a
    link whose `Hello.runs_hooks` is set.
    """

    type: Literal["run_hook"] = "run_hook"
    agent: AgentId
    generation: Number
    run: str = Field(max_length=_ID_LENGTH)
    """Its id; a run that comes again is not started again."""
    hook: str = Field(max_length=_ID_LENGTH)
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


class RunCommand(_Wire):
    """Do one thing of a workflow's run on the machine, once, if its owner has allowed exactly this file there.

    It is about no agent. Only for a link whose `Hello.runs_commands` is set. The machine reads `text` itself: values
    reach a shell through its environment alone (`domain.workflows.command_text`), so that what is consented to is the
    same whatever they are.
    """

    type: Literal["run_command"] = "run_command"
    command: str = Field(max_length=_ID_LENGTH)
    """Its id; one that comes again is not begun again."""
    run: str = Field(max_length=_ID_LENGTH)
    step: str
    attempt: Number
    session: SessionId
    """Whose run it is; a machine's policy may be about that."""
    file: str = Field(max_length=_ID_LENGTH)
    """What the workflow is called, for people: consents are found by it."""
    templates: list[str] = Field(default_factory=list)
    """All that the file has run in this folder of this machine, see `domain.workflows.commands`: what the owner
    consents to as a whole. What is ordered has to be one of them."""
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


class StopCommand(_Wire):
    """End a command with all it has started, or never begin it. Its end is told like any other's."""

    type: Literal["stop_command"] = "stop_command"
    command: str = Field(max_length=_ID_LENGTH)
    reason: str = ""


AgentCommand = Spawn | Stop | Deliver | Interrupt | Answer | Probe
"""About one agent's process."""
Command = AgentCommand | RunHook | RunCommand | StopCommand


class NumberedCommand(_Wire):
    """A command with its place in the proxy's mailbox."""

    type: Literal["command"] = "command"
    seq: Number
    command: Annotated[Command, Field(discriminator="type")]


class Welcome(_Wire):
    """The broker takes the proxy."""

    type: Literal["welcome"] = "welcome"
    protocol: int = PROTOCOL_VERSION
    proxy_id: ProxyId
    epoch: str
    reports_seen: int
    """The last report of this spool the broker has stored; resend from the next."""
    commands_acked: int = 0
    """Commands come from the next number on. A new boot starts behind what its predecessor never took: those commands
    were for processes that are gone."""
    session: SessionId
    session_url: str
    broker_version: str
    now_ms: int | None = None
    """What time it is for the broker (Unix time), on the clock of every instant it names; None from an older one."""
    namesake: bool = False
    """Another machine that is here is called the same. Told to a new process of relay-connect."""


class Auth(_Wire):
    """A fresh access token for the next reconnect; the connection goes on with it."""

    type: Literal["auth"] = "auth"
    token: str = Field(repr=False)
    expires_at_ms: int
    refresh_token: str | None = Field(default=None, repr=False)
    """What renews this one; None from an older broker, which gave tokens out by itself."""


class Ack(_Wire):
    """Everything up to `seq` is taken over."""

    type: Literal["ack"] = "ack"
    seq: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableCommand:
    """A command that this version does not know, or cannot read. It is taken all the same: it would only come again."""

    seq: int
    agent: AgentId | None
    generation: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownMessage:
    """A message of a type that only the other side's version knows; it is for nobody here."""

    type: str


FromBroker = Welcome | NumberedCommand | Auth | Ack

# --- upwards: reports ----------------------------------------------------------------------------------------------


class Started(_Wire):
    """A process is about to be started. The proxy makes the agent's token; only its hash leaves the machine."""

    type: Literal["started"] = "started"
    agent: AgentId
    generation: Number
    version: str | None
    transport: Transport
    token_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    cwd: str
    branch: str | None = None
    """Of its worktree; None for an agent that has none."""


class FrameRecorded(_Wire):
    """One native frame, with its events. Secrets are already cut from `raw`."""

    type: Literal["frame"] = "frame"
    agent: AgentId
    generation: Number
    direction: Literal["in", "out"]
    frame_type: str
    transient: bool = False
    events: list[dict[str, Any]] = Field(default_factory=list)
    raw: Any


class StateChanged(_Wire):
    """A native frame changed the agent's state."""

    type: Literal["state"] = "state"
    agent: AgentId
    generation: Number
    event: Annotated[StateEvent, Field(discriminator="type")]


class Handed(_Wire):
    """A message's bytes were written to the process."""

    type: Literal["handed"] = "handed"
    agent: AgentId
    generation: Number
    message_id: MessageId


class Expired(_Wire):
    """A message was not handed to the process, as its time was up (`not_after_ms`); the agent can take the next one."""

    type: Literal["expired"] = "expired"
    agent: AgentId
    generation: int
    message_id: MessageId


class Exited(_Wire):
    """The process and its children are gone."""

    type: Literal["exited"] = "exited"
    agent: AgentId
    generation: Number
    code: int | None
    """Exit status; negative is the signal that ended it; None when it never started or its end was not seen."""
    expected: bool
    """Whether a `stop` asked for it."""
    reason: str
    """A stable word: `stopped`, `exited`, `CLI_MISSING`, `VERSION_NOT_SUPPORTED`, `HANDSHAKE_FAILED`, …"""
    detail: str = ""
    """The end of its stderr, or what a person should know."""


class HookRan(_Wire):
    """How far a hook's run has come. `agent` is whose happening it was; its process may be gone."""

    type: Literal["hook"] = "hook"
    agent: AgentId
    generation: Number
    run: str = Field(max_length=_ID_LENGTH)
    hook: str = Field(max_length=_ID_LENGTH)
    state: RunState
    """Not `ordered`."""
    reason: str = ""
    """Why it failed, was refused, skipped or expired; with the command that a person can type where one helps."""
    argv: list[str] = Field(default_factory=list)
    """What was, or would have been, started; of several calls the one it is about."""
    exit_code: int | None = None
    """Negative: the signal that ended it."""
    output: str = ""
    """Beginning and end of what it wrote; secrets are cut."""
    duration_ms: Number = 0


class CommandOutput(_Wire):
    """What a running command has written last. Told now and then, and not at all where the spool is full."""

    type: Literal["command_output"] = "command_output"
    command: str = Field(max_length=_ID_LENGTH)
    tail: str
    """Whole lines from the end of what it has written, standard error among it; secrets are cut."""
    bytes: Number
    """How much it has written so far."""


class CommandRan(_Wire):
    """How far a command of a workflow has come; see `domain.workflows.commands.CommandEnd` for what a member means."""

    type: Literal["command"] = "command"
    command: str = Field(max_length=_ID_LENGTH)
    state: CommandState
    """Not `ordered`."""
    reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    output: str = ""
    errors: str = ""
    output_bytes: Number = 0
    duration_ms: Number = 0
    folder: str = ""


class SpoolOverflowed(_Wire):
    """Frames were dropped while the broker was away and the spool was full; never state reports."""

    type: Literal["overflow"] = "overflow"
    dropped_frames: Number


MachineReport = CommandOutput | CommandRan | SpoolOverflowed
"""About no agent."""
Report = Started | FrameRecorded | StateChanged | Handed | Expired | Exited | HookRan | MachineReport


class NumberedReport(_Wire):
    """A report with its place in the proxy's spool."""

    seq: Number
    report: Annotated[Report, Field(discriminator="type")]
    frame_id: str = Field(default="", exclude=True)
    """The frame's own id where the agent itself sends frames again after a reconnect; each is logged once. Set inside
    the broker for agents that dial in themselves, never on the wire."""


class Reports(_Wire):
    """Some reports, in order."""

    type: Literal["reports"] = "reports"
    reports: list[NumberedReport]


class LiveAgent(_Wire):
    """A process the proxy has running."""

    agent: AgentId
    generation: Number


class Hello(_Wire):
    """The proxy introduces itself."""

    type: Literal["hello"] = "hello"
    protocol: int = PROTOCOL_VERSION
    version: str
    machine_id: str = Field(max_length=_ID_LENGTH)
    """Made once for each state folder; the proxy's identity across restarts."""
    name: str
    """The machine's name as people say it; what `placement` matches."""
    labels: list[str] = Field(default_factory=list)
    clis: list[InstalledCli] = Field(default_factory=list)
    boot_id: str = Field(max_length=_ID_LENGTH)
    """New for each process of relay-connect: another one means that the agents of the old are gone.

    In the form `<line>.<number>` the processes of one line held one lock one after the other, so one with a lower
    number is dead; a copy of the state folder begins a line of its own. Other forms say nothing about each other."""
    spool_id: str = Field(max_length=_ID_LENGTH)
    epoch: str | None = None
    """The mailbox epoch its `commands_seen` belongs to; None when it never had one."""
    commands_seen: Number = 0
    agents: list[LiveAgent] = Field(default_factory=list)
    session: str | None = None
    """The session to join, by id or name; None for the workspace's default."""
    cuts_fragments: bool = False
    """No secret is split over two of the streamed fragments it reports (`fragments`); an older one passes them on as
    the agent sent them."""
    policy: MachinePolicy | None = None
    """What it lets agents do; None from an older relay-connect, which lets them do everything."""
    runs_hooks: bool = False
    """It takes `run_hook`; an older one does not know the command."""
    runs_commands: bool = False
    """It takes `run_command` and `stop_command`."""
    makes_worktrees: bool = False
    """Whether it reads `Spawn.worktree`: an older one would let the agent work in the folder itself."""


class AuthRefresh(_Wire):
    """The proxy's short-lived access token is to be renewed. Answered by `Auth`, or by the end of the connection."""

    type: Literal["auth.refresh"] = "auth.refresh"
    refresh_token: str = Field(max_length=_REFRESH_TOKEN, repr=False)


FromProxy = Hello | Reports | Ack | AuthRefresh

_FROM_PROXY: TypeAdapter[FromProxy] = TypeAdapter(Annotated[FromProxy, Field(discriminator="type")])
_FROM_BROKER: TypeAdapter[FromBroker] = TypeAdapter(Annotated[FromBroker, Field(discriminator="type")])
COMMAND: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])
"""Reads a command from its JSON object, as it lies in a mailbox."""


_NUMBERED_REPORT: TypeAdapter[NumberedReport] = TypeAdapter(NumberedReport)
_KNOWN_FROM_PROXY = frozenset({"hello", "reports", "ack", "auth.refresh"})
_KNOWN_FROM_BROKER = frozenset({"welcome", "command", "auth", "ack"})
_INNER = {name: re.compile(rb'"%b"\s*:\s*(?=\{)' % name) for name in (b"report", b"command")}


def read_from_proxy(text: str | bytes) -> FromProxy | UnknownMessage:
    """Parse one message from a proxy; raise `ProtocolViolation` when it is not one.

    Each of the reports that cannot be read is replaced, as by `readable`.
    """
    try:
        return _FROM_PROXY.validate_json(text)
    except ValidationError as error:
        encoded = _encoded(text)
        kind = plain_members(encoded).get("type")
        if kind == "reports":
            return Reports(reports=[_read_report(each) for each in _elements(encoded, error)])
        return _unknown(kind, error, known=_KNOWN_FROM_PROXY)


def read_from_broker(text: str | bytes) -> FromBroker | UnreadableCommand | UnknownMessage:
    """Parse one message from the broker; raise `ProtocolViolation` when it is not one."""
    try:
        return _FROM_BROKER.validate_json(text)
    except ValidationError as error:
        encoded = _encoded(text)
        members = plain_members(encoded)
        if members.get("type") == "command" and (seq := _number(members.get("seq"))) is not None:
            agent, generation = _about(encoded, b"command")
            return UnreadableCommand(seq=seq, agent=agent, generation=generation, reason=_words(error))
        return _unknown(members.get("type"), error, known=_KNOWN_FROM_BROKER)


def readable(encoded: bytes) -> bytes:
    """A numbered report as it is, or what stands in its place when no broker would take it.

    Raises `ProtocolViolation` when it does not even have a number.
    """
    try:
        _NUMBERED_REPORT.validate_json(encoded)
    except ValidationError as error:
        return _in_place_of(encoded, _words(error)).model_dump_json().encode()
    return encoded


def in_place_of(encoded: bytes, reason: str) -> bytes:
    """The numbered report that says why this one was dropped. Raises `ProtocolViolation` when it has no number."""
    return _in_place_of(encoded, reason).model_dump_json().encode()


def placeholder(seq: int) -> bytes:
    """A numbered report that says that one was lost."""
    return _lost(seq).model_dump_json().encode()


def write(message: FromProxy | FromBroker | Command) -> str:
    """One message as the text that goes into a WebSocket message."""
    return message.model_dump_json()


def write_frame_report(seq: int, report: FrameRecorded, *, raw: bytes) -> bytes:
    """A numbered frame report with `raw` put in as it is, without parsing it again."""
    body = report.model_dump(exclude={"raw"})
    return dumps({"seq": seq, "report": {**body, "raw": orjson.Fragment(raw)}})


def write_reports(encoded: list[bytes]) -> bytes:
    """A `reports` message from already encoded numbered reports."""
    return b'{"type":"reports","reports":[' + b",".join(encoded) + b"]}"


def _read_report(encoded: bytes) -> NumberedReport:
    try:
        return _NUMBERED_REPORT.validate_json(encoded)
    except ValidationError as error:
        return _in_place_of(encoded, _words(error))


def _lost(seq: int) -> NumberedReport:
    return NumberedReport(seq=seq, report=SpoolOverflowed(dropped_frames=1))


def _in_place_of(encoded: bytes, reason: str) -> NumberedReport:
    """What can be said of a report that cannot be read: to the agent's readers, else that something is missing."""
    seq = _number(plain_members(encoded).get("seq"))
    if seq is None:
        raise ProtocolViolation("a report without a number", offset=0) from None
    agent, generation = _about(encoded, b"report")
    if agent is None:
        return _lost(seq)
    detail = f"a report of {len(encoded)} bytes could not be read and was dropped: {reason}"
    begins = excerpt(encoded[:_EXCERPT_BYTES].decode("utf-8", "replace"))
    return NumberedReport(
        seq=seq,
        report=FrameRecorded(
            agent=agent,
            generation=generation,
            direction="out",
            frame_type=BROKEN_REPORT,
            events=[{"type": "problem", "detail": detail, "will_retry": False}],
            raw={"type": BROKEN_REPORT, "bytes": len(encoded), "begins": begins},
        ),
    )


def _about(encoded: bytes, member: bytes) -> tuple[AgentId | None, int]:
    """The agent and the generation that an inner object tells."""
    inner = _INNER[member].search(encoded)
    members = plain_members(encoded[inner.end() :]) if inner else {}
    agent, generation = members.get("agent"), _number(members.get("generation"))
    known = isinstance(agent, str) and generation is not None
    return (AgentId(str(agent)) if known else None), generation or 0


def _number(value: Plain) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _WHOLE
    return int(value) if whole and value is not None else None


def _elements(encoded: bytes, error: ValidationError) -> list[bytes]:
    found = elements(encoded, member=b"reports")
    if found is None:
        raise ProtocolViolation(_words(error), offset=0) from None
    return found


def _unknown(kind: Plain, error: ValidationError, *, known: frozenset[str]) -> UnknownMessage:
    if isinstance(kind, str) and kind not in known:
        return UnknownMessage(type=kind)
    raise ProtocolViolation(_words(error), offset=0) from None


def _encoded(text: str | bytes) -> bytes:
    return text.encode("utf-8", "replace") if isinstance(text, str) else text


def _words(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return excerpt(f"{where}: {first['msg']}" if where else first["msg"])
