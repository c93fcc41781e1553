from typing import Any

import pytest

from broker.domain.approvals.answers import ApprovalAnswer, Scope, Verdict
from broker.domain.ids import MessageId
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
    TextSpoken,
    ThoughtStreamed,
    TurnEnded,
    TurnOutcome,
    TurnStarted,
)
from broker.protocol.agents.session import Frame
from broker.protocol.codex.session import CodexSession
from tests.protocol.talking import FIRST, SECOND, events, hear, message, opening, written

ALLOW = ApprovalAnswer(verdict=Verdict.ALLOW)
DENY = ApprovalAnswer(verdict=Verdict.DENY)
OPENED = {"thread": {"id": "t1", "cliVersion": "0.169.0"}, "model": "gpt"}


@pytest.fixture
def session() -> CodexSession:
    session = CodexSession(opening())
    opened = follow(session, session.start(), {})
    follow(session, opened, OPENED)
    return session


def resumed(*turns: dict[str, Any]) -> tuple[CodexSession, list[Frame]]:
    session = CodexSession(opening(resume="t1"))
    paged = follow(session, follow(session, session.start(), {}), OPENED)
    return session, follow(session, paged, {"data": list(turns)})


def follow(session: CodexSession, frames: list[Frame], result: dict[str, Any]) -> list[Frame]:
    """Answer the last request among the frames."""
    return hear(session, {"id": written(frames)[-1]["id"], "result": result})


def fail(session: CodexSession, frames: list[Frame], text: str, *, code: int = -32600) -> list[Frame]:
    return hear(session, {"id": written(frames)[-1]["id"], "error": {"code": code, "message": text}})


def notice(method: str, **params: object) -> dict[str, Any]:
    return {"method": method, "params": {"threadId": "t1", **params}}


def started(turn_id: str) -> dict[str, Any]:
    return notice("turn/started", turn={"id": turn_id, "status": "inProgress"})


def completed(turn_id: str, status: str = "completed") -> dict[str, Any]:
    return notice("turn/completed", turn={"id": turn_id, "status": status})


def user_turn(turn_id: str, *message_ids: MessageId, status: str = "interrupted") -> dict[str, Any]:
    items = [{"type": "userMessage", "clientId": each, "content": []} for each in message_ids]
    return {"id": turn_id, "status": status, "items": items}


def running(session: CodexSession) -> CodexSession:
    follow(session, session.prompt(message()), {"turn": {"id": "T"}})
    return session


def test_the_handshake_opens_a_thread_with_our_tools_and_instructions() -> None:
    session = CodexSession(opening())
    initialized, own_hooks, asked = written(follow(session, session.start(), {}))
    assert initialized == {"method": "initialized"}
    assert (own_hooks["method"], own_hooks["params"]) == ("hooks/list", {"cwds": [opening().cwd]})
    assert asked["method"] == "thread/start"
    assert asked["params"]["developerInstructions"] == "You are Bob."
    assert asked["params"]["approvalPolicy"] == "on-request"
    assert asked["params"]["config"]["mcp_servers.relay"] == {
        "url": "http://127.0.0.1:8222/mcp",
        "http_headers": {"Authorization": "Bearer relay-secret"},
        "default_tools_approval_mode": "approve",
    }
    (ready,) = events(hear(session, {"id": asked["id"], "result": OPENED}))
    assert ready == AgentReady(native_id="t1", model="gpt", version="0.169.0", can_steer=True)


