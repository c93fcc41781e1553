"""Makes spans of what a session's log tells, so that nothing is added to a message's way.

Events of what is traced say so themselves (`trace`). What only both ends of something tell, a tool's use or a wait
for a person, is remembered in between, here alone: whoever goes on after a process has died does not know the turn, and
such spans are left out. The rest has the same ids whoever makes it.

Names and attributes of agents' turns and tools are those of OpenTelemetry's semantic conventions for generative AI.
What anybody wrote, or a tool was given, is in no span.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.domain.ids import AgentId, MessageId, SessionId, WorkflowRunId, WorkspaceId
from broker.domain.traces.context import TraceContext, delivery_span, read_traceparent, run_context, span_id
from broker.domain.traces.spans import AttributeValue, Span, SpanKind

_REMEMBERED = 10_000
"""Agents at work, and runs under way."""
_OPEN = 200
"""Uses of tools and waits of one agent whose end is not told yet."""
_ENDS = frozenset({"answered", "undeliverable"})
_TOOL_ENDS = frozenset({"tool_result", "command", "files"})
_PROVIDERS = {"claude": "anthropic", "codex": "openai", "gemini": "gcp.gemini"}
"""As the conventions name those whose models these programs use; of others nobody knows."""


_KINDS = frozenset(
    {
        "message.accepted",
        "message.receipt",
        "turn.started",
        "turn.ended",
        "agent.frame",
        "approval.requested",
        "approval.resolved",
        "workflow.started",
        "workflow.ended",
    }
)
_FRAMES = _TOOL_ENDS | {"tool_call", "usage"}


def is_of_traces(event: Mapping[str, Any]) -> bool:
    """Whether an event can be of interest; most frames are not."""
    if event["kind"] == "agent.frame":
        return any(each.get("type") in _FRAMES for each in event["data"].get("events") or ())
    return event["kind"] in _KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose log tells it, which program its agent runs, and on which machine."""

    workspace: WorkspaceId
    session: SessionId
    cli: str = ""
    machine: str = ""


@dataclass(slots=True, kw_only=True)
class _Agent:
    turn: TraceContext | None = None
    """That it is in; the frame that a turn begins with is told ahead of the turn."""
    open: dict[str, tuple[int, str]] = field(default_factory=dict)
    """When a tool's use or a wait began, and the tool."""
    used: dict[str, int] = field(default_factory=dict)


