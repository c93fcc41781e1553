"""What an agent is and which states it goes through."""

from __future__ import annotations

import posixpath
import re
import uuid
from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import BadRequest
from broker.domain.ids import AgentId, MemberId, MessageId, ProxyId, SessionId, WorkflowRunId
from broker.domain.names import unlike_an_id

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_RESERVED = frozenset({"all", "everyone", "human", "operator", "relay", "relaycast", "system"})


class Dialect(StrEnum):
    """The wire protocol an agent's process speaks."""

    CLAUDE = "claude"
    CODEX = "codex"
    ACP = "acp"


class AgentState(StrEnum):
    """`starting → idle ⇄ working`, ending in `released` or `failed`; `deaf` and `lost` may come back."""

    STARTING = "starting"
    IDLE = "idle"
    WORKING = "working"
    DEAF = "deaf"
    """Its process is there but shows no reaction to what it was handed."""
    LOST = "lost"
    """Its proxy has been away for longer than the grace period."""
    RELEASING = "releasing"
    """Told to stop; its process is not gone yet."""
    RELEASED = "released"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether the agent is gone for good and its name is free again."""
        return self in {AgentState.RELEASED, AgentState.FAILED}


class Transport(StrEnum):
    """How the agent's frames travel."""

    STDIO = "stdio"
    UNIX_SOCKET = "unix"
    SDK_URL = "sdk-url"
    """The process dials the broker itself (`claude --sdk-url`, up to 2.1.120)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledCli:
    """One agent program found on a machine."""

    cli: str
    """The word people use to ask for it: `claude`, `codex`, `gemini`, or a name from the proxy's configuration."""
    dialect: Dialect
    version: str | None
    supported: bool
    transport: Transport
    problem: str | None = None
    """Why it cannot be used, in words for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """The person or program who asked, or who spawned the agent that asks, or that one's spawner, and so on.

    It is written down for the record. An agent has none of their rights.
    """

    kind: str
    """`person` or `program`."""
    name: str
    member: MemberId | None = None
    admin: bool = False
    """Of one that is no member: whether it administers the workspace. A member's role is looked up when it counts."""


_PARTS = uuid.UUID("0d0f6d52-53a5-4a3c-9a1f-6c1a3c6b7a55")


def derive_agent_id(effect: str) -> AgentId:
    """The id of the agent that is started for an effect of a run."""
    return AgentId(str(uuid.uuid5(_PARTS, effect)))


FileLimits = tuple[tuple[str, ...], ...]
"""Lists of patterns for paths of files that may be changed, each of which has to let a file in; none: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPart:
    """What an agent is in a run of a workflow."""

    run: WorkflowRunId
    step: str
    name: str
    """What the workflow's file calls it."""
    effect: str
    """What it was started for: 32 hexadecimal digits, the same whenever and by whomever it is worked out."""

    @property
    def agent_id(self) -> AgentId:
        """The id of the agent that is started for that."""
        return derive_agent_id(self.effect)

    @property
    def task_id(self) -> MessageId:
        """The id of the message that has its task."""
        return MessageId(str(uuid.uuid5(_PARTS, f"{self.effect}/task")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One participant of a session as the registry knows it."""

    id: AgentId
    session_id: SessionId
    name: str
    cli: str
    state: AgentState
    proxy: ProxyId
    machine: str
    generation: int
    """Counts the agent's processes; a higher one fences the lower."""
    paused: bool = False
    """Whether its session, its machine or the workspace is stopped: no turn of it begins."""
    version: str | None = None
    model: str | None = None
    transport: str | None = None
    cwd: str | None = None
    branch: str | None = None
    """Of the git worktree that was made for it; None for an agent that has none."""
    native_id: str | None = None
    spawner: str | None = None
    spawner_id: AgentId | None = None
    turn_id: str | None = None
    waiting_approvals: int = 0
    reason: str | None = None
    """Why it failed or was released."""
    detail: str | None = None
    """Its own last words, or what a person should know about the reason."""
    spawned_at_ms: int = 0
    since_ms: int = 0
    """When it entered its state."""
    behind: Behind | None = None
    """Who spawned it, or its spawner, and so on: for the record alone. None for agents of earlier versions."""
    readonly: bool = False
    """Whether its own tools change nothing, nor do those of agents that it spawns."""
    writes: FileLimits = ()
    """Which files it may change at most, as may agents that it spawns."""
    part: RunPart | None = None
    """In a run of a workflow; None for an agent that belongs to none."""
    inbox_acked: int = 0
    """All messages up to this inbox number are settled."""
    away_since_ms: int | None = None
    """Since when what carries it is away; None while that is connected, and once the agent has ended."""
    task: str | None = None
    """The first line of the message that was handed to it last."""
    doing: str | None = None
    """The use of a tool that it is in, in words."""
    said: str | None = None
    """The last line it said."""
    seen_ms: int | None = None
    """When its process showed a sign of life, to some seconds; None when it has shown none."""
    tokens: int | None = None
    """That it has spent, as its program reports it; None when that reports none."""
    micro_usd: int | None = None
    """The same in millionths of a dollar."""
    dismissed: bool = False
    """Whether somebody has seen that it failed, and wants to hear no more of it."""

    @property
    def needs_a_look(self) -> bool:
        """Whether it is shown among those that live: it does, or it failed and nobody has dismissed it."""
        return not self.state.ended or (self.state is AgentState.FAILED and not self.dismissed)


def agent_name(text: str) -> str:
    """Return `text` when it is a valid agent name; raise `BadRequest` (INVALID_NAME) otherwise."""
    if not _NAME.fullmatch(text):
        raise BadRequest(
            f"{text[:80]!r} is not an agent name: start with a letter, then letters, digits, '_', '.', '-', 64 at most",
            code="INVALID_NAME",
        )
    if text.lower() in _RESERVED:
        raise BadRequest(f"{text!r} is a reserved word; choose another agent name", code="INVALID_NAME")
    return unlike_an_id(text)


def folder_from(agent: Agent, folder: str | None) -> str | None:
    """The folder that an agent means by `folder`, on its own machine: from its own on; its own when it names none."""
    if agent.cwd is None or (folder or "").startswith("~"):
        return folder
    return posixpath.join(agent.cwd, folder or "").rstrip("/") or "/"