def test_of_a_persons_own_hooks_those_that_do_nothing_are_told_with_the_reason() -> None:
    session = CodexSession(opening())
    follow(session, session.start(), {})
    hook = {"eventName": "stop", "matcher": None, "command": "say done", "sourcePath": "/h/hooks.json", "enabled": True}
    hooks = [
        {**hook, "trustStatus": "trusted"},
        {**hook, "trustStatus": "managed"},
        {**hook, "trustStatus": "untrusted"},
        {**hook, "trustStatus": "modified", "matcher": "Bash", "eventName": "preToolUse"},
        {**hook, "trustStatus": "trusted", "enabled": False},
    ]
    said = {
        "data": [{"cwd": "/p", "hooks": hooks, "warnings": ["bad JSON"], "errors": [{"path": "/x", "message": "no"}]}]
    }
    told = events(hear(session, {"id": "hooks/list", "result": said}))
    assert [event.detail for event in told if isinstance(event, ProblemNoted)] == [
        "Codex' own hook stop: say done (/h/hooks.json) does not run: nobody has trusted it: `/hooks` in Codex does",
        "Codex' own hook preToolUse Bash: say done (/h/hooks.json) does not run: it was changed since it was trusted:"
        " `/hooks` in Codex trusts it again",
        "Codex' own hook stop: say done (/h/hooks.json) does not run: it is disabled",
        "Codex' own hooks: bad JSON",
        "Codex' own hooks: /x: no",
    ]


def test_a_version_that_lists_no_hooks_goes_on_without() -> None:
    session = CodexSession(opening())
    follow(session, session.start(), {})
    assert events(hear(session, {"id": "hooks/list", "error": {"code": -32600, "message": "unknown variant"}})) == []


def test_a_refused_resume_breaks_it() -> None:
    session = CodexSession(opening(resume="t1"))
    asked = follow(session, session.start(), {})
    assert events(fail(session, asked, "no rollout found")) == [
        AgentBroken(code="RESUME_FAILED", detail="no rollout found")
    ]


@pytest.mark.parametrize("notice_first", [True, False])
def test_a_prompt_runs_in_a_turn_whichever_of_answer_and_notice_comes_first(
    session: CodexSession, notice_first: bool
) -> None:
    (asked,) = written(session.prompt(message()))
    assert asked["params"]["clientUserMessageId"] == FIRST
    answer = {"id": asked["id"], "result": {"turn": {"id": "T", "status": "inProgress"}}}
    order = [started("T"), answer] if notice_first else [answer, started("T")]
    said = notice("item/completed", item={"type": "agentMessage", "id": "m", "text": "Done."})
    heard = events(hear(session, *order, said, completed("T")))
    assert [event for event in heard if event.type != "text"] == [
        PromptAccepted(message_id=FIRST),
        TurnStarted(turn_id="T", message_id=FIRST),
        TurnEnded(turn_id="T", outcome=TurnOutcome.COMPLETED, message_ids=(FIRST,), text="Done."),
    ]


def test_a_turn_that_ends_before_it_is_answered_for_begins_only_once(session: CodexSession) -> None:
    frames = session.prompt(message())
    heard = events(hear(session, started("T"), completed("T")) + follow(session, frames, {"turn": {"id": "T"}}))
    assert [event.type for event in heard] == ["prompt_accepted", "turn_started", "turn_ended"]
    assert len(written(session.prompt(message(SECOND)))) == 1


def test_a_turns_end_is_not_hidden_by_items_of_a_new_shape(session: CodexSession) -> None:
    running(session)
    turn = {"id": "T", "status": "completed", "items": [{"type": 7}]}
    (ended,) = events(hear(session, notice("turn/completed", turn=turn)))
    assert isinstance(ended, TurnEnded)


def test_a_prompt_during_a_turn_is_kept_until_its_end(session: CodexSession) -> None:
    running(session)
    assert session.prompt(message(SECOND)) == []
    (asked,) = written(hear(session, completed("T")))
    assert (asked["method"], asked["params"]["clientUserMessageId"]) == ("turn/start", SECOND)


def test_a_steering_prompt_joins_the_turn(session: CodexSession) -> None:
    running(session)
    frames = session.prompt(message(SECOND, steer=True))
    assert written(frames)[0]["params"]["expectedTurnId"] == "T"
    assert events(follow(session, frames, {"turnId": "T"})) == [
        PromptAccepted(message_id=SECOND),
        PromptJoinedTurn(message_id=SECOND, turn_id="T"),
    ]
    (ended,) = events(hear(session, completed("T")))
    assert isinstance(ended, TurnEnded)
    assert ended.message_ids == (FIRST, SECOND)


