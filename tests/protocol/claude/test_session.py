from dataclasses import replace
from typing import Any

import pytest

from broker.domain.approvals.answers import ApprovalAnswer, Scope, Verdict
from broker.domain.hooks.answers import HookSays
from broker.domain.hooks.events import HookEvent
from broker.protocol.agents.events import (
    AgentBroken,
    AgentReady,
    ApprovalRequested,
    ApprovalWithdrawn,
    FileChange,
    PlanSet,
    PlanStep,
    ProblemNoted,
    PromptAccepted,
    PromptJoinedTurn,
    PromptRefused,
    ThoughtStreamed,
    TokensUsed,
    ToolCalled,
    ToolReturned,
    TurnEnded,
    TurnOutcome,
    TurnStarted,
    Unrecognised,
)
from broker.protocol.agents.session import HookQuestion, HookReply
from broker.protocol.claude.session import ClaudeSession, Predecessor
from tests.protocol.talking import FIRST, SECOND, events, hear, message, opening, written

ALLOW = ApprovalAnswer(verdict=Verdict.ALLOW)


@pytest.fixture
def session() -> ClaudeSession:
    return ready(ClaudeSession(opening(), session_id="s1"))


def ready(session: ClaudeSession) -> ClaudeSession:
    (hello,) = written(session.start())
    hear(session, answer_to(hello))
    return session


def answer_to(request: dict[str, Any], **outcome: object) -> dict[str, Any]:
    response = {"subtype": "success", "request_id": request["request_id"], "response": {}, **outcome}
    return {"type": "control_response", "response": response}


def lifecycle(uuid: str, state: str) -> dict[str, Any]:
    return {"type": "command_lifecycle", "command_uuid": uuid, "state": state, "uuid": f"{state} {uuid}"}


def echo(uuid: str) -> dict[str, Any]:
    return {"type": "user", "uuid": uuid, "isReplay": True, "message": {"role": "user", "content": "…"}}


def init(uuid: str = "i1") -> dict[str, Any]:
    return {"type": "system", "subtype": "init", "uuid": uuid}


def result(**members: object) -> dict[str, Any]:
    return {"type": "result", "subtype": "success", "is_error": False, "result": "Done.", **members}


def question(tool: str, arguments: dict[str, Any], *, request_id: str = "q1", **members: object) -> dict[str, Any]:
    request = {"subtype": "can_use_tool", "tool_name": tool, "input": arguments, **members}
    return {"type": "control_request", "request_id": request_id, "request": request}


def test_a_tool_server_that_failed_is_told_once(session: ClaudeSession) -> None:
    failed = {
        **init("i1"),
        "mcp_servers": [{"name": "relay", "status": "failed"}, {"name": "x", "status": "connected"}],
    }
    again = {**failed, "uuid": "i2"}
    problem = ProblemNoted(detail="MCP server relay: failed; the agent is without the relay's tools")
    assert problem in events(hear(session, failed))
    assert problem not in events(hear(session, again))


@pytest.mark.parametrize("servers", [None, "relay", ["relay"], [{"status": "failed"}, 1]])
def test_tool_servers_in_another_form_are_no_reason_to_fail(session: ClaudeSession, servers: object) -> None:
    assert any(isinstance(event, TurnStarted) for event in events(hear(session, {**init(), "mcp_servers": servers})))


def test_the_handshake_carries_the_instructions_and_makes_it_ready() -> None:
    session = ClaudeSession(opening(), session_id="s1")
    (hello,) = written(session.start())
    assert hello["request"] == {"subtype": "initialize", "appendSystemPrompt": "You are Bob."}
    assert events(hear(session, answer_to(hello))) == [AgentReady(native_id="s1", can_steer=True)]


def test_a_handshake_without_instructions_leaves_those_of_the_command_line_alone() -> None:
    session = ClaudeSession(replace(opening(), instructions=""), session_id="s1")
    (asked,) = written(session.start())
    assert asked["request"] == {"subtype": "initialize"}