class TraceFold:
    """Takes events in the order of each log. `ratio`: see `message_context`."""

    def __init__(self, *, ratio: float) -> None:
        self._ratio = ratio
        self._agents: OrderedDict[str, _Agent] = OrderedDict()
        self._runs: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def take(self, event: Mapping[str, Any], place: Place) -> Iterator[Span]:
        """The spans that an event completes."""
        told = event["data"]
        match event["kind"]:
            case "message.accepted" if "trace" in told:
                yield from _span_of_send(event, place)
            case "message.receipt" if "trace" in told:
                yield from _step(event, place)
            case "turn.started":
                self._agent(event).turn = read_traceparent(told.get("trace", ""))
            case "turn.ended":
                yield from self._end_turn(event, place)
            case "agent.frame":
                yield from self._frame(event, place)
            case "approval.requested" | "approval.resolved" if event["agent"]:
                yield from _approval(self._agent(event), event, place)
            case "workflow.started" | "workflow.ended":
                yield from self._run(event, place)

    def _agent(self, event: Mapping[str, Any]) -> _Agent:
        known = self._agents.get(event["agent"])
        if known is None:
            known = _Agent()
            _remember(self._agents, event["agent"], known)
        return known

    def _end_turn(self, event: Mapping[str, Any], place: Place) -> Iterator[Span]:
        known, told = self._agents.pop(event["agent"], None), event["data"]
        trace = read_traceparent(told.get("trace", ""))
        if trace is None:
            return
        messages = [MessageId(each) for each in told["messages"]]
        agent = AgentId(event["agent"])
        ways = [delivery_span(message, agent) for message in messages]
        used = known.used if known is not None and known.turn == trace else {}
        is_failed = told["outcome"] == "failed"
        yield Span(
            name=f"invoke_agent {event['name']}",
            trace_id=trace.trace_id,
            span_id=trace.span_id,
            parent_id=ways[0] if ways else None,
            start_ms=told["began_ms"],
            end_ms=event["at_ms"],
            attributes={
                **_about(event, place, operation="invoke_agent"),
                "relaycast.machine": place.machine,
                **{f"gen_ai.usage.{name}": count for name, count in used.items()},
                "relaycast.turn": told["turn"],
                "relaycast.outcome": told["outcome"],
                "relaycast.messages": tuple(messages),
                **({"error.type": "failed"} if is_failed else {}),
            },
            error="the turn failed" if is_failed else None,
            links=tuple((trace.trace_id, way) for way in ways[1:]),
        )

    def _frame(self, event: Mapping[str, Any], place: Place) -> Iterator[Span]:
        known = self._agent(event)
        for each in event["data"].get("events") or ():
            match each.get("type"):
                case "tool_call":
                    _open(known, each["call_id"], event["at_ms"], _tool_name(each))
                case "usage" if not each.get("cumulative"):
                    for name in ("input_tokens", "output_tokens"):
                        known.used[name] = known.used.get(name, 0) + int(each.get(name) or 0)
                case kind if kind in _TOOL_ENDS:
                    yield from _tool(known, each, event, place)

    def _run(self, event: Mapping[str, Any], place: Place) -> Iterator[Span]:
        run = WorkflowRunId(event["data"]["run"])
        trace = run_context(run, ratio=self._ratio)
        if not trace.sampled:
            return
        if event["kind"] == "workflow.started":
            _remember(self._runs, run, (event["at_ms"], str(event["data"].get("workflow") or "")))
        elif run in self._runs:
            began_ms, name = self._runs[run]
            state = str(event["data"].get("state"))
            yield Span(
                name=f"invoke_workflow {name}".rstrip(),
                trace_id=trace.trace_id,
                span_id=trace.span_id,
                parent_id=None,
                start_ms=began_ms,
                end_ms=event["at_ms"],
                attributes={
                    "gen_ai.operation.name": "invoke_workflow",
                    "gen_ai.workflow.name": name,
                    "relaycast.run": run,
                    "relaycast.state": state,
                    **_ids(place),
                },
                error="the run failed" if state == "failed" else None,
            )


def _span_of_send(event: Mapping[str, Any], place: Place) -> Iterator[Span]:
    told = event["data"]
    trace, cause = read_traceparent(told["trace"]), read_traceparent(told.get("cause") or "")
    if trace is None:
        return
    yield Span(
        name=f"send {told['to']}",
        trace_id=trace.trace_id,
        span_id=trace.span_id,
        parent_id=cause.span_id if cause else None,
        start_ms=event["at_ms"],
        end_ms=event["at_ms"],
        kind=SpanKind.PRODUCER,
        attributes={
            **_of_message(told["id"], "send"),
            "messaging.destination.name": told["to"],
            "relaycast.sender": told["from"]["name"],
            "relaycast.mode": told["mode"],
            **_ids(place),
        },
    )


def _step(event: Mapping[str, Any], place: Place) -> Iterator[Span]:
    """One step of a message's way to one recipient, and with the last one the way itself.

    Two spans in three are steps: what is true of the whole way is said there, once.
    """
    told, agent, at_ms = event["data"], AgentId(event["agent"] or ""), event["at_ms"]
    trace = read_traceparent(told["trace"])
    if trace is None:
        return
    message, attempt = MessageId(told["message"]), int(told.get("attempt", 1))
    way = delivery_span(message, agent)
    reason = told.get("reason")
    yield Span(
        name=f"message {told['state']}",
        trace_id=trace.trace_id,
        span_id=span_id("step", message, agent, told["state"], str(attempt)),
        parent_id=way,
        start_ms=at_ms - int(told.get("step_ms") or 0),
        end_ms=at_ms,
        attributes={"messaging.message.id": message, **({"relaycast.attempt": attempt} if attempt > 1 else {})},
        error=reason,
    )
    if told["state"] in _ENDS:
        yield Span(
            name=f"deliver {event['name']}",
            trace_id=trace.trace_id,
            span_id=way,
            parent_id=trace.span_id,
            start_ms=at_ms - int(told.get("after_ms") or 0),
            end_ms=at_ms,
            kind=SpanKind.CONSUMER,
            attributes={
                **_of_message(message, "process"),
                **_ids(place),
                "gen_ai.agent.id": agent,
                "gen_ai.agent.name": event["name"] or "",
                "relaycast.machine": place.machine,
                **({"error.type": reason} if reason else {}),
            },
            error=reason,
        )