def test_steering_that_comes_too_late_starts_a_turn_of_its_own(session: CodexSession) -> None:
    running(session)
    steered = session.prompt(message(SECOND, steer=True))
    hear(session, completed("T"))
    (asked,) = written(fail(session, steered, "no active turn to steer"))
    assert (asked["method"], asked["params"]["clientUserMessageId"]) == ("turn/start", SECOND)


def test_steering_into_a_turn_that_takes_none_waits_for_its_end(session: CodexSession) -> None:
    running(session)
    assert written(fail(session, session.prompt(message(SECOND, steer=True)), "turn cannot be steered")) == []
    (asked,) = written(hear(session, completed("T")))
    assert asked["method"] == "turn/start"


def test_an_overloaded_server_refuses_the_prompt_and_may_be_asked_again(session: CodexSession) -> None:
    refused = fail(session, session.prompt(message()), "Server overloaded; retry later.", code=-32001)
    assert events(refused) == [PromptRefused(message_id=FIRST, reason="overloaded")]
    assert len(written(session.prompt(message()))) == 1


def test_interrupt_names_the_running_turn(session: CodexSession) -> None:
    assert session.interrupt() == []
    running(session)
    (asked,) = written(session.interrupt())
    assert asked["params"] == {"threadId": "t1", "turnId": "T"}
    (ended,) = events(hear(session, completed("T", "interrupted")))
    assert isinstance(ended, TurnEnded)
    assert ended.outcome is TurnOutcome.INTERRUPTED


def test_what_an_interrupted_turn_has_said_so_far_is_kept(session: CodexSession) -> None:
    running(session)
    for item, piece in (("i1", "Whole."), ("i2", "I am "), ("i2", "about to")):
        hear(
            session, {"method": "item/agentMessage/delta", "params": {"threadId": "t1", "itemId": item, "delta": piece}}
        )
    said = {"id": "i1", "type": "agentMessage", "text": "Whole."}
    hear(session, {"method": "item/completed", "params": {"threadId": "t1", "item": said}})
    partial, ended = events(hear(session, completed("T", "interrupted")))
    assert partial == TextSpoken(text="I am about to")
    assert isinstance(ended, TurnEnded)
    assert ended.text == "I am about to"


def test_interrupt_before_the_turn_has_an_id_follows_when_it_has(session: CodexSession) -> None:
    frames = session.prompt(message())
    assert session.interrupt() == []
    (asked,) = written(follow(session, frames, {"turn": {"id": "T"}}))
    assert asked["method"] == "turn/interrupt"


def test_a_message_found_in_the_threads_history_is_not_run_again() -> None:
    session, frames = resumed(user_turn("T0", FIRST))
    assert [event.type for event in events(frames)] == ["ready"]
    known = session.prompt(message())
    assert events(known) == [PromptAccepted(message_id=FIRST, already_seen=True)]
    assert written(known) == []


def test_its_nudge_runs_as_a_turn_of_the_same_message() -> None:
    session, _ = resumed(user_turn("T0", FIRST))
    frames = session.prompt(message(nudge="go on"))
    (asked,) = written(frames)
    assert asked["params"]["input"] == [{"type": "text", "text": "go on"}]
    assert asked["params"]["clientUserMessageId"] != FIRST
    assert events(follow(session, frames, {"turn": {"id": "T1"}})) == [TurnStarted(turn_id="T1", message_id=FIRST)]


def test_a_message_is_known_by_its_header_too() -> None:
    content = [{"type": "text", "text": message().text}]
    session, _ = resumed({"id": "T0", "status": "interrupted", "items": [{"type": "userMessage", "content": content}]})
    assert events(session.prompt(message())) == [PromptAccepted(message_id=FIRST, already_seen=True)]


