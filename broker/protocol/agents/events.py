"""What an agent's frames mean, in one vocabulary for all vendors.

Events of the first group change what the broker knows about the agent (`StateEvent`); those of the second describe
what the agent does and are for readers of the log (`ContentEvent`). Each serialises to a JSON object by its fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from broker.domain.approvals.answers import AnswerOption
from broker.domain.approvals.questions import QuestionPrompt
from broker.domain.ids import MessageId


class TurnOutcome(StrEnum):
    """How a turn ended."""

    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReady:
    """The agent can take prompts."""

    native_id: str
    """The vendor's own conversation id; what a resume needs."""
    resumed: bool = False
    model: str | None = None
    version: str | None = None
    can_steer: bool = False
    type: Literal["ready"] = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptAccepted:
    """The agent's process has confirmed a prompt; `already_seen` when it had it from an earlier delivery."""

    message_id: MessageId
    already_seen: bool = False
    type: Literal["prompt_accepted"] = "prompt_accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRefused:
    """The agent said no to a prompt; it will not run."""

    message_id: MessageId
    reason: str
    type: Literal["prompt_refused"] = "prompt_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted:
    """The agent works. `message_id` is None for a turn nobody prompted."""

    turn_id: str
    message_id: MessageId | None = None
    type: Literal["turn_started"] = "turn_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptJoinedTurn:
    """A steering prompt became part of the running turn."""

    message_id: MessageId
    turn_id: str
    type: Literal["prompt_joined_turn"] = "prompt_joined_turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnded:
    """The turn is over. `message_ids` are all prompts that were part of it, in order."""

    turn_id: str
    outcome: TurnOutcome
    message_ids: tuple[MessageId, ...] = ()
    text: str = ""
    """The agent's closing words."""
    reason: str | None = None
    """Why it failed or was stopped."""
    type: Literal["turn_ended"] = "turn_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file in an edit."""

    path: str
    change: Literal["add", "update", "delete"] = "update"
    diff: str | None = None
    moved_to: str | None = None
    """Where it is moved; None where it stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOpinion:
    """What one hook said about a use of a tool."""

    hook: str
    says: Literal["deny", "ask", "allow"]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested:
    """The agent waits for permission, or for the answer to a question."""

    native_id: str
    """The vendor's request id as JSON text, so that 0 and "0" stay apart."""
    tool: str
    title: str
    command: str | None = None
    cwd: str | None = None
    changes: tuple[FileChange, ...] = ()
    paths: tuple[str, ...] = ()
    """Every file it is about: those it reads, deletes, moves, and moves to, too."""
    widens: tuple[str, ...] = ()
    """What it asks for beyond this use of the tool, in words: a sandbox made wider, a host, another program's input."""
    lasting: bool = False
    """Whether a yes holds for more than this use, as no lesser one is on offer. The agent's machine decides by it."""
    input: dict[str, Any] | None = None
    reason: str | None = None
    can_allow_session: bool = True
    """Whether an answer can hold for as long as the agent lives; the broker decides, vendors are not asked."""
    relay_tool: bool = False
    """One of the broker's own tools (MCP server `relay`); answered without asking anybody."""
    detail: str = ""
    """Text that the request carries besides, for people."""
    options: tuple[AnswerOption, ...] = ()
    """The answers that the agent's program offers; empty where it takes a mere yes or no, or an older codec asks."""
    prompts: tuple[QuestionPrompt, ...] = ()
    """What it asks in words. Not empty: it is a question, and its answer are texts."""
    call_id: str | None = None
    """The vendor's id of the tool's use, where the request says it."""
    hooks: tuple[HookOpinion, ...] = ()
    """What hooks on its machine said before it was put to anybody."""
    type: Literal["approval_requested"] = "approval_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalWithdrawn:
    """The agent no longer waits for this answer."""

    native_id: str
    type: Literal["approval_withdrawn"] = "approval_withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentBroken:
    """The conversation cannot go on (handshake refused, resume impossible); the process should be ended."""

    code: Literal["HANDSHAKE_FAILED", "LOGGED_OUT", "MODEL_REFUSED", "RESUME_FAILED", "PROTOCOL_ERROR"]
    detail: str
    type: Literal["broken"] = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSpoken:
    """A finished piece of the agent's text."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextStreamed:
    """A fragment of text that a later `TextSpoken` repeats whole."""

    delta: str
    type: Literal["text_delta"] = "text_delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThoughtSpoken:
    """Reasoning the vendor chose to show."""

    text: str
    type: Literal["thought"] = "thought"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThoughtStreamed:
    """A fragment of reasoning that a later `ThoughtSpoken` repeats whole."""

    delta: str
    type: Literal["thought_delta"] = "thought_delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """One thing that an agent means to do."""

    text: str
    state: Literal["pending", "in_progress", "completed"] = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSet:
    """The agent's plan as it is now, in place of the one before."""

    steps: tuple[PlanStep, ...]
    type: Literal["plan"] = "plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled:
    """The agent uses a tool."""

    call_id: str
    tool: str
    server: str | None = None
    """The MCP server it belongs to; None for the vendor's own tools."""
    input: dict[str, Any] | None = None
    type: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolReturned:
    """A tool's result."""

    call_id: str
    ok: bool
    output: str = ""
    tool: str = ""
    """As in its call; '' when that was not seen."""
    server: str | None = None
    type: Literal["tool_result"] = "tool_result"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRan:
    """A shell command finished."""

    call_id: str
    command: str
    cwd: str | None = None
    exit_code: int | None = None
    output: str = ""
    tool: str = ""
    """The one that ran it, as in its call."""
    type: Literal["command"] = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesChanged:
    """Files were edited."""

    call_id: str
    changes: tuple[FileChange, ...]
    tool: str = ""
    """The one that made them, as in its call."""
    type: Literal["files"] = "files"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensUsed:
    """Usage as the vendor reports it. `cumulative` figures count from the conversation's start."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cost_usd: float | None = None
    cumulative: bool = False
    type: Literal["usage"] = "usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemNoted:
    """Something went wrong that the agent goes on from, such as a retried model call."""

    detail: str
    will_retry: bool = False
    type: Literal["problem"] = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrecognised:
    """A frame type this version does not know: kept, counted, passed on."""

    frame_type: str
    type: Literal["unrecognised"] = "unrecognised"


StateEvent = (
    AgentReady
    | PromptAccepted
    | PromptRefused
    | TurnStarted
    | PromptJoinedTurn
    | TurnEnded
    | ApprovalRequested
    | ApprovalWithdrawn
    | AgentBroken
)
ContentEvent = (
    TextSpoken
    | TextStreamed
    | ThoughtSpoken
    | ThoughtStreamed
    | PlanSet
    | ToolCalled
    | ToolReturned
    | CommandRan
    | FilesChanged
    | TokensUsed
    | ProblemNoted
    | Unrecognised
)
AgentEvent = StateEvent | ContentEvent
