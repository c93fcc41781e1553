"""What hooks wait for, found in the events of a session's log.

Everything comes from what the log has anyway, so nothing new is asked of a vendor and a replay finds the same again.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from broker.domain.agents.limits import read_limit_of_words
from broker.domain.approvals.tool_use import ToolUse, absolute
from broker.domain.hooks.events import OF_RUNS, HookEvent
from broker.domain.hooks.runs import HookRunId
from broker.domain.ids import AgentId, MessageId
from broker.domain.logs.event_filter import EventFilter
from broker.domain.logs.events import Cursor, EventKind

Json = Mapping[str, Any]

_SOURCES: Mapping[EventKind, frozenset[HookEvent]] = {
    EventKind.AGENT_READY: frozenset({HookEvent.AGENT_SPAWNED}),
    EventKind.AGENT_STATE: frozenset({HookEvent.AGENT_IDLE}),
    EventKind.AGENT_DEAF: frozenset({HookEvent.AGENT_DEAF}),
    EventKind.AGENT_EXITED: frozenset({HookEvent.AGENT_CRASHED}),
    EventKind.AGENT_RELEASED: frozenset({HookEvent.AGENT_RELEASED}),
    EventKind.AGENT_FRAME: frozenset({HookEvent.COMMAND, HookEvent.COMMAND_FAILED, HookEvent.FILE_CHANGE}),
    EventKind.MESSAGE_ACCEPTED: frozenset({HookEvent.MESSAGE}),
    EventKind.MESSAGE_RECEIPT: frozenset({HookEvent.UNDELIVERED}),
    EventKind.TURN_STARTED: frozenset({HookEvent.TURN_START}),
    EventKind.TURN_ENDED: frozenset({HookEvent.TURN_COMPLETE, HookEvent.TURN_FAILED, HookEvent.LIMIT}),
    EventKind.APPROVAL_REQUESTED: frozenset({HookEvent.APPROVAL_NEEDED, HookEvent.INPUT_NEEDED}),
    EventKind.APPROVAL_RESOLVED: frozenset({HookEvent.APPROVAL_RESOLVED}),
    EventKind.BUDGET_WARNING: frozenset({HookEvent.BUDGET}),
    EventKind.BUDGET_SPENT: frozenset({HookEvent.BUDGET}),
    EventKind.WORKFLOW_STARTED: frozenset({HookEvent.RUN_STARTED}),
    EventKind.WORKFLOW_ENDED: frozenset({HookEvent.RUN_COMPLETED, HookEvent.RUN_FAILED, HookEvent.RUN_NEEDS_HUMAN}),
    EventKind.STEP_STARTED: frozenset({HookEvent.STEP_STARTED}),
    EventKind.STEP_CHANGED: frozenset({HookEvent.STEP_COMPLETED, HookEvent.STEP_FAILED, HookEvent.STEP_NEEDS_HUMAN}),
}
WAITED_FOR = frozenset(_SOURCES)
"""Kinds of events that something can be found in."""

ENDS = frozenset(
    {
        EventKind.HOOK_COMPLETED,
        EventKind.HOOK_FAILED,
        EventKind.HOOK_REFUSED,
        EventKind.HOOK_SKIPPED,
        EventKind.HOOK_EXPIRED,
        EventKind.HOOK_INTERRUPTED,
    }
)
"""Of runs; those that answer a request are looked at."""

_ENDED_RUNS = {
    "completed": HookEvent.RUN_COMPLETED,
    "completed_early": HookEvent.RUN_COMPLETED,
    "needs_human": HookEvent.RUN_NEEDS_HUMAN,
}
_CHANGED_STEPS = {
    "completed": HookEvent.STEP_COMPLETED,
    "failed": HookEvent.STEP_FAILED,
    "needs_human": HookEvent.STEP_NEEDS_HUMAN,
}
_CUT = 2048
"""Characters of a prompt or an answer that hooks are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened to one agent, or to a workflow's run."""

    event: HookEvent
    at: Cursor
    at_ms: int
    agent: AgentId
    """'' for what happens to a run."""
    name: str
    """The agent's."""
    turn: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    """Variables of its own; what is known of the agent comes besides."""
    files: tuple[str, ...] = ()
    """As the agent named them."""
    exit_code: int | None = None
    tool: str = ""
    messages: tuple[MessageId, ...] = ()
    """Those that the turn answered, or the one it is about."""
    use: ToolUse | None = None
    """Of a tool that has not run yet, and whose input is at hand."""