def test_a_message_that_never_reached_the_thread_is_run() -> None:
    session, _ = resumed({"id": "T0", "status": "interrupted", "items": []})
    assert written(session.prompt(message(nudge="go on")))[0]["params"]["clientUserMessageId"] == FIRST


def test_a_turn_that_outlived_its_client_goes_on() -> None:
    session, frames = resumed(user_turn("T1", FIRST, status="inProgress"))
    assert events(frames)[1:] == [TurnStarted(turn_id="T1", message_id=FIRST)]
    assert session.prompt(message(SECOND)) == []


def test_a_command_is_asked_about_without_its_shell_wrapping(session: CodexSession) -> None:
    params = {"threadId": "t1", "itemId": "i", "command": "/bin/bash -lc 'touch a && echo b'", "cwd": "/tmp"}
    (asked,) = events(hear(session, {"id": 0, "method": "item/commandExecution/requestApproval", "params": params}))
    assert isinstance(asked, ApprovalRequested)
    assert (asked.native_id, asked.command, asked.cwd) == ("0", "touch a && echo b", "/tmp")


def test_a_file_change_is_asked_about_with_the_diff_of_its_item(session: CodexSession) -> None:
    change = {"path": "a.txt", "kind": {"type": "add"}, "diff": "hello\n"}
    begun = notice("item/started", item={"type": "fileChange", "id": "i", "changes": [change]})
    ask = {"id": 0, "method": "item/fileChange/requestApproval", "params": {"threadId": "t1", "itemId": "i"}}
    asked = events(hear(session, begun, ask))[-1]
    assert isinstance(asked, ApprovalRequested)
    assert asked.changes == (FileChange(path="a.txt", change="add", diff="hello\n"),)


@pytest.mark.parametrize(
    ("answer", "decision"),
    [
        (ALLOW, "accept"),
        (ApprovalAnswer(verdict=Verdict.ALLOW, scope=Scope.SESSION), "accept"),
        (ApprovalAnswer(verdict=Verdict.DENY), "decline"),
        (ApprovalAnswer(verdict=Verdict.DENY, interrupt=True), "cancel"),
    ],
)
def test_an_answer_becomes_a_decision(session: CodexSession, answer: ApprovalAnswer, decision: str) -> None:
    hear(session, {"id": 0, "method": "item/fileChange/requestApproval", "params": {"itemId": "i"}})
    assert written(session.answer("0", answer)) == [{"id": 0, "result": {"decision": decision}}]
    assert session.answer("0", answer) == []


def asked_by(session: CodexSession, method: str, **params: object) -> ApprovalRequested:
    asked = events(hear(session, {"id": 0, "method": f"item/{method}/requestApproval", "params": params}))[-1]
    assert isinstance(asked, ApprovalRequested)
    return asked


def test_a_file_that_is_moved_is_asked_about_with_both_its_paths(session: CodexSession) -> None:
    change = {"path": "/p/notes.txt", "kind": {"type": "update", "move_path": "/home/u/.bashrc"}, "diff": "x"}
    hear(session, notice("item/started", item={"type": "fileChange", "id": "i", "changes": [change]}))
    asked = asked_by(session, "fileChange", threadId="t1", itemId="i")
    assert asked.paths == ("/p/notes.txt", "/home/u/.bashrc")
    assert "/home/u/.bashrc" in asked.title


def test_a_sub_agents_edit_is_asked_about_with_its_files(session: CodexSession) -> None:
    item = {"type": "fileChange", "id": "i", "changes": [{"path": "/p/.env", "kind": {"type": "add"}}]}
    hear(session, {"method": "item/started", "params": {"threadId": "sub", "item": item}})
    assert asked_by(session, "fileChange", threadId="sub", itemId="i").paths == ("/p/.env",)


