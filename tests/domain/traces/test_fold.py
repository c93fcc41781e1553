from typing import Any

from broker.domain.ids import AgentId, MessageId, SessionId, WorkspaceId
from broker.domain.traces.context import delivery_span, message_context
from broker.domain.traces.fold import Place, TraceFold, is_of_traces
from broker.domain.traces.spans import Span

_MESSAGE = MessageId("6f3c2f0e-5d2a-4a53-9a3b-4f1d0a6f7f10")
_PLACE = Place(workspace=WorkspaceId("w"), session=SessionId("s"), cli="claude", machine="build-1")
_SENT = message_context(_MESSAGE, ratio=1)
_TURN = f"00-{_SENT.trace_id}-00f067aa0ba902b7-01"


def event(kind: str, at_ms: int, **data: Any) -> dict[str, Any]:
    return {"kind": kind, "at_ms": at_ms, "agent": "a1", "name": "Worker", "data": data}


def frame(at_ms: int, *events: dict[str, Any]) -> dict[str, Any]:
    return event("agent.frame", at_ms, events=list(events))


def turn_ended(at_ms: int, **changes: Any) -> dict[str, Any]:
    told = {"turn": "t1", "outcome": "completed", "messages": [_MESSAGE], "trace": _TURN, "began_ms": 1000}
    return event("turn.ended", at_ms, **{**told, **changes})


def spans(*events: dict[str, Any], fold: TraceFold | None = None) -> dict[str, Span]:
    fold = fold or TraceFold(ratio=1)
    return {span.name: span for each in events for span in fold.take(each, _PLACE)}


BEGUN = event("turn.started", 1000, turn="t1", message=_MESSAGE, trace=_TURN)
CALLED = {"type": "tool_call", "call_id": "c1", "tool": "relay_send", "server": "relay"}


def test_a_turn_is_an_invocation_of_its_agent_and_follows_from_its_message() -> None:
    made = spans(BEGUN, turn_ended(1500))["invoke_agent Worker"]
    assert (made.trace_id, made.start_ms, made.end_ms) == (_SENT.trace_id, 1000, 1500)
    assert made.parent_id == delivery_span(_MESSAGE, AgentId("a1"))
    assert made.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert made.attributes["gen_ai.provider.name"] == "anthropic"
    assert made.attributes["gen_ai.conversation.id"] == "s"
    assert made.attributes["relaycast.machine"] == "build-1"


def test_a_use_of_a_tool_is_in_the_turn_and_takes_from_its_call_to_its_result() -> None:
    made = spans(BEGUN, frame(1100, CALLED), frame(1180, {"type": "tool_result", "call_id": "c1", "ok": True}))
    tool = made["execute_tool relay/relay_send"]
    assert (tool.start_ms, tool.end_ms, tool.parent_id, tool.error) == (1100, 1180, "00f067aa0ba902b7", None)
    assert tool.attributes["gen_ai.tool.call.id"] == "c1"


def test_a_call_in_the_frame_that_a_turn_begins_with_is_told_ahead_of_the_turn() -> None:
    made = spans(frame(990, CALLED), BEGUN, frame(1180, {"type": "tool_result", "call_id": "c1", "ok": True}))
    assert made["execute_tool relay/relay_send"].start_ms == 990


def test_a_command_that_failed_is_an_error_with_its_exit_status() -> None:
    ran = {"type": "command", "call_id": "c1", "command": "false", "exit_code": 1, "tool": "Bash"}
    tool = spans(BEGUN, frame(1100, {**CALLED, "tool": "Bash", "server": None}), frame(1200, ran))["execute_tool Bash"]
    assert tool.error is not None
    assert tool.attributes["process.exit.code"] == 1


def test_the_time_that_people_took_is_in_the_turn() -> None:
    made = spans(
        BEGUN,
        event("approval.requested", 1100, id="p1", tool="Bash"),
        event("approval.resolved", 9100, id="p1", status="allowed"),
    )
    assert made["approval Bash"].end_ms - made["approval Bash"].start_ms == 8000


def test_what_a_vendor_says_was_used_is_added_up() -> None:
    used = {"type": "usage", "input_tokens": 5, "output_tokens": 2}
    total = {"type": "usage", "input_tokens": 900, "output_tokens": 90, "cumulative": True}
    turn = spans(BEGUN, frame(1100, used), frame(1200, used, total), turn_ended(1500))["invoke_agent Worker"]
    assert (turn.attributes["gen_ai.usage.input_tokens"], turn.attributes["gen_ai.usage.output_tokens"]) == (10, 4)


def test_a_turn_whose_beginning_another_process_has_seen_is_the_same_span() -> None:
    whole, late = spans(BEGUN, turn_ended(1500)), spans(turn_ended(1500))
    assert whole == late


def test_a_turn_that_took_a_second_message_in_is_linked_with_it() -> None:
    second = MessageId("2" * 8 + "-2222-4222-8222-" + "2" * 12)
    turn = spans(BEGUN, turn_ended(1500, messages=[_MESSAGE, second]))["invoke_agent Worker"]
    assert turn.links == ((_SENT.trace_id, delivery_span(second, AgentId("a1"))),)


def test_a_messages_last_step_tells_of_the_whole_way_too() -> None:
    about = {"message": _MESSAGE, "trace": str(_SENT)}
    made = spans(
        event("message.receipt", 1010, state="received", after_ms=10, step_ms=4, **about),
        event("message.receipt", 1500, state="answered", after_ms=500, step_ms=490, **about),
    )
    way = made["deliver Worker"]
    assert (way.start_ms, way.end_ms, way.parent_id) == (1000, 1500, _SENT.span_id)
    assert (made["message received"].start_ms, made["message received"].parent_id) == (1006, way.span_id)
    # What is true of the whole way is said there alone: steps are two spans in three.
    assert way.attributes["gen_ai.conversation.id"] == "s"
    assert made["message received"].attributes == {"messaging.message.id": _MESSAGE}


def test_a_message_that_does_not_arrive_is_an_error_with_its_reason() -> None:
    told = {"message": _MESSAGE, "trace": str(_SENT), "state": "undeliverable", "reason": "expired", "after_ms": 9}
    assert spans(event("message.receipt", 1500, **told))["deliver Worker"].error == "expired"


def test_a_run_of_a_workflow_is_the_root_of_what_its_agents_do() -> None:
    run = spans(
        event("workflow.started", 1000, run=_MESSAGE, workflow="review"),
        event("workflow.ended", 5000, run=_MESSAGE, state="completed"),
    )["invoke_workflow review"]
    assert (run.trace_id, run.parent_id, run.end_ms - run.start_ms) == (_SENT.trace_id, None, 4000)


def test_what_is_not_traced_makes_no_spans() -> None:
    receipt = event("message.receipt", 1010, state="answered", after_ms=10, message=_MESSAGE)
    untraced = turn_ended(1500)
    del untraced["data"]["trace"]
    assert spans(receipt, event("turn.started", 1000, turn="t1", message=None), frame(1100, CALLED), untraced) == {}


def test_nothing_that_was_written_or_given_to_a_tool_is_in_a_span() -> None:
    call = {**CALLED, "input": {"text": "a secret"}}
    result = {"type": "tool_result", "call_id": "c1", "ok": True, "output": "a secret"}
    made = spans(BEGUN, frame(1100, call), frame(1200, result), turn_ended(1500, text="a secret"))
    assert "a secret" not in repr(made)


def test_frames_that_no_span_is_made_of_are_not_kept() -> None:
    assert not is_of_traces(frame(1, {"type": "text", "text": "hello"}))
    assert is_of_traces(frame(1, CALLED))