def events_for(wanted: Collection[HookEvent], *, answers: bool = False) -> EventFilter:
    """The events of a log in which any of these can be found; most are passed over unread, streamed pieces always.

    `answers`: the ends of runs as well, as there are hooks that answer what waits for people.
    """
    # No kind at all would be every kind.
    kinds = {kind for kind, found in _SOURCES.items() if found.intersection(wanted)} or WAITED_FOR
    return EventFilter(kinds=frozenset(kinds | ENDS if answers else kinds), fragments=False)


def run_ended(event: Json) -> HookRunId | None:
    """The run whose end an event tells of."""
    return HookRunId(_text(event["data"].get("run"))) if event["kind"] in ENDS else None


def happenings(event: Json) -> Iterator[Happening]:
    """What an event of a session's log means to hooks; nothing for most."""
    agent, data = event.get("agent"), event["data"]
    kind = event["kind"]
    if kind not in WAITED_FOR:
        return
    at = Cursor(event["epoch"], event["offset"])
    about: dict[str, Any] = {"at": at, "at_ms": event["at_ms"]}
    if kind == EventKind.MESSAGE_ACCEPTED:
        for found in _for_recipients(data):
            yield Happening(event=HookEvent.MESSAGE, **about, **found)
    elif _SOURCES[kind] <= OF_RUNS:
        for event_found, rest in _of_run(kind, data):
            yield Happening(event=event_found, agent=AgentId(""), name="", **about, **rest)
    elif agent:
        whom: dict[str, Any] = {"agent": AgentId(agent), "name": event.get("name") or ""}
        for event_found, rest in _find(kind, data, at_ms=event["at_ms"]):
            yield Happening(event=event_found, **about, **whom, **rest)


_Found = tuple[HookEvent, dict[str, Any]]


def _for_recipients(data: Json) -> Iterator[dict[str, Any]]:
    """Whom a message is for, each with what it says."""
    message, sender = _text(data.get("id")), data.get("from")
    values = {"message_id": message, "text": _text(data.get("text"))[:_CUT]}
    values["from"] = _text(sender.get("name")) if isinstance(sender, Mapping) else ""
    for to in data.get("recipients") or ():
        if isinstance(to, Mapping) and _text(to.get("agent")):
            whom = {"agent": AgentId(to["agent"]), "name": _text(to.get("name"))}
            yield {**whom, "values": values, "messages": (MessageId(message),) if message else ()}


def _of_run(kind: str, data: Json) -> Iterator[_Found]:
    state = _text(data.get("state"))
    values = {"run": _text(data.get("run")), "step": _text(data.get("step")), "reason": _text(data.get("reason"))}
    values["text"] = _text(data.get("workflow"))
    match kind:
        case EventKind.WORKFLOW_STARTED:
            yield HookEvent.RUN_STARTED, {"values": values}
        case EventKind.WORKFLOW_ENDED:
            found = _ENDED_RUNS.get(state, HookEvent.RUN_FAILED)
            values["reason"] = values["reason"] or ("" if found is HookEvent.RUN_COMPLETED else state)
            yield found, {"values": values}
        case EventKind.STEP_STARTED:
            yield HookEvent.STEP_STARTED, {"values": values}
        case EventKind.STEP_CHANGED if state in _CHANGED_STEPS and not data.get("kept_from"):
            yield _CHANGED_STEPS[state], {"values": values}
        case _:
            pass


def _find(kind: str, data: Json, *, at_ms: int) -> Iterator[_Found]:
    match kind:
        case EventKind.TURN_STARTED:
            yield HookEvent.TURN_START, {"turn": data.get("turn")}
        case EventKind.TURN_ENDED:
            yield _turn_ended(data)
            yield from _limit(data, at_ms=at_ms)
        case EventKind.AGENT_FRAME:
            for content in data.get("events") or ():
                if isinstance(content, Mapping):
                    yield from _content(content)
        case EventKind.APPROVAL_REQUESTED:
            yield from _find_asked(data)
        case EventKind.APPROVAL_RESOLVED if data.get("by") != "agent":
            values = {"approval_id": _text(data.get("id")), "reason": _text(data.get("note"))}
            yield HookEvent.APPROVAL_RESOLVED, {"values": {**values, "text": _text(data.get("status"))}}
        case EventKind.MESSAGE_RECEIPT if data.get("state") == "undeliverable":
            message, why = _text(data.get("message")), _text(data.get("reason"))
            yield HookEvent.UNDELIVERED, {"values": {"message_id": message, "reason": why}}
        case EventKind.AGENT_READY if not data.get("resumed"):
            yield HookEvent.AGENT_SPAWNED, {}
        case EventKind.AGENT_RELEASED:
            yield HookEvent.AGENT_RELEASED, {}
        case EventKind.AGENT_EXITED if not data.get("expected"):
            values = {"reason": _text(data.get("reason")), "text": _text(data.get("detail"))}
            yield HookEvent.AGENT_CRASHED, {"values": values}
        case EventKind.AGENT_STATE if data.get("state") == "idle":
            yield HookEvent.AGENT_IDLE, {}
        case EventKind.AGENT_DEAF:
            yield HookEvent.AGENT_DEAF, {"values": {"reason": _text(data.get("stuck_at"))}}
        case EventKind.BUDGET_WARNING | EventKind.BUDGET_SPENT:
            yield HookEvent.BUDGET, {"values": {"reason": _text(data.get("text")), "percent": _percent(data)}}
        case _:
            pass