def test_a_folder_that_is_opened_for_good_is_told_in_words(session: CodexSession) -> None:
    asked = asked_by(session, "fileChange", threadId="t1", itemId="i", grantRoot="/home/u")
    assert asked.paths == ("/home/u",)
    assert asked.widens == ("may change everything in /home/u from then on",)
    assert asked.widens[0] in asked.title
    assert asked.lasting


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"additionalPermissions": {"network": {"enabled": True}}}, "more permissions"),
        ({"networkApprovalContext": {"host": "evil.example", "protocol": "https"}}, "evil.example"),
        ({"kind": "writeStdin"}, "a program that is running"),
    ],
)
def test_what_a_command_asks_for_besides_is_told_in_words(
    session: CodexSession, params: dict[str, object], words: str
) -> None:
    asked = asked_by(session, "commandExecution", threadId="t1", itemId="i", command="git status", **params)
    assert words in asked.title
    assert words in " ".join(asked.widens)
    assert asked.command == "git status"


def test_a_denials_note_joins_the_turn(session: CodexSession) -> None:
    running(session)
    hear(session, {"id": 0, **notice("item/commandExecution/requestApproval", itemId="c", command="ls", cwd="/tmp")})
    _, steer = written(session.answer("0", ApprovalAnswer(verdict=Verdict.DENY, note="not now")))
    assert steer["method"] == "turn/steer"
    assert steer["params"]["input"][0]["text"] == "The permission you asked for was denied: not now"
    assert hear(session, {"id": steer["id"], "result": {"turnId": "u1"}})[0].events == ()


@pytest.mark.parametrize(("server", "ours"), [("relay", True), ("relay2", False)])
def test_only_tools_of_the_server_named_relay_are_ours(session: CodexSession, server: str, ours: bool) -> None:
    meta = {"codex_approval_kind": "mcp_tool_call", "tool_name": "relay_send", "tool_params": {}}
    params = {"threadId": "t1", "serverName": server, "_meta": meta}
    (asked,) = events(hear(session, {"id": "x", "method": "mcpServer/elicitation/request", "params": params}))
    assert isinstance(asked, ApprovalRequested)
    assert (asked.native_id, asked.tool, asked.relay_tool) == ('"x"', f"mcp__{server}__relay_send", ours)
    assert written(session.answer('"x"', ALLOW)) == [{"id": "x", "result": {"action": "accept", "content": {}}}]


def test_an_approval_somebody_else_answered_is_withdrawn(session: CodexSession) -> None:
    ask = {"id": 0, "method": "item/fileChange/requestApproval", "params": {"itemId": "i"}}
    heard = events(hear(session, ask, ask, notice("serverRequest/resolved", requestId=0)))
    assert heard[1:] == [ApprovalWithdrawn(native_id="0")]


@pytest.mark.parametrize(
    "method",
    [
        "item/permissions/requestApproval",
        "item/tool/requestUserInput",
        "item/tool/call",
        "mcpServer/elicitation/request",
        "item/fileChange/requestApproval",
        "invented/tomorrow",
    ],
)
def test_no_request_of_codex_stays_unanswered(session: CodexSession, method: str) -> None:
    (answer,) = written(hear(session, {"id": 0, "method": method, "params": {}}))
    assert answer["id"] == 0
    assert "result" in answer or "error" in answer


def test_other_threads_do_not_touch_ours(session: CodexSession) -> None:
    running(session)
    other = {"method": "turn/completed", "params": {"threadId": "t2", "turn": {"id": "T", "status": "completed"}}}
    assert events(hear(session, other)) == []


def asks(native_id: int, *, thread: str) -> dict[str, Any]:
    params = {"threadId": thread, "itemId": "i", "command": "ls"}
    return {"id": native_id, "method": "item/commandExecution/requestApproval", "params": params}


def test_an_approval_of_a_sub_agent_that_is_void_is_withdrawn(session: CodexSession) -> None:
    running(session)
    hear(session, asks(0, thread="sub"))
    resolved = {"method": "serverRequest/resolved", "params": {"threadId": "sub", "requestId": 0}}
    assert events(hear(session, resolved)) == [ApprovalWithdrawn(native_id="0")]
    (again,) = events(hear(session, asks(0, thread="sub")))
    assert isinstance(again, ApprovalRequested)