def test_a_refused_handshake_breaks_it() -> None:
    session = ClaudeSession(opening(), session_id="s1")
    (hello,) = written(session.start())
    heard = events(hear(session, answer_to(hello, subtype="error", error="no")))
    assert heard == [AgentBroken(code="HANDSHAKE_FAILED", detail="no")]


def test_a_cli_that_was_initialised_before_a_reconnect_is_ready() -> None:
    session = ClaudeSession(opening(resume="s1"), session_id="s1")
    (hello,) = written(session.start())
    heard = events(hear(session, answer_to(hello, subtype="error", error="Already initialized")))
    assert heard == [AgentReady(native_id="s1", resumed=True, can_steer=True)]


def test_a_prompt_runs_from_its_uuid_to_its_result(session: ClaudeSession) -> None:
    (frame,) = written(session.prompt(message()))
    assert frame["uuid"] == FIRST
    assert "priority" not in frame
    frames = hear(session, lifecycle(FIRST, "queued"), lifecycle(FIRST, "started"), init(), echo(FIRST), result())
    assert events(frames) == [
        PromptAccepted(message_id=FIRST),
        TurnStarted(turn_id=FIRST, message_id=FIRST),
        TurnEnded(turn_id=FIRST, outcome=TurnOutcome.COMPLETED, message_ids=(FIRST,), text="Done."),
    ]


def test_a_cli_without_lifecycle_frames_begins_the_oldest_prompt(session: ClaudeSession) -> None:
    session.prompt(message())
    session.prompt(message(SECOND))
    heard = events(hear(session, init(), echo(FIRST), result(), init("i2"), echo(SECOND)))
    assert [event.message_id for event in heard if isinstance(event, TurnStarted)] == [FIRST, SECOND]
    assert not any(event.already_seen for event in heard if isinstance(event, PromptAccepted))


def test_a_second_prompt_waits_inside_the_cli(session: ClaudeSession) -> None:
    session.prompt(message())
    hear(session, lifecycle(FIRST, "started"))
    (frame,) = written(session.prompt(message(SECOND)))
    assert frame["priority"] == "later"


def test_a_steering_prompt_joins_the_running_turn(session: ClaudeSession) -> None:
    session.prompt(message())
    hear(session, lifecycle(FIRST, "queued"), lifecycle(FIRST, "started"))
    (frame,) = written(session.prompt(message(SECOND, steer=True)))
    assert "priority" not in frame
    heard = hear(session, lifecycle(SECOND, "queued"), echo(SECOND), lifecycle(SECOND, "started"), result())
    assert events(heard) == [
        PromptAccepted(message_id=SECOND),
        PromptJoinedTurn(message_id=SECOND, turn_id=FIRST),
        TurnEnded(turn_id=FIRST, outcome=TurnOutcome.COMPLETED, message_ids=(FIRST, SECOND), text="Done."),
    ]


def test_a_cancelled_prompt_is_refused_and_may_come_again(session: ClaudeSession) -> None:
    session.prompt(message())
    heard = hear(session, lifecycle(FIRST, "queued"), lifecycle(FIRST, "cancelled"))
    assert events(heard)[-1] == PromptRefused(message_id=FIRST, reason="cancelled")
    assert len(written(session.prompt(message()))) == 1


def test_interrupt_stops_the_turn_and_is_told_apart_from_failure(session: ClaudeSession) -> None:
    assert session.interrupt() == []
    session.prompt(message())
    hear(session, lifecycle(FIRST, "started"))
    (request,) = written(session.interrupt())
    assert request["request"] == {"subtype": "interrupt"}
    (ended,) = events(hear(session, result(subtype="error_during_execution", is_error=True, result=None)))
    assert isinstance(ended, TurnEnded)
    assert ended.outcome is TurnOutcome.INTERRUPTED


def test_a_failed_model_call_is_a_failed_turn_though_its_subtype_is_success(session: ClaudeSession) -> None:
    hear(session, init())
    (ended,) = events(hear(session, result(is_error=True, result="API Error: 400", terminal_reason="api_error")))
    assert ended == TurnEnded(turn_id="i1", outcome=TurnOutcome.FAILED, reason="API Error: 400")


