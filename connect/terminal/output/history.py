"""The session's events as lines to read back: `logs`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from broker.domain.messages.steps import ReceiptState
from broker.protocol.agents.events import (
    CommandRan,
    ContentEvent,
    FilesChanged,
    ProblemNoted,
    TextSpoken,
    ToolCalled,
    ToolReturned,
    TurnOutcome,
)
from connect.sdk.facts import (
    AgentFailed,
    AgentInterrupted,
    AgentReady,
    AgentReleased,
    AgentRestarting,
    AgentSpawning,
    AgentWentDeaf,
    ApprovalAssented,
    ApprovalRequested,
    ApprovalResolved,
    ChannelJoined,
    ChannelLeft,
    Fact,
    FrameSeen,
    LogOverflowed,
    MessageAccepted,
    MessageReceipt,
    PlanWarned,
    ProxyConnected,
    ProxyDisconnected,
    ReportsLost,
    StepChanged,
    StepStarted,
    StopLifted,
    StopOrdered,
    TurnEnded,
    TurnStarted,
    UnknownFact,
    WorkflowChanged,
    WorkflowEnded,
    WorkflowStarted,
    read_fact,
)
from connect.sdk.types import Event
from connect.terminal.output.tables import clock
from connect.terminal.session.asked import join_needs
from connect.terminal.session.runs import run_line
from connect.terminal.text.deeds import command_words, file_words, tool_words
from connect.terminal.text.layout import Line, one_line
from connect.terminal.text.words import describe_move

_LIMIT = 400
_NAME_CELLS = 12


class History:
    """Reads events in their order; what an agent said is not repeated by the end of its turn."""

    def __init__(self) -> None:
        self._spoken: dict[str, set[str]] = {}

    def lines(self, events: Iterable[Event]) -> list[Line]:
        """One line for each fact worth reading."""
        return [line for event in events for line in self._of(event)]

    def _of(self, event: Event) -> list[Line]:
        fact = read_fact(event)
        said = self._spoken.setdefault(event.name or "", set())
        return [_line(event, fact, what) for what in _tell(fact, said, name=event.name or "", number=event.offset)]


def log_lines(events: Iterable[Event]) -> list[Line]:
    """The lines of events that stand by themselves."""
    return History().lines(events)


def concerns(event: Event, name: str) -> bool:
    """Whether the event is about the agent called `name`, or a message to or from it."""
    if event.kind != "message.accepted":
        return event.name == name
    match read_fact(event):
        case MessageAccepted() as message:
            to = {message.to.removeprefix("@"), *(each.name for each in message.recipients)}
            return name in {message.sender.name, *to}
        case _:
            return False


def _line(event: Event, fact: Fact, what: str) -> Line:
    who = fact.sender.shown if isinstance(fact, MessageAccepted) else event.name or "-"
    head = f"{clock(event.at_ms)} {one_line(who, limit=20):<{_NAME_CELLS}} "
    return (("class:dim", head), ("", one_line(what, limit=_LIMIT)))


def _tell(fact: Fact, said: set[str], *, name: str, number: int) -> Iterator[str]:
    match fact:
        case FrameSeen() if not fact.transient:
            for content in fact.contents():
                yield from _content(content, said)
        case MessageAccepted():
            yield f"→ {fact.to}: {fact.text}  #{number}"
        case MessageReceipt(state=ReceiptState.UNDELIVERABLE):
            yield f"was not given a message: {fact.reason or 'no reason was given'}"
        case TurnStarted():
            said.clear()
        case TurnEnded():
            if fact.text.strip() and fact.text.strip() not in said:
                yield fact.text
            if fact.outcome is not TurnOutcome.COMPLETED:
                yield f"turn {fact.outcome}" + (f": {fact.reason}" if fact.reason else "")
        case ApprovalRequested(approval=approval):
            asked = f"asks: {approval.tool} {approval.command or approval.title}"
            yield asked + (f" (decided by {approval.decided_by})" if approval.decided_by else "")
        case ApprovalAssented():
            yield f"yes by {fact.by}; it needs {join_needs(fact.needs)}"
        case ApprovalResolved():
            yield f"{fact.status}" + (f" by {fact.by}" if fact.by else "") + (f": {fact.note}" if fact.note else "")
        case _:
            yield from _describe_fact(fact, name)


def _describe_fact(fact: Fact, name: str) -> Iterator[str]:
    match fact:
        case ChannelJoined() | ChannelLeft():
            yield describe_move(fact, name)
        case AgentSpawning():
            yield f"is being spawned ({fact.cli})" + (f" on {fact.machine}" if fact.machine else "")
        case AgentReady():
            yield "is back, with its conversation" if fact.resumed else "is ready"
        case AgentFailed():
            yield f"failed: {fact.reason} {fact.detail}"
        case AgentReleased():
            yield "was released"
        case AgentRestarting():
            yield f"is being restarted: {fact.reason}"
        case AgentInterrupted():
            yield f"was interrupted by {fact.by or 'the relay'}"
        case AgentWentDeaf():
            yield "does not react to its messages"
        case ProxyConnected():
            yield f"machine {fact.machine} connected"
        case ProxyDisconnected():
            yield f"machine {fact.machine} is away"
        case WorkflowStarted() | WorkflowChanged() | WorkflowEnded() | StepStarted() | StepChanged():
            line = run_line(fact)
            yield "".join(text for _, text in line or ()).lstrip("✓!· ")
        case StopOrdered() | StopLifted():
            yield f"{'stopped' if isinstance(fact, StopOrdered) else 'resumed'} by {fact.by}"
        case UnknownFact(kind="session.created"):
            yield "the session was created"
        case PlanWarned():
            yield fact.text
        case LogOverflowed():
            yield f"{fact.dropped_frames} log frames were lost"
        case ReportsLost():
            yield f"{fact.lost} reports of {fact.machine} were lost in a fail-over, {fact.sent_again} came again"
        case _:
            pass


def _content(content: ContentEvent, said: set[str]) -> Iterator[str]:
    match content:
        case TextSpoken() if content.text.strip():
            said.add(content.text.strip())
            yield content.text
        case ToolCalled():
            yield f"uses {tool_words(content)}"
        case ToolReturned() if content.output or not content.ok:
            yield f"{'got' if content.ok else 'tool failed'}: {content.output}"
        case CommandRan():
            yield command_words(content)
        case FilesChanged():
            yield ", ".join(file_words(content))
        case ProblemNoted():
            yield f"problem: {content.detail}"
        case _:
            pass