def test_the_end_of_a_turn_withdraws_what_was_asked_in_its_thread(session: CodexSession) -> None:
    running(session)
    hear(session, asks(0, thread="sub"), asks(1, thread="t1"))
    ended = {"method": "turn/completed", "params": {"threadId": "sub", "turn": {"id": "x", "status": "completed"}}}
    assert events(hear(session, ended)) == [ApprovalWithdrawn(native_id="0")]
    (own, withdrawn) = events(hear(session, completed("T")))
    assert isinstance(own, TurnEnded)
    assert withdrawn == ApprovalWithdrawn(native_id="1")


def test_a_notice_that_comes_behind_the_end_of_its_turn_begins_no_other(session: CodexSession) -> None:
    running(session)
    hear(session, completed("T"))
    assert events(hear(session, started("T"))) == []
    assert written(session.prompt(message(SECOND)))[0]["method"] == "turn/start"


def test_another_turn_ends_the_one_whose_end_was_not_told(session: CodexSession) -> None:
    running(session)
    ended, begun = events(hear(session, started("u2")))
    assert isinstance(ended, TurnEnded)
    assert (ended.turn_id, ended.outcome) == ("T", TurnOutcome.FAILED)
    assert begun == TurnStarted(turn_id="u2")


def test_an_interrupt_that_meets_a_refused_start_does_not_stop_the_next_turn(session: CodexSession) -> None:
    asked = session.prompt(message())
    session.interrupt()
    fail(session, asked, "no")
    begun = follow(session, session.prompt(message(SECOND)), {"turn": {"id": "u2"}})
    assert [event for event in events(begun) if isinstance(event, TurnStarted)]
    assert written(begun) == []


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("/bin/bash -lc 'git status'", "git status"),
        ("zsh -c ls", "ls"),
        ("./evilsh -c 'git status'", "./evilsh -c 'git status'"),
        ("/tmp/x/sh -c 'git status'", "/tmp/x/sh -c 'git status'"),
        ("publish -c 'git status'", "publish -c 'git status'"),
    ],
)
def test_only_a_shell_is_left_out_of_a_command(session: CodexSession, command: str, shown: str) -> None:
    running(session)
    request = asks(0, thread="t1")
    request["params"]["command"] = command
    (asked,) = events(hear(session, request))
    assert isinstance(asked, ApprovalRequested)
    assert asked.command == shown


AMENDMENT = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch", "a"]}}


@pytest.mark.parametrize(
    ("option", "decision"),
    [
        (None, "accept"),
        ("accept", "accept"),
        ("acceptForSession", "acceptForSession"),
        ("acceptWithExecpolicyAmendment", AMENDMENT),
        ("invented", "accept"),
    ],
)
def test_only_the_decision_that_is_named_lasts(session: CodexSession, option: str | None, decision: object) -> None:
    offered = ["accept", "acceptForSession", AMENDMENT, "cancel"]
    asked = asked_by(session, "commandExecution", threadId="t1", command="touch a", availableDecisions=offered)
    assert [each.id for each in asked.options if each.lasts] == ["acceptForSession", "acceptWithExecpolicyAmendment"]
    answer = ApprovalAnswer(verdict=Verdict.ALLOW, option_id=option)
    assert written(session.answer("0", answer)) == [{"id": 0, "result": {"decision": decision}}]


def test_a_request_for_permissions_is_put_to_a_person_and_granted_for_the_turn(session: CodexSession) -> None:
    wanted = {"network": {"enabled": True}}
    asked = asked_by(session, "permissions", threadId="t1", permissions=wanted, cwd="/p", reason="to install")
    assert asked.lasting
    assert '"enabled":true' in asked.title
    assert written(session.answer("0", ALLOW)) == [{"id": 0, "result": {"permissions": wanted, "scope": "turn"}}]


