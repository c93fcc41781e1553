from typing import Any

import pytest

from broker.domain.approvals.answers import AnswerOption, ApprovalAnswer, Scope, Verdict
from broker.domain.ids import MessageId
from broker.protocol.acp.session import AcpSession
from broker.protocol.agents.events import (
    AgentBroken,
    AgentReady,
    ApprovalRequested,
    ApprovalWithdrawn,
    CommandRan,
    FileChange,
    FilesChanged,
    PlanSet,
    PlanStep,
    ProblemNoted,
    PromptAccepted,
    PromptRefused,
    TextSpoken,
    TextStreamed,
    ThoughtStreamed,
    TokensUsed,
    ToolCalled,
    ToolReturned,
    TurnEnded,
    TurnOutcome,
    TurnStarted,
)
from broker.protocol.agents.session import Frame
from tests.protocol.talking import FIRST, SECOND, events, hear, message, opening, written

ALLOW = ApprovalAnswer(verdict=Verdict.ALLOW)
THIRD = MessageId("00000000-0000-4000-8000-000000000003")
DENY = ApprovalAnswer(verdict=Verdict.DENY)
CAPABLE = {
    "protocolVersion": 1,
    "agentInfo": {"name": "gemini-cli", "version": "0.61.0"},
    "agentCapabilities": {"loadSession": True, "mcpCapabilities": {"http": True}},
}
OPTIONS = [
    {"optionId": "server", "kind": "allow_always"},
    {"optionId": "tool", "kind": "allow_always"},
    {"optionId": "once", "kind": "allow_once"},
    {"optionId": "no", "kind": "reject_once"},
]


@pytest.fixture
def session() -> AcpSession:
    session = AcpSession(opening())
    follow(session, follow(session, session.start(), CAPABLE), {"sessionId": "s1"})
    return session


def loading() -> tuple[AcpSession, list[Frame]]:
    session = AcpSession(opening(resume="s1"))
    return session, follow(session, follow(session, session.start(), CAPABLE), {})


def loaded(*history: str) -> AcpSession:
    session, frames = loading()
    hear(session, *(update("user_message_chunk", content={"type": "text", "text": text}) for text in history))
    pong(session, frames)
    return session


def requests(frames: list[Frame], method: str) -> list[dict[str, Any]]:
    return [each for each in written(frames) if each.get("method") == method]


def follow(session: AcpSession, frames: list[Frame], result: dict[str, Any]) -> list[Frame]:
    """Answer the last request among the frames that is no ping."""
    asked = [each for each in written(frames) if "id" in each and each.get("method") != "_relaycast/ping"]
    return hear(session, {"jsonrpc": "2.0", "id": asked[-1]["id"], "result": result})


def pong(session: AcpSession, frames: list[Frame]) -> list[Frame]:
    (ping,) = requests(frames, "_relaycast/ping")
    return hear(session, {"jsonrpc": "2.0", "id": ping["id"], "error": {"code": -32601, "message": "unknown"}})


def update(name: str, **members: object) -> dict[str, Any]:
    params = {"sessionId": "s1", "update": {"sessionUpdate": name, **members}}
    return {"jsonrpc": "2.0", "method": "session/update", "params": params}


def speech(text: str) -> dict[str, Any]:
    return update("agent_message_chunk", content={"type": "text", "text": text})


def permission(call: dict[str, Any], *, request_id: int = 0) -> dict[str, Any]:
    params = {"sessionId": "s1", "options": OPTIONS, "toolCall": {"toolCallId": "c", **call}}
    return {"jsonrpc": "2.0", "id": request_id, "method": "session/request_permission", "params": params}


PICTURE = {"type": "image", "mimeType": "image/png", "data": "iVBORw0KGgo="}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PICTURE, "\n\n![picture](data:image/png;base64,iVBORw0KGgo=)\n\n"),
        ({**PICTURE, "mimeType": "image/svg+xml"}, "\n\n[picture, image/svg+xml, 0 kB]\n\n"),
        ({**PICTURE, "data": "A" * 400_004}, "\n\n[picture, image/png, 300 kB]\n\n"),
        ({**PICTURE, "data": "x)[evil](https://evil.example"}, "\n\n[picture, image/png, 0 kB]\n\n"),
        ({"type": "audio", "mimeType": "audio/wav", "data": "A" * 8000}, "\n\n[sound, audio/wav, 6 kB]\n\n"),
        ({"type": "resource_link", "uri": "file:///a.md", "name": "a.md"}, "[a.md](file:///a.md)"),
    ],
)
def test_pictures_and_links_are_said_as_markdown_and_other_data_is_named(
    session: AcpSession, content: dict[str, str], said: str
) -> None:
    session.prompt(message())
    heard = events(hear(session, update("agent_message_chunk", content=content)))
    assert TextStreamed(delta=said) in heard