def test_a_prompt_known_from_before_a_restart_is_followed_by_its_nudge() -> None:
    session = ready(ClaudeSession(opening(resume="s1"), session_id="s1"))
    session.prompt(message(nudge="go on"))
    frames = hear(session, echo(FIRST), lifecycle(FIRST, "completed"))
    assert events(frames) == [PromptAccepted(message_id=FIRST, already_seen=True)]
    (nudge,) = written(frames)
    assert nudge["message"]["content"] == "go on"
    assert nudge["uuid"] != FIRST
    heard = events(hear(session, lifecycle(nudge["uuid"], "queued"), lifecycle(nudge["uuid"], "started"), result()))
    assert heard == [
        TurnStarted(turn_id=nudge["uuid"], message_id=FIRST),
        TurnEnded(turn_id=nudge["uuid"], outcome=TurnOutcome.COMPLETED, message_ids=(FIRST,), text="Done."),
    ]


def test_a_known_prompt_without_nudge_does_nothing_more() -> None:
    session = ready(ClaudeSession(opening(resume="s1"), session_id="s1"))
    session.prompt(message())
    frames = hear(session, lifecycle(FIRST, "completed"), echo(FIRST))
    assert events(frames) == [PromptAccepted(message_id=FIRST, already_seen=True)]
    assert written(frames) == []


def test_a_nudge_known_from_an_earlier_restart_is_followed_by_the_next() -> None:
    session = ready(ClaudeSession(opening(resume="s1"), session_id="s1"))
    session.prompt(message(nudge="go on"))
    ids = [FIRST]
    for _ in range(8):
        (nudge,) = written(hear(session, lifecycle(ids[-1], "completed")))
        ids.append(nudge["uuid"])
    assert len(set(ids)) == 9
    heard = events(hear(session, lifecycle(ids[-1], "completed")))
    assert heard == [PromptRefused(message_id=FIRST, reason="already_seen")]


def test_a_known_prompt_belongs_to_the_turn_the_cli_goes_on_with_by_itself() -> None:
    session = ready(ClaudeSession(opening(resume="s1"), session_id="s1"))
    hear(session, lifecycle("its-own", "started"), init())
    session.prompt(message(nudge="go on"))
    frames = hear(session, echo(FIRST), lifecycle(FIRST, "completed"), result())
    assert written(frames) == []
    assert events(frames) == [
        PromptAccepted(message_id=FIRST, already_seen=True),
        PromptJoinedTurn(message_id=FIRST, turn_id="its-own"),
        TurnEnded(turn_id="its-own", outcome=TurnOutcome.COMPLETED, message_ids=(FIRST,), text="Done."),
    ]


def test_a_prompt_redelivered_to_the_same_process_is_not_written_again(session: ClaudeSession) -> None:
    session.prompt(message())
    frames = session.prompt(message(nudge="go on"))
    assert written(frames) == []
    assert events(frames) == [PromptAccepted(message_id=FIRST, already_seen=True)]


def test_a_lost_conversation_breaks_the_resume() -> None:
    session = ClaudeSession(opening(resume="s1"), session_id="s1")
    heard = hear(session, result(is_error=True, result=None, errors=["No conversation found with session ID: s1"]))
    (broken,) = events(heard)
    assert isinstance(broken, AgentBroken)
    assert broken.code == "RESUME_FAILED"


def test_a_shell_command_is_asked_about_with_its_command(session: ClaudeSession) -> None:
    (asked,) = events(hear(session, question("Bash", {"command": "rm x"}, description="clean up")))
    assert isinstance(asked, ApprovalRequested)
    assert (asked.native_id, asked.command, asked.title) == ('"q1"', "rm x", "clean up")
    assert not asked.relay_tool


def test_an_edit_is_asked_about_with_its_diff(session: ClaudeSession) -> None:
    arguments = {"file_path": "a.py", "old_string": "one\n", "new_string": "two\n"}
    (asked,) = events(hear(session, question("Edit", arguments)))
    assert isinstance(asked, ApprovalRequested)
    assert asked.changes == (
        FileChange(path="a.py", change="update", diff="--- a.py\n+++ a.py\n@@ -1 +1 @@\n-one\n+two\n"),
    )


