"""The events of a session's log: one type for each kind of fact, all with the same envelope."""

from __future__ import annotations

from typing import Annotated

import strawberry

from broker.domain.logs.events import Cursor
from graphql_api.types.enums import ApprovalStatus, Mode, ReceiptState, Role, StopScope
from graphql_api.types.log import reading
from graphql_api.types.log.contents import Content, content_type
from graphql_api.types.log.reading import Json, Read, as_list
from graphql_api.types.log.told import FromLog, tell
from graphql_api.types.scalars import JSON, DateTime


def _data(source: Json) -> Json:
    found = source.get("data")
    return found if isinstance(found, dict) else {}


def _in_data(read: Read) -> Read:
    return lambda source: read(_data(source))


@strawberry.type(description="Who sent a message, as the broker attests it.")
class MessageSender(FromLog):
    """Who sent a message."""

    name: str = tell("The agent's name, or that of the token it was sent with.", reading.text("name"))
    role: Role = tell("What the sender is to the recipient.", reading.word(Role, "role", otherwise=Role.PEER))
    agent_key: strawberry.ID | None = tell("The agent; null when it was none.", reading.text_or_none("agent"))


@strawberry.type(description="A recipient of a message, as it stood when the message was accepted.")
class Recipient(FromLog):
    """A recipient of a message."""

    name: str = tell("The agent's name.", reading.text("name"))
    agent_key: strawberry.ID = tell("The agent.", reading.text("agent"))
    state: ReceiptState = tell(
        "How far the message was.", reading.word(ReceiptState, "state", otherwise=ReceiptState.QUEUED)
    )
    because: str | None = tell("Why it has to wait.", reading.text_or_none("because"))


@strawberry.interface(description="A numbered fact in a session's log.")
class Event(FromLog):
    """A numbered fact in a session's log."""

    cursor: Cursor = tell(
        "Its position; reading resumes after it.", lambda source: f"{source['epoch']}:{source['offset']}"
    )
    offset: int = tell("Its number within the log.", lambda source: source["offset"])
    at: DateTime = tell("When it was written.", lambda source: source["at_ms"])
    kind: str = tell("What happened, such as `turn.ended`.", lambda source: source["kind"])
    agent_key: strawberry.ID | None = tell("The agent it is about.", reading.text_or_none("agent"))
    agent_name: str | None = tell("That agent's name.", reading.text_or_none("name"))
    data: JSON = tell("All that is known about it.", _data)


@strawberry.type(description="A message was accepted.")
class MessageEvent(Event):
    """A message was accepted."""

    message_key: strawberry.ID = tell("The message.", _in_data(reading.text("id")))
    sender: MessageSender = tell("Who sent it.", _in_data(reading.an_object("from")), of=lambda _: MessageSender)
    to: str = tell("A name, `#channel` or `*`.", _in_data(reading.text("to")))
    text: str = tell("What it says.", _in_data(reading.text("text")))
    mode: Mode = tell("When it enters the conversation.", _in_data(reading.word(Mode, "mode", otherwise=Mode.WAIT)))
    thread: strawberry.ID | None = tell("The message it answers.", _in_data(reading.text_or_none("thread")))
    recipients: list[Recipient] = tell(
        "The agents it went to.", _in_data(reading.objects("recipients")), of=lambda _: Recipient
    )


@strawberry.type(description="A message made a step on its way to one recipient, who is the agent of the event.")
class ReceiptEvent(Event):
    """A message made a step."""

    message_key: strawberry.ID = tell("The message.", _in_data(reading.text("message")))
    state: str = tell("The step.", _in_data(reading.text("state")))
    because: str | None = tell("Why it has to wait.", _in_data(reading.text_or_none("because")))
    reason: str | None = tell("Why it cannot be delivered.", _in_data(reading.text_or_none("reason")))
    turn: str | None = tell("The turn it is part of.", _in_data(reading.text_or_none("turn")))
    outcome: str | None = tell("How that turn ended.", _in_data(reading.text_or_none("outcome")))


def _messages(source: Json) -> list[str]:
    data = _data(source)
    return [each for each in [data.get("message"), *as_list(data.get("messages"))] if isinstance(each, str)]