def test_the_handshake_opens_a_session_with_our_tools() -> None:
    session = AcpSession(opening())
    frames = follow(session, session.start(), CAPABLE)
    (asked,) = requests(frames, "session/new")
    assert asked["params"]["mcpServers"] == [
        {
            "type": "http",
            "name": "relay",
            "url": "http://127.0.0.1:8222/mcp",
            "headers": [{"name": "Authorization", "value": "Bearer relay-secret"}],
        }
    ]
    heard = events(follow(session, frames, {"sessionId": "s1", "models": {"currentModelId": "auto"}}))
    assert heard == [AgentReady(native_id="s1", model="auto", version="0.61.0")]


MODELS = {"models": {"availableModels": [{"modelId": "m1"}, {"modelId": "m2"}], "currentModelId": "m1"}}
CHOICES = [{"name": "Group", "options": [{"value": "m1"}, {"value": "m2"}]}]
OPTION = {"id": "llm", "category": "model", "type": "select", "currentValue": "m1", "options": CHOICES}


@pytest.mark.parametrize(
    ("offered", "method", "chosen"),
    [
        (MODELS, "session/set_model", {"modelId": "m2"}),
        ({"models": {"availableModels": [{"modelId": "mine/m2"}]}}, "session/set_model", {"modelId": "mine/m2"}),
        ({"configOptions": [{"id": "mode"}, OPTION]}, "session/set_config_option", {"configId": "llm", "value": "m2"}),
    ],
)
def test_the_model_that_is_asked_for_is_chosen_before_the_agent_is_ready(
    offered: dict[str, Any], method: str, chosen: dict[str, Any]
) -> None:
    session = AcpSession(opening(model="m2"))
    frames = follow(session, follow(session, session.start(), CAPABLE), {"sessionId": "s1", **offered})
    (asked,) = requests(frames, method)
    assert (asked["params"], events(frames)) == ({"sessionId": "s1", **chosen}, [])
    (ready,) = events(follow(session, frames, {}))
    assert isinstance(ready, AgentReady)
    assert ready.model == [*chosen.values()][-1]


def test_a_model_that_it_works_with_already_is_not_chosen_again() -> None:
    session = AcpSession(opening(model="m1"))
    frames = follow(session, follow(session, session.start(), CAPABLE), {"sessionId": "s1", **MODELS})
    assert [type(event) for event in events(frames)] == [AgentReady]


def test_a_loaded_conversation_goes_on_with_the_model_that_was_asked_for() -> None:
    session = AcpSession(opening(resume="s1", model="m2"))
    frames = follow(session, follow(session, follow(session, session.start(), CAPABLE), MODELS), {})
    (ready,) = events(pong(session, frames))
    assert isinstance(ready, AgentReady)
    assert (ready.model, ready.resumed) == ("m2", True)


@pytest.mark.parametrize(
    ("offered", "detail"),
    [(MODELS, "m3: no such model; it offers m1, m2"), ({}, "its model cannot be chosen, and m3 was asked for")],
)
def test_a_model_that_cannot_be_had_is_a_refusal_in_words(offered: dict[str, Any], detail: str) -> None:
    session = AcpSession(opening(model="m3"))
    frames = follow(session, follow(session, session.start(), CAPABLE), {"sessionId": "s1", **offered})
    if offered:
        (asked,) = requests(frames, "session/set_model")
        error = {"code": -32602, "message": "no such model"}
        frames = hear(session, {"jsonrpc": "2.0", "id": asked["id"], "error": error})
    assert events(frames) == [AgentBroken(code="MODEL_REFUSED", detail=detail)]


@pytest.mark.parametrize("resume", [None, "s1"])
def test_an_agent_that_is_not_logged_in_says_so_under_a_word_of_its_own(resume: str | None) -> None:
    session = AcpSession(opening(resume=resume))
    (asked,) = written(follow(session, session.start(), CAPABLE))
    refusal = {"code": -32000, "message": "Authentication required"}
    (broken,) = events(hear(session, {"jsonrpc": "2.0", "id": asked["id"], "error": refusal}))
    assert broken == AgentBroken(code="LOGGED_OUT", detail="Authentication required")