@pytest.mark.parametrize(
    ("tool", "server", "ours"),
    [
        ("mcp__relay__relay_send", {"name": "relay"}, True),
        ("mcp__relay__relay_send", None, True),
        ("mcp__relay__x__steal", {"name": "relay__x"}, False),
        ("mcp__other__relay_send", {"name": "other"}, False),
        ("Bash", None, False),
    ],
)
def test_only_tools_of_the_server_named_relay_are_ours(
    session: ClaudeSession, tool: str, server: dict[str, str] | None, ours: bool
) -> None:
    (asked,) = events(hear(session, question(tool, {}, mcp_server=server)))
    assert isinstance(asked, ApprovalRequested)
    assert asked.relay_tool is ours


def test_allowing_once_repeats_the_input(session: ClaudeSession) -> None:
    hear(session, question("Bash", {"command": "ls"}, permission_suggestions=[{"type": "addRules", "rules": []}]))
    (frame,) = written(session.answer('"q1"', ALLOW))
    assert frame["response"] == {
        "subtype": "success",
        "request_id": "q1",
        "response": {"behavior": "allow", "updatedInput": {"command": "ls"}},
    }
    assert session.answer('"q1"', ALLOW) == []


@pytest.mark.parametrize("tool", ["Bash", "Edit"])
def test_no_answer_changes_what_the_cli_asks_later(session: ClaudeSession, tool: str) -> None:
    offered = [
        {"type": "addRules", "rules": [{"toolName": "Bash"}], "destination": "localSettings"},
        {"type": "addDirectories", "directories": ["/"], "destination": "session"},
        {"type": "setMode", "mode": "acceptEdits", "destination": "session"},
    ]
    hear(session, question(tool, {"command": "ls"}, permission_suggestions=offered))
    (frame,) = written(session.answer('"q1"', ApprovalAnswer(verdict=Verdict.ALLOW, scope=Scope.SESSION)))
    assert frame["response"]["response"] == {"behavior": "allow", "updatedInput": {"command": "ls"}}


@pytest.mark.parametrize(
    ("tool", "given", "command", "paths"),
    [
        ("Bash", {"command": "ls"}, "ls", ()),
        ("Monitor", {"command": "tail -f x"}, "tail -f x", ()),
        ("PowerShell", {"command": "rm x"}, "rm x", ()),
        ("Read", {"file_path": "/p/.env"}, None, ("/p/.env",)),
        ("Grep", {"pattern": "KEY", "path": "/p"}, None, ("/p",)),
        ("NotebookEdit", {"notebook_path": "/p/a.ipynb"}, None, ("/p/a.ipynb",)),
        ("mcp__files__copy", {"source": "/a", "destination": "/b"}, None, ("/a", "/b")),
    ],
)
def test_what_a_tool_is_about_is_told_by_its_input(
    session: ClaudeSession, tool: str, given: dict[str, str], command: str | None, paths: tuple[str, ...]
) -> None:
    (asked,) = events(hear(session, question(tool, given)))
    assert isinstance(asked, ApprovalRequested)
    assert (asked.command, asked.paths) == (command, paths)


def test_the_file_because_of_which_the_cli_asks_is_told(session: ClaudeSession) -> None:
    (asked,) = events(hear(session, question("Bash", {"command": "touch x"}, blocked_path="/etc/x")))
    assert isinstance(asked, ApprovalRequested)
    assert asked.paths == ("/etc/x",)


def test_denying_tells_the_agent_why_and_may_end_the_turn(session: ClaudeSession) -> None:
    hear(session, init(), question("Bash", {"command": "ls"}))
    answer = ApprovalAnswer(verdict=Verdict.DENY, note="not now", interrupt=True)
    (frame,) = written(session.answer('"q1"', answer))
    assert frame["response"]["response"] == {"behavior": "deny", "message": "not now", "interrupt": True}