@strawberry.type(description="An agent began or ended a turn.")
class TurnEvent(Event):
    """An agent began or ended a turn."""

    turn: str = tell("The turn's id.", _in_data(reading.text("turn")))
    started: bool = tell("Whether it began; else it ended.", lambda source: source["kind"] == "turn.started")
    message_keys: list[strawberry.ID] = tell("The messages that are part of it.", _messages)
    outcome: str | None = tell("How it ended.", _in_data(reading.text_or_none("outcome")))
    text: str | None = tell("The agent's closing words.", _in_data(reading.text_or_none("text")))
    reason: str | None = tell("Why it failed or was stopped.", _in_data(reading.text_or_none("reason")))


@strawberry.type(description="An agent's life: spawned, ready, another state, ended.")
class AgentEvent(Event):
    """An agent's life."""

    state: str | None = tell("Its state from here on.", _in_data(reading.text_or_none("state")))
    was: str | None = tell("Its state before.", _in_data(reading.text_or_none("was")))
    reason: str | None = tell("Why.", _in_data(reading.text_or_none("reason")))
    detail: str | None = tell("Its last words.", _in_data(reading.text_or_none("detail")))


@strawberry.type(description="An agent asked for permission, one of several people said yes, or it was answered.")
class ApprovalEvent(Event):
    """An agent asked for permission, one of several people said yes, or it was answered."""

    approval_key: strawberry.ID = tell("The approval.", _in_data(reading.text("id")))
    status: ApprovalStatus = tell(
        "Where it stands from here on.",
        _in_data(reading.word(ApprovalStatus, "status", otherwise=ApprovalStatus.PENDING)),
    )
    tool: str | None = tell("The tool that was asked for.", _in_data(reading.text_or_none("tool")))
    title: str | None = tell("What it is about to do.", _in_data(reading.text_or_none("title")))
    command: str | None = tell("The command line.", _in_data(reading.text_or_none("command")))
    by: str | None = tell("Who answered.", _in_data(reading.text_or_none("by")))
    note: str | None = tell("What they said.", _in_data(reading.text_or_none("note")))


@strawberry.type(description="A frame between an agent's process and its proxy.")
class FrameEvent(Event):
    """A frame between an agent's process and its proxy."""

    direction: str = tell("`out` from the agent, `in` to it.", _in_data(reading.text("direction")))
    frame_type: str = tell("The vendor's own name of the frame.", _in_data(reading.text("frame_type")))
    transient: bool = tell("Whether a later frame repeats it whole.", _in_data(reading.is_true("transient")))
    contents: list[Content] = tell("What it says.", _in_data(reading.objects("events")), of=content_type)
    raw: JSON | None = tell("The frame itself, as the vendor wrote it.", _in_data(reading.anything("raw")))


@strawberry.type(description="A machine came or went.")
class ProxyEvent(Event):
    """A machine came or went."""

    proxy_key: strawberry.ID | None = tell("The proxy.", _in_data(reading.text_or_none("proxy")))
    machine: str | None = tell("Its name.", _in_data(reading.text_or_none("machine")))


@strawberry.type(description="The session, a machine of it or the workspace was stopped or resumed.")
class StopEvent(Event):
    """Something was stopped or resumed."""

    stop_key: strawberry.ID = tell("The stop.", _in_data(reading.text("stop")))
    scope: StopScope = tell(
        "How far it reaches.", _in_data(reading.word(StopScope, "scope", otherwise=StopScope.SESSION))
    )
    stop_name: str = tell(
        "The session's or the machine's name; empty for the workspace.", _in_data(reading.text("name"))
    )
    by: str = tell("Who did it.", _in_data(reading.text("by")))
    note: str | None = tell("Why.", _in_data(reading.text_or_none("note")))


@strawberry.type(description="A hook's run came to another state.")
class HookEvent(Event):
    """A hook's run came to another state."""

    hook: str = tell("The hook's id.", _in_data(reading.text("hook")))
    run: str = tell("The run's id: all its events have the same.", _in_data(reading.text("run")))
    state: str = tell("Such as `started`, `completed`, `failed`, `refused`.", _in_data(reading.text("state")))
    reason: str | None = tell("Why it came to that.", _in_data(reading.text_or_none("reason")))
    exit_code: int | None = tell("Of a command that has ended.", _in_data(reading.int_or_none("exit_code")))
    output: str | None = tell("What a command wrote, cut.", _in_data(reading.text_or_none("output")))