def test_it_authenticates_only_when_told_to() -> None:
    session = AcpSession(opening(), auth_method="key")
    frames = follow(session, session.start(), CAPABLE)
    assert requests(frames, "authenticate")[0]["params"] == {"methodId": "key"}
    assert len(requests(follow(session, frames, {}), "session/new")) == 1


def test_an_agent_without_http_servers_works_without_our_tools() -> None:
    session = AcpSession(opening())
    frames = follow(session, session.start(), {"protocolVersion": 1})
    assert requests(frames, "session/new")[0]["params"]["mcpServers"] == []
    assert isinstance(events(frames)[0], ProblemNoted)


def test_another_protocol_version_breaks_it() -> None:
    session = AcpSession(opening())
    (broken,) = events(follow(session, session.start(), {"protocolVersion": 2}))
    assert isinstance(broken, AgentBroken)
    assert broken.code == "HANDSHAKE_FAILED"


def test_an_agent_that_cannot_load_breaks_the_resume() -> None:
    session = AcpSession(opening(resume="s1"))
    broken = events(follow(session, session.start(), {"protocolVersion": 1}))[-1]
    assert isinstance(broken, AgentBroken)
    assert broken.code == "RESUME_FAILED"


def test_a_loaded_session_is_ready_when_its_history_has_been_replayed() -> None:
    session, frames = loading()
    replayed = hear(session, update("user_message_chunk", content={"text": message().text}), speech("Echo"))
    assert events(frames) + events(replayed) == []
    (ready,) = events(pong(session, frames))
    assert ready == AgentReady(native_id="s1", resumed=True, version="0.61.0")


def test_a_message_found_in_the_history_is_not_run_again_and_its_nudge_is() -> None:
    session = loaded("<session_context>…", message().text)
    assert written(session.prompt(message())) == []
    frames = session.prompt(message(nudge="go on"))
    assert requests(frames, "session/prompt")[0]["params"]["prompt"] == [{"type": "text", "text": "go on"}]
    assert [event.type for event in events(frames + pong(session, frames))] == ["prompt_accepted", "turn_started"]


def test_a_header_cut_in_two_chunks_is_found() -> None:
    text = message().text
    session = loaded(text[:20], text[20:])
    assert events(session.prompt(message())) == [PromptAccepted(message_id=FIRST, already_seen=True)]


def test_the_first_prompt_begins_with_the_instructions(session: AcpSession) -> None:
    frames = session.prompt(message())
    (asked,) = requests(frames, "session/prompt")
    assert asked["params"]["prompt"][0]["text"] == f"You are Bob.\n\n{message().text}"
    follow(session, frames, {"stopReason": "end_turn"})
    (asked,) = requests(session.prompt(message(SECOND)), "session/prompt")
    assert asked["params"]["prompt"][0]["text"] == message(SECOND).text


def test_an_answered_ping_proves_that_the_prompt_was_read(session: AcpSession) -> None:
    frames = session.prompt(message())
    assert events(pong(session, frames)) == [
        PromptAccepted(message_id=FIRST),
        TurnStarted(turn_id=FIRST, message_id=FIRST),
    ]


def test_chunks_become_one_text_when_a_tool_or_the_turn_end_comes(session: AcpSession) -> None:
    frames = session.prompt(message())
    pong(session, frames)
    tool = update("tool_call", toolCallId="c", title="ls", kind="execute", status="in_progress")
    spoken = hear(session, speech("Let me "), speech("look."), tool, speech("Done."))
    assert [frame.transient for frame in spoken] == [True, True, False, True]
    quota = {"token_count": {"input_tokens": 20, "output_tokens": 10}}
    ended = follow(session, frames, {"stopReason": "end_turn", "_meta": {"quota": quota}})
    assert events(spoken) + events(ended) == [
        TextStreamed(delta="Let me "),
        TextStreamed(delta="look."),
        TextSpoken(text="Let me look."),
        ToolCalled(call_id="c", tool="execute", input={"title": "ls"}),
        TextStreamed(delta="Done."),
        TokensUsed(input_tokens=20, output_tokens=10),
        TextSpoken(text="Done."),
        TurnEnded(turn_id=FIRST, outcome=TurnOutcome.COMPLETED, message_ids=(FIRST,), text="Done."),
    ]


def test_a_mode_notice_is_no_speech(session: AcpSession) -> None:
    pong(session, session.prompt(message()))
    assert events(hear(session, speech("[MODE_UPDATE] yolo"))) == []