def test_a_withdrawn_question_cannot_be_answered(session: ClaudeSession) -> None:
    cancel = {"type": "control_cancel_request", "request_id": "q1"}
    heard = hear(session, question("Bash", {"command": "ls"}), cancel, cancel)
    assert events(heard)[1:] == [ApprovalWithdrawn(native_id='"q1"')]
    assert session.answer('"q1"', ALLOW) == []


def test_a_question_of_a_former_connection_can_still_be_answered() -> None:
    session = ClaudeSession(opening(), session_id="s1", predecessor=Predecessor(pending={'"q1"': {"command": "ls"}}))
    (frame,) = written(session.answer('"q1"', ALLOW))
    assert frame["response"]["response"]["updatedInput"] == {"command": "ls"}


def test_a_turn_of_a_former_connection_is_ended_by_the_first_new_frames_alone() -> None:
    before = Predecessor(turn_id="T", messages=[FIRST], frames=["i0"])
    session = ClaudeSession(opening(), session_id="s1", predecessor=before)
    heard = events(hear(session, init("i0"), result()))
    assert [event for event in heard if isinstance(event, TurnStarted)] == []
    (ended,) = [event for event in heard if isinstance(event, TurnEnded)]
    assert (ended.turn_id, ended.message_ids) == ("T", (FIRST,))


def test_a_message_written_on_a_former_connection_begins_the_next_turn_and_is_not_written_again() -> None:
    session = ClaudeSession(opening(), session_id="s1", predecessor=Predecessor(messages=[FIRST]))
    assert written(session.prompt(message())) == []
    (started,) = [event for event in events(hear(session, init(), echo(FIRST))) if isinstance(event, TurnStarted)]
    assert started.message_id == FIRST


@pytest.mark.parametrize(
    ("request_body", "outcome"),
    [
        ({"subtype": "hook_callback", "callback_id": "h"}, "success"),
        ({"subtype": "mcp_message", "server_name": "x"}, "error"),
        ({"subtype": "can_use_tool"}, "error"),
        ({"subtype": "invented_tomorrow"}, "error"),
    ],
)
def test_no_request_of_the_cli_stays_unanswered(
    session: ClaudeSession, request_body: dict[str, Any], outcome: str
) -> None:
    (frame,) = written(hear(session, {"type": "control_request", "request_id": "q1", "request": request_body}))
    assert (frame["response"]["request_id"], frame["response"]["subtype"]) == ("q1", outcome)


def test_a_hook_of_a_persons_own_settings_is_shown_as_a_tool_that_nobody_called(session: ClaudeSession) -> None:
    own = {"type": "system", "hook_id": "h", "hook_name": "PreToolUse:Bash", "hook_event": "PreToolUse"}
    assert events(hear(session, {**own, "subtype": "hook_started"})) == []
    ran = {**own, "subtype": "hook_response", "stdout": "ok\n", "stderr": "", "exit_code": 0, "outcome": "success"}
    failed = {**ran, "stdout": "", "stderr": "no rm here", "exit_code": 2, "outcome": "error"}
    assert events(hear(session, ran)) == [ToolReturned(call_id="h", ok=True, output="ok", tool="hook PreToolUse:Bash")]
    (event,) = events(hear(session, failed))
    assert event == ToolReturned(call_id="h", ok=False, output="exit code 2\nno rm here", tool="hook PreToolUse:Bash")


def consulting() -> ClaudeSession:
    return ClaudeSession(replace(opening(), consults=True), session_id="s1")


def callback(hook: str, **given: Any) -> dict[str, Any]:
    request = {"subtype": "hook_callback", "callback_id": hook, "input": given}
    return {"type": "control_request", "request_id": "h1", "request": request}


BASH = {"tool_name": "Bash", "tool_input": {"command": "rm -r x"}, "tool_use_id": "t1"}


def asks(session: ClaudeSession, frame: dict[str, Any]) -> HookQuestion:
    (heard,) = hear(session, frame)
    assert heard.consults is not None
    return heard.consults