def _tool(known: _Agent, end: Mapping[str, Any], event: Mapping[str, Any], place: Place) -> Iterator[Span]:
    # Some agents tell of an edit only once it is done: then nobody knows how long it took.
    began_ms, name = known.open.pop(end["call_id"], (event["at_ms"], ""))
    turn, tool = known.turn, name or _tool_name(end)
    if turn is None:
        return
    code = end.get("exit_code")
    is_failed = end.get("ok") is False or code not in {None, 0}
    yield Span(
        name=f"execute_tool {tool}",
        trace_id=turn.trace_id,
        span_id=span_id("tool", turn.span_id, end["call_id"]),
        parent_id=turn.span_id,
        start_ms=began_ms,
        end_ms=event["at_ms"],
        attributes={
            **_about(event, place, operation="execute_tool"),
            "gen_ai.tool.name": tool,
            "gen_ai.tool.call.id": end["call_id"],
            "gen_ai.tool.type": "extension",
            **({"process.exit.code": code} if code is not None else {}),
            **({"error.type": "tool_error"} if is_failed else {}),
        },
        error="the tool failed" if is_failed else None,
    )


def _approval(known: _Agent, event: Mapping[str, Any], place: Place) -> Iterator[Span]:
    told = event["data"]
    key = f"approval {told['id']}"
    if event["kind"] == "approval.requested":
        _open(known, key, event["at_ms"], str(told.get("tool") or ""))
        return
    began_ms, tool = known.open.pop(key, (None, ""))
    turn = known.turn
    if began_ms is None or turn is None:
        return
    yield Span(
        name=f"approval {tool}".rstrip(),
        trace_id=turn.trace_id,
        span_id=span_id("approval", told["id"]),
        parent_id=turn.span_id,
        start_ms=began_ms,
        end_ms=event["at_ms"],
        attributes={
            **_ids(place),
            "gen_ai.agent.name": event["name"] or "",
            "relaycast.approval": told["id"],
            "relaycast.status": told["status"],
        },
    )


def _about(event: Mapping[str, Any], place: Place, *, operation: str) -> dict[str, AttributeValue]:
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _PROVIDERS.get(place.cli, place.cli or "unknown"),
        "gen_ai.agent.id": event["agent"] or "",
        "gen_ai.agent.name": event["name"] or "",
        "relaycast.program": place.cli,
        **_ids(place),
    }


def _of_message(message: str, operation: str) -> dict[str, AttributeValue]:
    return {
        "messaging.system": "relaycast",
        "messaging.operation.type": operation,
        "messaging.message.id": message,
    }


def _ids(place: Place) -> dict[str, AttributeValue]:
    return {
        "gen_ai.conversation.id": place.session,
        "relaycast.workspace": place.workspace,
        "relaycast.session": place.session,
    }


def _tool_name(event: Mapping[str, Any]) -> str:
    server, tool = event.get("server"), str(event.get("tool") or "tool")
    return f"{server}/{tool}" if server else tool


def _open(known: _Agent, key: str, at_ms: int, tool: str) -> None:
    if len(known.open) < _OPEN:
        known.open.setdefault(key, (at_ms, tool))


def _remember(kept: OrderedDict[str, Any], key: str, value: object) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)