@pytest.mark.parametrize("steer", [True, False])
def test_a_second_prompt_waits_for_the_end_of_the_first(session: AcpSession, steer: bool) -> None:
    frames = session.prompt(message())
    assert session.prompt(message(SECOND, steer=steer)) == []
    assert len(requests(follow(session, frames, {"stopReason": "end_turn"}), "session/prompt")) == 1


def test_a_refused_prompt_may_come_again(session: AcpSession) -> None:
    (asked,) = requests(session.prompt(message()), "session/prompt")
    refused = hear(session, {"id": asked["id"], "error": {"code": -32602, "message": "Session not found"}})
    assert events(refused) == [PromptRefused(message_id=FIRST, reason="Session not found")]
    assert len(requests(session.prompt(message()), "session/prompt")) == 1


def test_a_failed_model_call_is_a_failed_turn(session: AcpSession) -> None:
    (asked,) = requests(session.prompt(message()), "session/prompt")
    heard = events(hear(session, {"id": asked["id"], "error": {"code": 400, "message": "bad request"}}))
    assert heard[-1] == TurnEnded(turn_id=FIRST, outcome=TurnOutcome.FAILED, message_ids=(FIRST,), reason="bad request")


def test_interrupt_cancels_the_prompt_and_its_open_questions(session: AcpSession) -> None:
    assert session.interrupt() == []
    frames = session.prompt(message())
    hear(session, permission({"title": "ls", "kind": "execute"}))
    stopped = session.interrupt()
    cancel, answer = written(stopped)
    assert cancel == {"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": "s1"}}
    assert answer == {"jsonrpc": "2.0", "id": 0, "result": {"outcome": {"outcome": "cancelled"}}}
    assert events(stopped) == [ApprovalWithdrawn(native_id="0")]
    (ended,) = events(follow(session, frames, {"stopReason": "cancelled"}))
    assert isinstance(ended, TurnEnded)
    assert ended.outcome is TurnOutcome.INTERRUPTED


def test_a_question_left_at_the_turns_end_is_withdrawn(session: AcpSession) -> None:
    frames = session.prompt(message())
    hear(session, permission({"title": "ls", "kind": "execute"}))
    assert ApprovalWithdrawn(native_id="0") in events(follow(session, frames, {"stopReason": "end_turn"}))


@pytest.mark.parametrize(
    ("answer", "option"),
    [
        (ALLOW, "once"),
        (ApprovalAnswer(verdict=Verdict.ALLOW, scope=Scope.SESSION), "once"),
        (DENY, "no"),
    ],
)
def test_an_answer_is_chosen_by_kind(session: AcpSession, answer: ApprovalAnswer, option: str) -> None:
    session.prompt(message())
    hear(session, permission({"title": "ls", "kind": "execute"}))
    (frame,) = written(session.answer("0", answer))
    assert frame["result"]["outcome"] == {"outcome": "selected", "optionId": option}
    assert session.answer("0", answer) == []


def test_an_agent_that_cannot_be_allowed_once_says_what_else_it_takes(session: AcpSession) -> None:
    session.prompt(message())
    asked_once = permission({"title": "ls", "kind": "execute"})
    asked_once["params"]["options"] = [
        {"optionId": "a", "kind": "allow_always"},
        {"optionId": "n", "kind": "reject_once"},
    ]
    asked = events(hear(session, asked_once))[-1]
    assert isinstance(asked, ApprovalRequested)
    assert "will not ask" in " ".join(asked.widens)
    assert asked.lasting
    (frame,) = written(session.answer("0", ALLOW))
    assert frame["result"]["outcome"] == {"outcome": "selected", "optionId": "a"}


@pytest.mark.parametrize("kind", ["read", "delete", "move", "edit", "search"])
def test_what_a_tool_is_about_is_told_by_its_locations_and_its_input(session: AcpSession, kind: str) -> None:
    session.prompt(message())
    call = {"title": "x", "kind": kind, "locations": [{"path": "/p/.env", "line": 3}], "rawInput": {"to_path": "/p/b"}}
    asked = events(hear(session, permission(call)))[-1]
    assert isinstance(asked, ApprovalRequested)
    assert asked.paths == ("/p/.env", "/p/b")
    deleted = [FileChange(path="/p/.env", change="delete")] if kind == "delete" else []
    assert list(asked.changes) == deleted


def test_a_command_given_in_words_is_one_line(session: AcpSession) -> None:
    session.prompt(message())
    call = {"title": "x", "kind": "execute", "rawInput": {"command": ["rm", "a b"]}}
    asked = events(hear(session, permission(call)))[-1]
    assert isinstance(asked, ApprovalRequested)
    assert asked.command == "rm 'a b'"


