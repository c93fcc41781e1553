"""Upwards: what a machine tells of its agents and of itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from broker.domain.agents.agents import Transport
from broker.domain.hooks.answers import HookAnswer
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.runs import RunState
from broker.domain.ids import AgentId, MessageId
from broker.domain.workflows.runs.commands import CommandState
from broker.protocol.agents.events import StateEvent
from broker.protocol.proxy.members import ID_LENGTH, Number, Wire


class Started(Wire):
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


class FrameRecorded(Wire):
    """One native frame, with its events. Secrets are already cut from `raw`."""

    type: Literal["frame"] = "frame"
    agent: AgentId
    generation: Number
    direction: Literal["in", "out"]
    frame_type: str
    transient: bool = False
    events: list[dict[str, Any]] = Field(default_factory=list)
    raw: Any


class StateChanged(Wire):
    """A native frame changed the agent's state."""

    type: Literal["state"] = "state"
    agent: AgentId
    generation: Number
    event: Annotated[StateEvent, Field(discriminator="type")]


class Handed(Wire):
    """A message's bytes were written to the process."""

    type: Literal["handed"] = "handed"
    agent: AgentId
    generation: Number
    message_id: MessageId


class Expired(Wire):
    """A message was not handed to the process, as its time was up (`not_after_ms`); the agent can take the next one."""

    type: Literal["expired"] = "expired"
    agent: AgentId
    generation: int
    message_id: MessageId


class Exited(Wire):
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


class HookRan(Wire):
    """How far a hook's run has come. `agent` is whose happening it was; its process may be gone."""

    type: Literal["hook"] = "hook"
    agent: AgentId
    generation: Number
    run: str = Field(max_length=ID_LENGTH)
    hook: str = Field(max_length=ID_LENGTH)
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
    on: HookEvent | None = None
    """Of a run that the machine began by itself: what waited for it. None: the broker ordered it."""
    answer: HookAnswer | None = None
    """What it said, where that was asked for."""


class CommandOutput(Wire):
    """What a running command has written last. Told now and then, and not at all where the spool is full."""

    type: Literal["command_output"] = "command_output"
    command: str = Field(max_length=ID_LENGTH)
    tail: str
    """Whole lines from the end of what it has written, standard error among it; secrets are cut."""
    bytes: Number
    """How much it has written so far."""


class CommandRan(Wire):
    """How far a command of a workflow has come; see `domain.workflows.commands.CommandEnd` for what a member means."""

    type: Literal["command"] = "command"
    command: str = Field(max_length=ID_LENGTH)
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


class SpoolOverflowed(Wire):
    """Frames were dropped while the broker was away and the spool was full; never state reports."""

    type: Literal["overflow"] = "overflow"
    dropped_frames: Number


class ReportsLost(Wire):
    """The broker has lost reports that it had acknowledged, in a fail-over say; those that the machine still had came
    before this one."""

    type: Literal["reports_lost"] = "reports_lost"
    lost: Number
    """How many nobody has any more."""
    sent_again: Number
    states: bool = False
    """Whether states of agents are among the lost ones, so that what these do cannot be known."""


MachineReport = CommandOutput | CommandRan | ReportsLost | SpoolOverflowed
"""About no agent."""
Report = Started | FrameRecorded | StateChanged | Handed | Expired | Exited | HookRan | MachineReport


class NumberedReport(Wire):
    """A report with its place in the proxy's spool."""

    seq: Number
    report: Annotated[Report, Field(discriminator="type")]
    frame_id: str = Field(default="", exclude=True)
    """The frame's own id where the agent itself sends frames again after a reconnect; each is logged once. Set inside
    the broker for agents that dial in themselves, never on the wire."""


MOST_REPORTS = 50_000
"""In one message: a machine puts a megabyte of them into it, and reading a quarter of a million stops the reader."""


class Reports(Wire):
    """Some reports, in order."""

    type: Literal["reports"] = "reports"
    reports: list[NumberedReport] = Field(max_length=MOST_REPORTS)