@strawberry.type(description="A run of a workflow has begun, was changed by somebody, or has ended.")
class WorkflowEvent(Event):
    """Of a run."""

    run_key: strawberry.ID = tell("The run.", _in_data(reading.text("run")))
    workflow_name: str | None = tell("The file's name, where the run begins.", _in_data(reading.text_or_none("name")))
    run_state: str | None = tell("Where it ends: its state.", _in_data(reading.text_or_none("state")))
    change: str | None = tell(
        "Such as `cancelled`, `resumed`, `barrier_open`, `votes_counted`.", _in_data(reading.text_or_none("change"))
    )
    by: str | None = tell("Who did that.", _in_data(reading.text_or_none("by")))
    reason: str | None = tell("Why it came to that.", _in_data(reading.text_or_none("reason")))


@strawberry.type(description="A step of a run: an attempt begins or ends, or the step comes to another state.")
class StepEvent(Event):
    """Of a step."""

    run_key: strawberry.ID = tell("The run.", _in_data(reading.text("run")))
    step: str = tell("The step's name.", _in_data(reading.text("step")))
    attempt: int | None = tell("Which attempt it is about.", _in_data(reading.int_or_none("attempt")))
    step_state: str | None = tell("The state that the step came to.", _in_data(reading.text_or_none("state")))
    outcome: str | None = tell("How the attempt ended.", _in_data(reading.text_or_none("outcome")))
    by: str | None = tell("The agent that works on it, or who has decided.", _in_data(reading.text_or_none("by")))
    reason: str | None = tell("Why it came to that.", _in_data(reading.text_or_none("reason")))


@strawberry.type(description="A fact that this version has no type for; `data` has all of it.")
class OtherEvent(Event):
    """A fact that this version has no type for."""


@strawberry.type(description="History between the reader's cursor and `first` is gone.")
class Reset(FromLog):
    """History is gone."""

    first: Cursor | None = tell("The first event that is kept, and the next item.", reading.text_or_none("first"))


@strawberry.type(description="Everything up to `head` was sent; from here on events come as they happen.")
class CaughtUp(FromLog):
    """Everything up to here was sent."""

    head: Cursor = tell("The newest position.", reading.text("head"))


_EXACT: dict[str, type[Event]] = {
    "message.accepted": MessageEvent,
    "message.receipt": ReceiptEvent,
    "turn.started": TurnEvent,
    "turn.ended": TurnEvent,
    "agent.frame": FrameEvent,
    "approval.requested": ApprovalEvent,
    "approval.assented": ApprovalEvent,
    "approval.resolved": ApprovalEvent,
    "proxy.connected": ProxyEvent,
    "proxy.disconnected": ProxyEvent,
    "stop.ordered": StopEvent,
    "stop.finished": StopEvent,
    "stop.lifted": StopEvent,
}
_FAMILIES: dict[str, type[Event]] = {
    "agent": AgentEvent,
    "hook": HookEvent,
    "workflow": WorkflowEvent,
    "step": StepEvent,
}
"""Of kinds that begin so."""
EVENT_TYPES: tuple[type[Event], ...] = (*dict.fromkeys((*_EXACT.values(), *_FAMILIES.values())), OtherEvent)


def event_type(source: Json) -> type[Event]:
    """The type of one event."""
    kind: str = source["kind"]
    return _EXACT.get(kind) or _FAMILIES.get(kind.partition(".")[0], OtherEvent)


SessionItem = Annotated[
    MessageEvent
    | ReceiptEvent
    | TurnEvent
    | AgentEvent
    | ApprovalEvent
    | FrameEvent
    | ProxyEvent
    | StopEvent
    | HookEvent
    | WorkflowEvent
    | StepEvent
    | OtherEvent
    | Reset
    | CaughtUp,
    strawberry.union("SessionItem", description="An event, or word about where the reader stands."),
]