def test_a_rejected_tool_is_told_here_because_the_agent_does_not(session: AcpSession) -> None:
    session.prompt(message())
    hear(session, permission({"title": "ls", "kind": "execute"}))
    denied = session.answer("0", ApprovalAnswer(verdict=Verdict.DENY, note="not now"))
    assert events(denied) == [ToolReturned(call_id="c", ok=False, output="not now", tool="execute")]


def test_a_rejected_tool_is_told_once_even_if_the_agent_tells_it_too(session: AcpSession) -> None:
    session.prompt(message())
    hear(session, permission({"title": "ls", "kind": "execute"}))
    session.answer("0", DENY)
    assert events(hear(session, update("tool_call_update", toolCallId="c", status="failed"))) == []


def test_a_late_piece_of_history_still_counts() -> None:
    session = loaded()
    hear(session, update("user_message_chunk", content={"text": message().text}))
    assert events(session.prompt(message())) == [PromptAccepted(message_id=FIRST, already_seen=True)]


def test_a_turns_end_is_not_hidden_by_a_new_shape(session: AcpSession) -> None:
    heard = events(follow(session, session.prompt(message()), {"stopReason": ["odd"]}))
    assert isinstance(heard[-1], TurnEnded)


def test_a_denials_note_is_told_with_the_next_prompt(session: AcpSession) -> None:
    (first, _) = written(session.prompt(message()))
    hear(session, permission({"title": "ls", "kind": "execute"}))
    session.answer("0", ApprovalAnswer(verdict=Verdict.DENY, note="not now"))
    hear(session, {"id": first["id"], "result": {"stopReason": "end_turn"}})
    (second, _) = written(session.prompt(message(SECOND)))
    text = second["params"]["prompt"][0]["text"]
    assert text == f"The permission you asked for was denied: not now\n\n{message(SECOND).text}"


def test_a_tool_is_heard_of_first_at_its_permission_and_then_when_it_ends(session: AcpSession) -> None:
    session.prompt(message())
    call = "run_shell_command__3f"  # Gemini's, whose title is the command
    asked = events(hear(session, permission({"toolCallId": call, "title": "touch a", "kind": "execute"})))
    assert isinstance(asked[-1], ApprovalRequested)
    assert asked[-1].command == "touch a"
    assert asked[-2] == ToolCalled(call_id=call, tool="execute", input={"title": "touch a"})
    done = update("tool_call_update", toolCallId=call, status="completed", content=[])
    assert events(hear(session, done)) == [CommandRan(call_id=call, command="touch a", tool="execute")]


def test_an_edit_comes_with_its_diff(session: AcpSession) -> None:
    session.prompt(message())
    diff = {"type": "diff", "path": "a.txt", "oldText": "one\n", "newText": "two\n"}
    asked = events(hear(session, permission({"title": "Writing", "kind": "edit", "content": [diff]})))[-1]
    assert isinstance(asked, ApprovalRequested)
    assert asked.changes[0].diff == "--- a.txt\n+++ a.txt\n@@ -1 +1 @@\n-one\n+two\n"
    done = update("tool_call_update", toolCallId="c", status="completed")
    assert events(hear(session, done)) == [FilesChanged(call_id="c", changes=asked.changes, tool="edit")]


@pytest.mark.parametrize(
    ("call", "ours"),
    [
        ({"toolCallId": "mcp_relay_relay_send__39", "title": "relay_send (relay MCP Server)"}, True),
        ({"toolCallId": "run_shell_command__39", "title": "relay_send (relay MCP Server)"}, False),
        ({"toolCallId": "mcp_evil_relay_send__39", "title": "relay_send (evil MCP Server)"}, False),
        ({"toolCallId": "mcp_relay_x_send__39", "title": "send (relay_x MCP Server)"}, False),
    ],
)
def test_only_tools_of_the_server_named_relay_are_ours(session: AcpSession, call: dict[str, str], ours: bool) -> None:
    session.prompt(message())
    asked = events(hear(session, permission({**call, "kind": "other"})))[-1]
    assert isinstance(asked, ApprovalRequested)
    assert asked.relay_tool is ours


@pytest.mark.parametrize(
    "method", ["fs/read_text_file", "terminal/create", "session/request_permission", "invented/tomorrow"]
)
def test_no_request_of_the_agent_stays_unanswered(session: AcpSession, method: str) -> None:
    (answer,) = written(hear(session, {"jsonrpc": "2.0", "id": 0, "method": method, "params": {}}))
    assert (answer["id"], "error" in answer) == (0, True)