def _turn_ended(data: Json) -> _Found:
    completed = data.get("outcome") == "completed"
    messages = tuple(MessageId(each) for each in data.get("messages") or () if isinstance(each, str))
    values = {
        "last_message": _text(data.get("text")),
        "reason": _text(data.get("reason")) or ("" if completed else _text(data.get("outcome"))),
        "message_id": messages[-1] if messages else "",
    }
    found = HookEvent.TURN_COMPLETE if completed else HookEvent.TURN_FAILED
    return found, {"turn": data.get("turn"), "values": values, "messages": messages}


def _limit(data: Json, *, at_ms: int) -> Iterator[_Found]:
    """A vendor's limit that has ended a turn, as far as its words say so."""
    if data.get("outcome") == "completed":
        return
    said = f"{_text(data.get('reason'))} {_text(data.get('text'))}".strip()
    if (reached := read_limit_of_words(said, now_ms=at_ms)) is not None:
        until = reached.until_ms
        reset_at = datetime.fromtimestamp(until / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if until else ""
        yield HookEvent.LIMIT, {"turn": data.get("turn"), "values": {"reason": said[:_CUT], "reset_at": reset_at}}


def _percent(data: Json) -> str:
    """How much of a budget is spent."""
    spent, limit = data.get("spent"), data.get("limit")
    is_known = isinstance(spent, int | float) and isinstance(limit, int | float) and limit > 0
    return str(int(spent * 100 / limit)) if is_known else ""  # type: ignore[operator]  # they are numbers


def _content(content: Json) -> Iterator[_Found]:
    match content.get("type"):
        case "command":
            code = content.get("exit_code")
            values = {"command": _text(content.get("command")), "tool": _text(content.get("tool")) or "shell"}
            values |= {"exit_code": "" if code is None else str(code), "text": _text(content.get("output"))[-_CUT:]}
            found = {"values": values, "exit_code": code if isinstance(code, int) else None, "tool": values["tool"]}
            yield HookEvent.COMMAND, found
            if code not in {0, None}:
                yield HookEvent.COMMAND_FAILED, found
        case "files":
            changes = [each for each in content.get("changes") or () if isinstance(each, Mapping)]
            kept = tuple(
                _text(change.get("moved_to")) or _text(change.get("path"))
                for change in changes
                if change.get("change") != "delete"
            )
            tool = _text(content.get("tool"))
            yield HookEvent.FILE_CHANGE, {"files": tuple(filter(None, kept)), "tool": tool, "values": {"tool": tool}}
        case _:
            pass


def _find_asked(data: Json) -> Iterator[_Found]:
    if data.get("status") not in {None, "pending"} or data.get("decided_by"):
        return  # a rule has answered it in the same step
    prompts = [each for each in data.get("prompts") or () if isinstance(each, Mapping)]
    values = {
        "approval_id": _text(data.get("id")),
        "tool": _text(data.get("tool")),
        "command": _text(data.get("command")),
        "text": _text(data.get("title")),
        "question": " ".join(_text(prompt.get("text")) for prompt in prompts),
    }
    found = HookEvent.INPUT_NEEDED if prompts else HookEvent.APPROVAL_NEEDED
    yield found, {"values": values, "tool": values["tool"]}


def relative_files(files: tuple[str, ...], folder: str | None) -> tuple[str, ...]:
    """Files as they stand from the agent's folder; one outside of it is named whole."""
    return tuple(_relative(path, folder) for path in files)


def _relative(path: str, folder: str | None) -> str:
    if not folder:
        return path
    whole = absolute(path, folder)
    inside = whole == folder or whole.startswith(folder.rstrip("/") + "/")
    return posixpath.relpath(whole, folder) if inside else whole


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