def settled(session: ClaudeSession, native_id: str, reply: HookReply) -> dict[str, Any]:
    (frame,) = written(session.settle(native_id, reply))
    answer: dict[str, Any] = frame["response"]["response"]
    return answer


def test_only_an_agent_that_hooks_hold_up_registers_them_and_longer_than_any_answer_takes() -> None:
    assert "hooks" not in written(ClaudeSession(opening(), session_id="s1").start())[0]["request"]
    hooks = written(consulting().start())[0]["request"]["hooks"]
    assert {event: entry["timeout"] for event, (entry,) in hooks.items()} == {"PreToolUse": 3600, "Stop": 3600}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (HookReply(), {}),
        (HookReply(says=HookSays.ALLOW), {}),
        (
            HookReply(says=HookSays.DENY, reason="no"),
            {"permissionDecision": "deny", "permissionDecisionReason": "no"},
        ),
        (
            HookReply(says=HookSays.ASK, reason="hm"),
            {"permissionDecision": "ask", "permissionDecisionReason": "hm"},
        ),
        (
            HookReply(says=HookSays.MODIFY, reason="less", input={"command": "ls"}),
            {"permissionDecision": "ask", "permissionDecisionReason": "less", "updatedInput": {"command": "ls"}},
        ),
        (HookReply(says=HookSays.ALLOW, context="It is Friday."), {"additionalContext": "It is Friday."}),
    ],
)
def test_before_a_tool_a_hook_narrows_what_the_cli_would_do_and_never_allows(
    reply: HookReply, said: dict[str, Any]
) -> None:
    session = consulting()
    question = asks(session, callback("relay_before_tool", **BASH))
    assert question.event is HookEvent.BEFORE_TOOL
    assert question.use is not None
    assert (question.use.tool, question.use.command, question.use.call_id) == ("Bash", "rm -r x", "t1")
    expected = {"hookSpecificOutput": {"hookEventName": "PreToolUse", **said}} if said else {}
    assert settled(session, question.native_id, reply) == expected
    assert session.settle(question.native_id, reply) == []


def test_before_the_end_of_a_turn_a_no_makes_it_go_on() -> None:
    session = consulting()
    question = asks(session, callback("relay_before_stop", last_assistant_message="Done."))
    assert (question.event, question.last_message) == (HookEvent.BEFORE_STOP, "Done.")
    said = settled(session, question.native_id, HookReply(says=HookSays.DENY, reason="run the tests"))
    assert said == {"decision": "block", "reason": "run the tests"}


def test_what_cannot_be_read_is_refused_before_a_tool_and_lets_a_turn_end() -> None:
    session = consulting()
    (tool,) = written(hear(session, callback("relay_before_tool", tool_name=5)))
    assert tool["response"]["response"]["hookSpecificOutput"]["permissionDecision"] == "deny"
    (stop,) = written(hear(session, callback("relay_before_stop", last_assistant_message=5)))
    assert stop["response"]["response"] == {}


def test_another_input_takes_the_place_of_what_was_asked_in_the_request_and_in_what_runs(
    session: ClaudeSession,
) -> None:
    question = {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "rm -r x"}, "tool_use_id": "t1"}
    hear(session, {"type": "control_request", "request_id": "q1", "request": question})
    revised = session.revise('"q1"', {"command": "ls"})
    assert revised is not None
    assert (revised.command, revised.input, revised.call_id) == ("ls", {"command": "ls"}, "t1")
    (frame,) = written(session.answer('"q1"', ALLOW))
    assert frame["response"]["response"]["updatedInput"] == {"command": "ls"}
    assert session.revise('"q1"', {"command": "ls"}) is None


def test_frames_sent_again_after_a_reconnect_are_dropped(session: ClaudeSession) -> None:
    said = {"type": "assistant", "uuid": "a1", "message": {"content": [{"type": "text", "text": "hello"}]}}
    assert len(hear(session, said)) == 1
    assert hear(session, said) == []