def test_a_permission_asked_for_outside_a_turn_is_cancelled(session: AcpSession) -> None:
    (answer,) = written(hear(session, permission({"title": "ls"})))
    assert answer["result"] == {"outcome": {"outcome": "cancelled"}}


def prompt_text(frames: list[Frame]) -> str:
    (prompt,) = requests(frames, "session/prompt")
    return str(prompt["params"]["prompt"][0]["text"])


def test_what_an_agent_has_to_know_first_goes_with_the_next_prompt_when_one_is_refused(session: AcpSession) -> None:
    first = session.prompt(message())
    assert prompt_text(first).startswith("You are Bob.")
    (asked,) = requests(first, "session/prompt")
    hear(session, {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32603, "message": "Internal error"}})
    second = session.prompt(message(SECOND))
    assert prompt_text(second).startswith("You are Bob.")
    pong(session, second)
    follow(session, [frame for frame in second if frame.type == "session/prompt"], {"stopReason": "end_turn"})
    assert "You are Bob." not in prompt_text(session.prompt(message(THIRD)))


def test_permission_that_is_asked_for_while_the_turn_is_being_cancelled_is_answered_so(session: AcpSession) -> None:
    pong(session, session.prompt(message()))
    session.interrupt()
    call = {"toolCallId": "c", "title": "touch x"}
    asked = {"sessionId": "s1", "options": OPTIONS, "toolCall": call}
    frames = hear(session, {"jsonrpc": "2.0", "id": 0, "method": "session/request_permission", "params": asked})
    assert [each["result"] for each in written(frames)] == [{"outcome": {"outcome": "cancelled"}}]
    assert not [event for event in events(frames) if isinstance(event, ApprovalRequested)]


def kimi_asks(session: AcpSession) -> ApprovalRequested:
    """As Kimi Code 0.36 does: the arguments come as the text of the call, and the title is the tool's name."""
    session.prompt(message())
    arguments = {"type": "content", "content": {"type": "text", "text": '{"command": "touch /p/x", "timeout": 5}'}}
    said = {"type": "content", "content": {"type": "text", "text": "Requesting approval to Running: touch /p/x"}}
    hear(session, update("tool_call", toolCallId="c", title="Bash", kind="execute", content=[arguments]))
    asked = events(hear(session, permission({"title": "Bash", "content": [said]})))[-1]
    assert isinstance(asked, ApprovalRequested)
    return asked


def test_the_command_is_the_one_that_the_call_was_given_whatever_its_title(session: AcpSession) -> None:
    asked = kimi_asks(session)
    assert asked.command == "touch /p/x"
    assert asked.detail == "Requesting approval to Running: touch /p/x"


@pytest.mark.parametrize("call_id", ["c", "call_run_shell_command"])
def test_a_title_is_not_taken_for_a_command(session: AcpSession, call_id: str) -> None:
    session.prompt(message())
    asked = events(hear(session, permission({"toolCallId": call_id, "title": "git status", "kind": "execute"})))[-1]
    assert isinstance(asked, ApprovalRequested)
    assert (asked.command, asked.title) == (None, "git status")


def test_the_command_of_the_call_goes_before_a_title_that_differs(session: AcpSession) -> None:
    session.prompt(message())
    raw = {"command": "rm -rf /p", "description": "look around"}
    hear(session, update("tool_call", toolCallId="run_shell_command__1", title="x", kind="execute", rawInput=raw))
    asked = events(hear(session, permission({"toolCallId": "run_shell_command__1", "title": "ls", "kind": "execute"})))
    assert isinstance(asked[-1], ApprovalRequested)
    assert asked[-1].command == "rm -rf /p"


def test_all_answers_that_are_offered_are_told_with_their_names(session: AcpSession) -> None:
    session.prompt(message())
    ask = permission({"title": "x", "kind": "other"})
    ask["params"]["options"] = [
        {"optionId": "a", "name": "Alpha", "kind": "allow_once"},
        {"optionId": "w", "name": "Whatever", "kind": "invented"},
    ]
    asked = events(hear(session, ask))[-1]
    assert isinstance(asked, ApprovalRequested)
    assert asked.options == (
        AnswerOption(id="a", name="Alpha", kind="allow_once"),
        AnswerOption(id="w", name="Whatever", kind="invented"),
    )


