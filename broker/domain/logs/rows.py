"""One line of the long history: a session event with what people search for pulled out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from broker.domain.ids import AgentId, SessionId, WorkspaceId
from broker.domain.instants import from_ms

_NOBODY = AgentId("")


class LineKind(StrEnum):
    """What a line is about, in the words people search by. An event with several aspects has the first that fits."""

    COMMAND = "command"
    FILES = "files"
    TOOL = "tool"
    """A tool call, or a tool's result."""
    APPROVAL = "approval"
    MESSAGE = "message"
    """A message between participants."""
    RECEIPT = "receipt"
    TURN = "turn"
    TEXT = "text"
    """What an agent said."""
    THOUGHT = "thought"
    USAGE = "usage"
    ERROR = "error"
    AGENT = "agent"
    """Spawned, ready, failed, released, …"""
    SESSION = "session"
    FRAME = "frame"
    """A native frame with nothing else to it."""


class LogRow(NamedTuple):
    """One row of the log table. Its identity is (workspace, session, epoch, offset).

    A tuple, because thousands a second are made, and turned into columns.
    """

    workspace: WorkspaceId
    session: SessionId
    epoch: str
    offset: int
    at_ms: int
    """The event's own time."""
    kind: LineKind
    event: str
    """The event kind as in the session's log: `agent.frame`, `turn.ended`, …"""
    agent: str = ""
    """Name, '' when the event is no agent's."""
    agent_id: AgentId = _NOBODY
    cli: str = ""
    frame_type: str = ""
    tool: str = ""
    command: str = ""
    exit_code: int | None = None
    paths: tuple[str, ...] = ()
    diff: str = ""
    ok: bool = True
    """False for errors, failed commands and tools, denied approvals, undeliverable messages."""
    text: str = ""
    """What full-text search looks at: words said, commands and their output, paths, reasons."""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    cumulative: bool = False
    """Whether tokens and cost count from the conversation's start."""
    body: str = ""
    """The whole event as JSON, redacted."""
    redactions: int = 0
    """How many secrets were masked in it."""

    @property
    def at(self) -> datetime:
        """The event's own time, UTC."""
        return from_ms(self.at_ms)

    @property
    def size(self) -> int:
        """Characters of its texts, which are nearly all of it."""
        return len(self.text) + len(self.body) + len(self.diff) + len(self.command)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceRows:
    """One workspace's part of a batch."""

    workspace: WorkspaceId
    rows: Sequence[LogRow]
    days: int
    """How long they are kept, from each row's own time."""