def test_usage_counts_from_the_conversations_start(session: ClaudeSession) -> None:
    usage = {"m": {"inputTokens": 20, "outputTokens": 5, "cacheReadInputTokens": 3}, "n": {"inputTokens": 1}}
    heard = events(hear(session, init(), result(modelUsage=usage, total_cost_usd=0.5)))
    assert heard[1] == TokensUsed(input_tokens=21, output_tokens=5, cached_tokens=3, cost_usd=0.5, cumulative=True)


def test_usage_of_a_newer_version_is_that_of_the_turn_alone(session: ClaudeSession) -> None:
    turn = {"m": {"inputTokens": 2, "outputTokens": 1, "costUSD": 0.25}, "n": {"inputTokens": 1, "costUSD": 0.5}}
    whole = {"m": {"inputTokens": 20, "outputTokens": 5, "costUSD": 0.7}}
    both = result(modelUsage=whole, total_cost_usd=0.7, model_usage_since_last_result=turn)
    used = events(hear(session, init(), both))[1]
    assert used == TokensUsed(input_tokens=3, output_tokens=1, cost_usd=0.75)


def test_a_turns_end_is_not_hidden_by_a_new_shape(session: ClaudeSession) -> None:
    heard = events(hear(session, init(), result(modelUsage="odd")))
    assert isinstance(heard[-1], TurnEnded)


def test_an_unknown_frame_is_kept(session: ClaudeSession) -> None:
    (frame,) = hear(session, {"type": "invented_tomorrow", "x": 1})
    assert frame.raw == b'{"type":"invented_tomorrow","x":1}'
    assert frame.events == (Unrecognised(frame_type="invented_tomorrow"),)


def test_a_known_frame_in_an_unknown_shape_is_kept(session: ClaudeSession) -> None:
    (frame,) = hear(session, {"type": "assistant", "message": "new shape"})
    assert frame.events == (Unrecognised(frame_type="assistant"),)


def test_a_prompt_that_is_over_without_having_begun_is_an_empty_turn(session: ClaudeSession) -> None:
    session.prompt(message())
    hear(session, lifecycle(FIRST, "queued"))
    started, ended = events(hear(session, lifecycle(FIRST, "completed")))
    assert started == TurnStarted(turn_id=FIRST, message_id=FIRST)
    assert isinstance(ended, TurnEnded)
    assert (ended.outcome, ended.message_ids) == (TurnOutcome.COMPLETED, (FIRST,))


SUGGESTIONS = [
    {
        "type": "addRules",
        "rules": [{"toolName": "Bash", "ruleContent": "touch *"}],
        "behavior": "allow",
        "destination": "localSettings",
    },
    {"type": "setMode", "mode": "acceptEdits", "destination": "session"},
]
ASKED = {
    "questions": [
        {
            "question": "Which database?",
            "header": "Database",
            "options": [{"label": "SQLite", "description": "one file"}, {"label": "Postgres", "description": ""}],
            "multiSelect": False,
        },
        {
            "question": "Which parts?",
            "header": "Parts",
            "options": [{"label": "API"}, {"label": "UI"}],
            "multiSelect": True,
        },
    ]
}


def test_what_the_cli_suggests_is_offered_in_words_and_taken_up_when_it_is_named(session: ClaudeSession) -> None:
    (asked,) = events(hear(session, question("Bash", {"command": "touch a"}, permission_suggestions=SUGGESTIONS)))
    assert isinstance(asked, ApprovalRequested)
    assert [(option.id, option.kind) for option in asked.options] == [
        ("allow", "allow_once"),
        ("deny", "reject_once"),
        ("suggestion-1", "allow_always"),
        ("suggestion-2", "allow_always"),
    ]
    assert "Bash(touch *)" in asked.options[2].name
    assert "acceptEdits" in asked.options[3].name
    (frame,) = written(session.answer(asked.native_id, ApprovalAnswer(verdict=Verdict.ALLOW, option_id="suggestion-1")))
    told = {"behavior": "allow", "updatedInput": {"command": "touch a"}, "updatedPermissions": [SUGGESTIONS[0]]}
    assert frame["response"]["response"] == told