ALPHA_BRAVO = [
    {"optionId": "alpha", "name": "Alpha", "kind": "allow_once"},
    {"optionId": "bravo", "name": "Bravo", "kind": "allow_once"},
    {"optionId": "always", "name": "Always", "kind": "allow_always"},
    {"optionId": "never", "name": "Never", "kind": "reject_always"},
]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (ApprovalAnswer(verdict=Verdict.ALLOW, option_id="bravo"), "bravo"),
        (ApprovalAnswer(verdict=Verdict.ALLOW, option_id="always"), "always"),
        (ApprovalAnswer(verdict=Verdict.ALLOW, option_id="gone"), None),
        (ALLOW, None),
        (DENY, "never"),
    ],
)
def test_the_answer_that_was_named_is_given_and_none_of_several_is_guessed(
    session: AcpSession, answer: ApprovalAnswer, told: str | None
) -> None:
    session.prompt(message())
    ask = permission({"title": "x", "kind": "other"})
    ask["params"]["options"] = ALPHA_BRAVO
    hear(session, ask)
    frames = session.answer("0", answer)
    (frame,) = written(frames)
    selected = {"outcome": "selected", "optionId": told}
    assert frame["result"]["outcome"] == (selected if told else {"outcome": "cancelled"})
    said = [event.detail for event in events(frames) if isinstance(event, ProblemNoted)]
    assert len(said) == (1 if told is None else 0)


@pytest.mark.parametrize(
    ("call", "ours"),
    [
        # Copilot and Kimi Code: a title, and the input that the tool takes.
        ({"title": "relay_send", "rawInput": {"to": "Bob", "text": "hi"}}, True),
        ({"title": "relay_agents", "rawInput": {}}, True),
        ({"title": "relay_send", "rawInput": {"command": "rm -rf /"}}, False),
        ({"title": "relay_send", "rawInput": {"to": "Bob", "text": "hi", "command": "rm"}}, False),
        ({"title": "mcp__relay__relay_send", "rawInput": {"to": "Bob", "text": "hi"}}, True),
        ({"title": "mcp__relay__relay_send", "rawInput": {"command": "rm -rf /"}}, False),
        ({"title": "mcp__other__relay_send", "rawInput": {"to": "Bob", "text": "hi"}}, False),
        ({"title": "relay_send"}, False),
        ({"title": "relay_send", "kind": "execute", "rawInput": {"to": "Bob", "text": "hi"}}, False),
        ({"title": "relay_send", "rawInput": {"to": "B", "text": ""}, "locations": [{"path": "/p"}]}, False),
        ({"title": "send", "rawInput": {"to": "Bob", "text": "hi"}}, False),
        # Qwen Code and the adapter of Claude Code: the program's own name of the tool, whatever the title.
        ({"title": '{"to":"Bob"}', "_meta": {"toolName": "mcp__relay__relay_send"}}, True),
        ({"title": "x", "_meta": {"claudeCode": {"toolName": "mcp__relay__relay_send"}}}, True),
        ({"title": "relay_send", "_meta": {"toolName": "mcp__evil__relay_send"}, "rawInput": {}}, False),
        ({"title": "relay_agents", "_meta": {"toolName": "run_shell_command"}, "rawInput": {}}, False),
        ({"title": "x", "_meta": {"toolName": "mcp__relay__x__relay_send"}}, False),
        ({"title": "x", "_meta": {"toolName": "mcp__relay__invented"}}, False),
    ],
)
def test_the_relays_tools_are_known_by_what_the_agents_program_says(
    session: AcpSession, call: dict[str, Any], ours: bool
) -> None:
    session.prompt(message())
    asked = events(hear(session, permission({"kind": "other", **call})))[-1]
    assert isinstance(asked, ApprovalRequested)
    assert asked.relay_tool is ours


def test_two_different_requests_under_one_id_are_both_refused(session: AcpSession) -> None:
    session.prompt(message())
    hear(session, permission({"title": "ls", "kind": "execute"}))
    assert written(hear(session, permission({"title": "ls", "kind": "execute"}))) == []
    frames = hear(session, permission({"title": "rm", "kind": "execute"}))
    assert ApprovalWithdrawn(native_id="0") in events(frames)
    assert "error" in written(frames)[0]
    assert session.answer("0", ALLOW) == []


FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Name", "description": "Who are you?"},
        "size": {"type": "integer", "title": "Size"},
        "color": {"type": "string", "oneOf": [{"const": "#f00", "title": "Red"}, {"const": "#0f0", "title": "Green"}]},
        "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}},
        "ok": {"type": "boolean"},
    },
    "required": ["name", "ok"],
}


def elicitation(**members: object) -> dict[str, Any]:
    params = {"sessionId": "s1", "mode": "form", "message": "Tell me", "requestedSchema": FORM, **members}
    return {"jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": params}


