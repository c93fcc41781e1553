"""What every vendor's codec offers: one conversation with one agent process, as a state machine without I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from broker.domain.approvals.answers import ApprovalAnswer
from broker.domain.hooks.answers import HookSays
from broker.domain.hooks.events import HookEvent
from broker.domain.ids import MessageId
from broker.protocol.agents.events import AgentEvent, ApprovalRequested


class Direction(StrEnum):
    """Which way a frame goes, seen from the agent's process."""

    FROM_AGENT = "out"
    TO_AGENT = "in"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookQuestion:
    """The agent asks its owner before it goes on, whether or not it would ask for permission."""

    native_id: str
    event: HookEvent
    """`before_tool` or `before_stop`."""
    use: ApprovalRequested | None = None
    """Before a tool: the use as a permission request would tell it."""
    last_message: str = ""
    """Before the end of a turn: its closing words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookReply:
    """What it is told."""

    says: HookSays | None = None
    """None and `allow`: it goes on as if it had not asked, to its own questions for permission."""
    reason: str = ""
    input: dict[str, Any] | None = None
    context: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One native frame with what it means.

    `raw` is exactly one JSON document without a line end. The owner of the session writes every `TO_AGENT` frame to the
    process (each followed by a line end on a byte stream) and records all of them, in the order given.
    """

    direction: Direction
    raw: bytes
    type: str
    """The vendor's own name of it: `assistant`, `turn/completed`, `session/update:tool_call`."""
    transient: bool = False
    """A streaming fragment whose content a later frame or event repeats whole."""
    events: tuple[AgentEvent, ...] = ()
    hands_over: MessageId | None = None
    """The message that the agent has with this frame."""
    consults: HookQuestion | None = None
    """With this frame the agent waits for `settle`."""
    value: dict[str, Any] | None = field(default=None, repr=False, compare=False)
    """What `raw` says, where it was read: every reader takes that, and nobody has to look again. It is shared and never
    changed; whoever gives a frame another `raw` gives it the value of that, or none."""

    def saying(self, raw: bytes, value: dict[str, Any], *, events: tuple[AgentEvent, ...]) -> Frame:
        """It with other words. What is streamed comes by here: `dataclasses.replace` takes three times as long."""
        return Frame(
            direction=self.direction,
            raw=raw,
            type=self.type,
            transient=self.transient,
            events=events,
            hands_over=self.hands_over,
            consults=self.consults,
            value=value,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a conversation begins."""

    cwd: str
    instructions: str
    """Who the agent is in this session and how it uses the relay's tools; put where the vendor keeps system text."""
    mcp_url: str
    mcp_token: str
    resume: str | None = None
    """The native id of the conversation to continue."""
    model: str | None = None
    client_version: str = "0"
    consults: bool = False
    """Whether it is to ask before each tool and before the end of a turn, where its vendor can (`Frame.consults`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A message for the agent."""

    message_id: MessageId
    text: str
    steer: bool = False
    """Join the running turn when there is one; ignored when idle or where the vendor cannot."""
    nudge: str | None = None
    """Set on redelivery after a restart: what to say instead when the agent turns out to have seen `message_id`."""
    trace: str | None = None
    """A W3C traceparent, for agents that take part in traces."""


TWO_AT_ONCE = "two different requests came under one id: both were refused"
END_LOST = "the agent is idle again and has not said how it ended"
"""Why a turn failed whose end was lost."""


class Activity(StrEnum):
    """What the agent is taken to do."""

    IDLE = "idle"
    WORKING = "working"
    """It has a prompt or is in a turn; its model is at work."""
    IN_TOOL = "in_tool"
    """A tool of its own runs, which may take as long as it likes."""
    WAITING = "waiting"
    """For an answer of a person's."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a conversation stands, for who watches over its silence."""

    activity: Activity
    progress: int
    """Grows with all the agent writes but its answers to `probe`."""
    unanswered: bool = False
    """A probe is out."""

    @classmethod
    def of(cls, *, busy: bool, asking: bool, in_tool: bool, progress: int, unanswered: bool = False) -> Standing:
        """`busy`: a turn or a prompt is open; `asking`: so is a request to a person; `in_tool`: a tool of its runs."""
        if not busy:
            activity = Activity.IDLE
        elif asking:
            activity = Activity.WAITING
        else:
            activity = Activity.IN_TOOL if in_tool else Activity.WORKING
        return cls(activity, progress, unanswered)


class AgentSession(Protocol):
    """Bytes in, frames out; orders in, frames out.

    Invariants: a prompt whose message id the agent has already seen is not run again (`PromptAccepted(already_seen)`,
    then the nudge, if any, runs as a turn of that same message). Each `TurnStarted` has exactly one `TurnEnded`.
    Each `ApprovalRequested` ends in an answer or one `ApprovalWithdrawn`. A codec never reads a clock and never logs.

    A vendor may lose the frame that ends a turn, or that begins it. No turn stays open for that: once the agent has
    said that it is idle, in its own words or in the answer to a probe, what is open ends as failed. Where it cannot say
    so the turn stays `WORKING` in `standing`, without progress, and the owner stops it (`connect/machine/silence.py`).
    """

    @property
    def standing(self) -> Standing:
        """How it stands now."""

    def start(self) -> list[Frame]:
        """The first frames to write, once, before anything else."""

    def receive(self, data: bytes) -> list[Frame]:
        """Take bytes from the process. What cannot be read costs itself and is told; nothing ends the session."""

    def prompt(self, prompt: Prompt) -> list[Frame]:
        """Hand over a message. Only after `AgentReady`."""

    def interrupt(self) -> list[Frame]:
        """Stop the running turn, or the one that a handed prompt is about to begin; nothing when idle."""

    def probe(self) -> list[Frame]:
        """Ask an agent that has been silent whether it still works; nothing where its vendor knows no such question."""

    def answer(self, native_id: str, answer: ApprovalAnswer) -> list[Frame]:
        """Answer a pending approval; nothing when it is not pending any more."""

    def settle(self, native_id: str, reply: HookReply) -> list[Frame]:
        """Answer what the agent has asked its owner (`Frame.consults`); nothing when it does not wait any more."""

    def revise(self, native_id: str, given: dict[str, Any]) -> ApprovalRequested | None:
        """Have a tool that waits for permission called with another input: the request as it is then.

        None where the vendor knows no such thing, or does not wait any more.
        """

    def close(self) -> list[Frame]:
        """Last frames before end of input, if the vendor wants any."""