@pytest.mark.parametrize("option", [None, "allow", "suggestion-9"])
def test_no_other_answer_takes_a_suggestion_up(session: ClaudeSession, option: str | None) -> None:
    (asked,) = events(hear(session, question("Bash", {"command": "ls"}, permission_suggestions=SUGGESTIONS)))
    assert isinstance(asked, ApprovalRequested)
    (frame,) = written(session.answer(asked.native_id, ApprovalAnswer(verdict=Verdict.ALLOW, option_id=option)))
    assert frame["response"]["response"] == {"behavior": "allow", "updatedInput": {"command": "ls"}}


def test_a_question_is_asked_with_its_choices_and_answered_in_its_input(session: ClaudeSession) -> None:
    (asked,) = events(hear(session, question("AskUserQuestion", ASKED)))
    assert isinstance(asked, ApprovalRequested)
    database, parts = asked.prompts
    assert (database.text, database.header, database.multi_select) == ("Which database?", "Database", False)
    assert [(choice.label, choice.description) for choice in database.choices] == [
        ("SQLite", "one file"),
        ("Postgres", ""),
    ]
    assert parts.multi_select
    assert asked.options == ()
    answers = {database.id: ["my own words"], parts.id: ["API", "UI"]}
    (frame,) = written(session.answer(asked.native_id, ApprovalAnswer(verdict=Verdict.ALLOW, answers=answers)))
    told = {**ASKED, "answers": {"Which database?": "my own words", "Which parts?": "API, UI"}}
    assert frame["response"]["response"] == {"behavior": "allow", "updatedInput": told}


def test_a_plan_is_shown_with_the_request_to_carry_it_out(session: ClaudeSession) -> None:
    (asked,) = events(hear(session, question("ExitPlanMode", {"plan": "1. read\n2. write"})))
    assert isinstance(asked, ApprovalRequested)
    assert asked.detail == "1. read\n2. write"


def test_what_was_asked_in_a_turn_is_withdrawn_with_it_but_for_sub_agents(session: ClaudeSession) -> None:
    session.prompt(message())
    hear(session, lifecycle(FIRST, "started"), question("Bash", {"command": "ls"}))
    own, background = events(hear(session, question("Bash", {"command": "ls"}, request_id="q2"), background_question()))
    assert isinstance(own, ApprovalRequested)
    assert isinstance(background, ApprovalRequested)
    withdrawn = [each for each in events(hear(session, result())) if isinstance(each, ApprovalWithdrawn)]
    assert withdrawn == [ApprovalWithdrawn(native_id='"q1"'), ApprovalWithdrawn(native_id='"q2"')]
    assert session.answer('"q1"', ALLOW) == []
    assert len(session.answer('"q3"', ALLOW)) == 1


def background_question() -> dict[str, Any]:
    return question("Bash", {"command": "ls"}, request_id="q3", agent_id="sub-1")


def test_two_different_requests_under_one_id_are_both_refused(session: ClaudeSession) -> None:
    hear(session, question("Bash", {"command": "ls"}))
    assert hear(session, question("Bash", {"command": "ls"}))[0].events == ()
    frames = hear(session, question("Bash", {"command": "rm -rf /"}))
    assert ApprovalWithdrawn(native_id='"q1"') in events(frames)
    assert written(frames)[0]["response"]["response"]["behavior"] == "deny"
    assert session.answer('"q1"', ALLOW) == []


def test_a_list_of_todos_is_a_plan_and_reasoning_is_told_while_it_streams(session: ClaudeSession) -> None:
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Let me "}}
    todos = [{"content": "look", "status": "in_progress", "activeForm": "Looking"}]
    block = {"type": "tool_use", "id": "t1", "name": "TodoWrite", "input": {"todos": todos}}
    heard = hear(
        session, {"type": "stream_event", "event": delta}, {"type": "assistant", "message": {"content": [block]}}
    )
    assert events(heard) == [
        ThoughtStreamed(delta="Let me "),
        ToolCalled(call_id="t1", tool="TodoWrite", input={"todos": todos}),
        PlanSet(steps=(PlanStep(text="look", state="in_progress"),)),
    ]