def test_a_tool_that_asks_a_person_is_a_question_and_its_answers_go_back_beside_the_outcome(
    session: AcpSession,
) -> None:
    options = [
        {"optionId": "proceed_once", "kind": "allow_once", "name": "Submit"},
        {"optionId": "other", "kind": "allow_once", "name": "Submit and switch"},
        {"optionId": "cancel", "kind": "reject_once", "name": "Cancel"},
    ]
    asked = {
        "questions": [
            {"question": "Which?", "header": "DB", "options": [{"label": "SQLite"}, {"label": "Postgres"}]},
            {"question": "Which parts?", "multiSelect": True, "options": [{"label": "API"}, {"label": "UI"}]},
        ]
    }
    call = {"toolCallId": "c", "title": "Ask", "rawInput": asked, "_meta": {"toolName": "ask_user_question"}}
    session.prompt(message())
    params = {"sessionId": "s1", "toolCall": call, "options": options}
    answered = {"0": "Postgres", "1": "API, UI"}
    for request_id, answers, chosen, told in (
        (1, {"q1": ["Postgres"], "q2": ["API", "UI"]}, "proceed_once", answered),
        (2, None, "cancel", {}),
    ):
        request = {"jsonrpc": "2.0", "id": request_id, "method": "session/request_permission", "params": params}
        (question,) = [event for event in events(hear(session, request)) if isinstance(event, ApprovalRequested)]
        assert [prompt.text for prompt in question.prompts] == ["Which?", "Which parts?"]
        assert question.options == ()
        verdict = Verdict.ALLOW if answers else Verdict.DENY
        frames = session.answer(question.native_id, ApprovalAnswer(verdict=verdict, answers=answers))
        assert written(frames)[0]["result"] == {
            "outcome": {"outcome": "selected", "optionId": chosen},
            "answers": told,
        }


def test_a_form_is_a_question_and_its_answers_go_back_in_its_own_types(session: AcpSession) -> None:
    session.prompt(message())
    asked = events(hear(session, elicitation()))[-1]
    assert isinstance(asked, ApprovalRequested)
    kinds = [(p.id, p.required, p.free_text, p.multi_select, p.number) for p in asked.prompts]
    assert kinds == [
        ("name", True, True, False, False),
        ("size", False, True, False, True),
        ("color", False, False, False, False),
        ("tags", False, False, True, False),
        ("ok", True, False, False, False),
    ]
    answers = {"name": ["Ann"], "size": ["3"], "color": ["Green"], "tags": ["a", "c"], "ok": ["Yes"]}
    (frame,) = written(session.answer("7", ApprovalAnswer(verdict=Verdict.ALLOW, answers=answers)))
    content = {"name": "Ann", "size": 3, "color": "#0f0", "tags": ["a", "c"], "ok": True}
    assert frame["result"] == {"action": "accept", "content": content}


def test_a_question_is_declined_by_a_denial_and_cancelled_with_its_turn(session: AcpSession) -> None:
    session.prompt(message())
    hear(session, elicitation())
    (declined,) = written(session.answer("7", DENY))
    assert declined["result"] == {"action": "decline"}
    hear(session, elicitation())
    (_, cancelled) = written(session.interrupt())
    assert cancelled["result"] == {"action": "cancel"}
    (late,) = written(hear(session, elicitation()))
    assert late["result"] == {"action": "cancel"}


def test_a_question_that_cannot_be_shown_is_declined_and_that_is_told(session: AcpSession) -> None:
    session.prompt(message())
    frames = hear(session, elicitation(requestedSchema={"type": "object", "properties": {"x": {"type": "object"}}}))
    assert written(frames)[0]["result"] == {"action": "decline"}
    assert [e for e in events(frames) if isinstance(e, ProblemNoted) and "Tell me" in e.detail]


def test_a_plan_and_reasoning_are_told_while_the_turn_runs(session: AcpSession) -> None:
    frames = session.prompt(message())
    pong(session, frames)
    entries = [{"content": "look", "status": "completed"}, {"content": "write", "status": "new"}, "odd"]
    thought = update("agent_thought_chunk", content={"type": "text", "text": "Let me "})
    heard = hear(session, thought, update("plan", entries=entries), update("plan", entries="odd"))
    assert [frame.transient for frame in heard] == [True, False, False]
    assert events(heard) == [
        ThoughtStreamed(delta="Let me "),
        PlanSet(steps=(PlanStep(text="look", state="completed"), PlanStep(text="write"))),
    ]