QUESTIONS = [
    {
        "id": "db",
        "header": "DB",
        "question": "Which?",
        "options": [{"label": "A", "description": "a"}],
        "isOther": True,
    },
    {"id": "key", "header": "Key", "question": "Your key?", "isSecret": True, "options": None},
]


def ask_user(session: CodexSession, questions: object = QUESTIONS) -> list[Frame]:
    params = {"threadId": "t1", "turnId": "u1", "itemId": "i", "isBlocking": True, "questions": questions}
    return hear(session, {"id": 3, "method": "item/tool/requestUserInput", "params": params})


def test_a_question_is_asked_and_answered_by_its_ids(session: CodexSession) -> None:
    (asked,) = events(ask_user(session))
    assert isinstance(asked, ApprovalRequested)
    assert [(p.id, p.free_text, p.secret) for p in asked.prompts] == [("db", True, False), ("key", True, True)]
    answers = {"db": ["A"], "key": ["hunter2"]}
    (frame,) = written(session.answer("3", ApprovalAnswer(verdict=Verdict.ALLOW, answers=answers)))
    assert frame["result"] == {"answers": {"db": {"answers": ["A"]}, "key": {"answers": ["hunter2"]}}}


def test_a_question_that_nobody_wants_to_answer_gets_no_answers(session: CodexSession) -> None:
    ask_user(session)
    assert written(session.answer("3", DENY))[0]["result"] == {"answers": {}}


def test_a_servers_form_and_its_link_are_questions(session: CodexSession) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]}
    form = {"threadId": "t1", "serverName": "s", "mode": "form", "message": "How many?", "requestedSchema": schema}
    link = {"threadId": "t1", "serverName": "s", "mode": "url", "message": "Sign in", "url": "https://a.example/x"}
    method = "mcpServer/elicitation/request"
    first, second = events(
        hear(session, {"id": 1, "method": method, "params": form}, {"id": 2, "method": method, "params": link})
    )
    assert isinstance(first, ApprovalRequested)
    assert isinstance(second, ApprovalRequested)
    assert first.prompts[0].number
    assert "https://a.example/x" in second.prompts[0].text
    answered = session.answer("1", ApprovalAnswer(verdict=Verdict.ALLOW, answers={"n": ["2.5"]}))
    assert written(answered)[0]["result"] == {"action": "accept", "content": {"n": 2.5}}
    assert written(session.answer("2", DENY))[0]["result"] == {"action": "decline"}


def test_a_form_that_cannot_be_shown_is_declined_and_that_is_told(session: CodexSession) -> None:
    params = {"threadId": "t1", "serverName": "s", "mode": "openai/userVerification", "title": "Are you you?"}
    frames = hear(session, {"id": 1, "method": "mcpServer/elicitation/request", "params": params})
    assert written(frames)[0]["result"] == {"action": "decline"}
    assert "Are you you?" in str(events(frames))


def test_two_different_requests_under_one_id_are_both_refused(session: CodexSession) -> None:
    ask = {"id": 0, "method": "item/commandExecution/requestApproval", "params": {"threadId": "t1", "command": "ls"}}
    hear(session, ask)
    assert events(hear(session, ask)) == []
    frames = hear(session, {**ask, "params": {"threadId": "t1", "command": "rm -rf /"}})
    assert ApprovalWithdrawn(native_id="0") in events(frames)
    assert written(frames)[0]["result"] == {"decision": "decline"}
    assert session.answer("0", ALLOW) == []


def test_a_plan_and_a_summary_of_reasoning_are_told_while_the_turn_runs(session: CodexSession) -> None:
    plan = [{"step": "look", "status": "completed"}, {"step": "write", "status": "inProgress"}]
    thought = notice("item/reasoning/summaryTextDelta", itemId="r1", delta="Let me ")
    assert events(hear(session, thought, notice("turn/plan/updated", plan=plan, explanation=None))) == [
        ThoughtStreamed(delta="Let me "),
        PlanSet(steps=(PlanStep(text="look", state="completed"), PlanStep(text="write", state="in_progress"))),
    ]
