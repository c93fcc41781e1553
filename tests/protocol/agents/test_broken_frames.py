"""What a frame that cannot be read, or not whole, does to a conversation: as little as there is, for every vendor."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from broker.domain.agents.agents import Dialect
from broker.protocol.acp.session import AcpSession
from broker.protocol.agents.events import (
    AgentBroken,
    AgentReady,
    ApprovalRequested,
    ProblemNoted,
    PromptAccepted,
    ToolReturned,
    TurnEnded,
    TurnOutcome,
    TurnStarted,
)
from broker.protocol.agents.frames import NOT_SHOWN
from broker.protocol.agents.session import AgentSession, Frame
from broker.protocol.claude.session import ClaudeSession
from broker.protocol.codex.session import CodexSession
from tests.protocol.acp import test_session as acp
from tests.protocol.claude import test_session as claude
from tests.protocol.codex import test_session as codex
from tests.protocol.dialects import session_for
from tests.protocol.talking import FIRST, SECOND, events, hear, message, opening, written

Start = Callable[[], AgentSession]
DEEP = b'{"a":' * 300 + b"1" + b"}" * 300


def in_turn_acp() -> AgentSession:
    session = AcpSession(opening())
    acp.follow(session, acp.follow(session, session.start(), acp.CAPABLE), {"sessionId": "s1"})
    acp.pong(session, session.prompt(message()))
    return session


def in_turn_codex() -> AgentSession:
    session = CodexSession(opening())
    codex.follow(session, codex.follow(session, session.start(), {}), codex.OPENED)
    codex.running(session)
    return session


def in_turn_claude() -> AgentSession:
    session = claude.ready(ClaudeSession(opening(), session_id="s1"))
    session.prompt(message())
    hear(session, claude.lifecycle(FIRST, "started"))
    return session


IN_TURN: dict[Dialect, Start] = {
    Dialect.ACP: in_turn_acp,
    Dialect.CODEX: in_turn_codex,
    Dialect.CLAUDE: in_turn_claude,
}


def say(session: AgentSession, line: bytes) -> list[Frame]:
    return session.receive(line + b"\n")


def problems(frames: list[Frame]) -> list[str]:
    return [event.detail for event in events(frames) if isinstance(event, ProblemNoted)]


def one(frames: list[Frame], kind: type[Any]) -> Any:
    (found,) = [event for event in events(frames) if isinstance(event, kind)]
    return found


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    "line",
    [
        b"{\"msg\": 'single quoted'}",
        b'{"type":"assistant","message":',
        b'{"method":"session/update","params":{',
        b'{"method":"x","params":[' + b"1," * (9 << 20) + b"1]}",
    ],
    ids=["log", "assistant", "update", "too long"],
)
def test_news_that_cannot_be_read_is_a_problem_and_the_turn_goes_on(dialect: Dialect, line: bytes) -> None:
    session = IN_TURN[dialect]()
    frames = say(session, line)
    assert len(problems(frames)) == 1
    assert written(frames) == []
    assert not [event for event in events(frames) if isinstance(event, TurnEnded | AgentBroken)]
    orjson.loads(frames[0].raw)


@pytest.mark.parametrize("dialect", Dialect)
def test_the_first_problem_of_a_kind_is_told_and_then_every_power_of_ten(dialect: Dialect) -> None:
    session = IN_TURN[dialect]()
    told = [bool(problems(say(session, b'{"x":NaN}'))) for _ in range(200)]
    assert [count for count, said in enumerate(told, start=1) if said] == [1, 10, 100]


@pytest.mark.parametrize("dialect", [Dialect.ACP, Dialect.CODEX])
def test_a_request_that_cannot_be_read_is_refused(dialect: Dialect) -> None:
    frames = say(
        IN_TURN[dialect](), b'{"jsonrpc":"2.0","id":7,"method":"session/request_permission","params":{"a":oh}}'
    )
    (answer,) = written(frames)
    assert (answer["id"], answer["error"]["code"]) == (7, -32700)


def test_a_request_of_claude_that_cannot_be_read_is_refused() -> None:
    frames = say(in_turn_claude(), b'{"type":"control_request","request_id":"r1","request":{"subtype":oh}}')
    (answer,) = written(frames)
    assert answer["response"]["request_id"] == "r1"
    assert answer["response"]["subtype"] == "error"


def test_the_answer_to_a_prompt_that_cannot_be_read_ends_the_turn_and_the_next_one_begins() -> None:
    session = in_turn_acp()
    session.prompt(message(SECOND))
    asked = b'{"jsonrpc":"2.0","id":3,"result":{"stopReason":oh}}'
    frames = say(session, asked)
    ended = one(frames, TurnEnded)
    assert (ended.outcome, ended.message_ids) == (TurnOutcome.FAILED, (FIRST,))
    assert "could not be read" in ended.reason
    assert [each["method"] for each in written(frames)] == ["session/prompt", "_relaycast/ping"]


def test_a_result_of_claude_that_cannot_be_read_ends_the_turn() -> None:
    ended = one(say(in_turn_claude(), b'{"type":"result","subtype":"success","result":oh}'), TurnEnded)
    assert (ended.outcome, ended.message_ids) == (TurnOutcome.FAILED, (FIRST,))


def test_a_turn_of_codex_begins_by_its_notice_when_the_answer_to_it_cannot_be_read() -> None:
    session = CodexSession(opening())
    codex.follow(session, codex.follow(session, session.start(), {}), codex.OPENED)
    (start,) = written(session.prompt(message()))
    lost = say(session, b'{"id":%d,"result":{"turn":oh}}' % start["id"])
    assert not [event for event in events(lost) if isinstance(event, TurnStarted)]
    frames = hear(session, codex.started("u1"))
    assert one(frames, PromptAccepted).message_id == FIRST
    ended = one(hear(session, codex.completed("u1")), TurnEnded)
    assert ended.message_ids == (FIRST,)
    assert [each["method"] for each in written(session.prompt(message(SECOND)))] == ["turn/start"]


@pytest.mark.parametrize(
    ("dialect", "answer"),
    [
        (Dialect.ACP, b'{"jsonrpc":"2.0","id":1,"result":oh}'),
        (Dialect.CODEX, b'{"id":1,"result":oh}'),
        (Dialect.CLAUDE, b'{"type":"control_response","response":oh}'),
    ],
)
def test_a_handshake_that_cannot_be_read_says_so(dialect: Dialect, answer: bytes) -> None:
    session = session_for(dialect, opening(), session_id="s1")
    session.start()
    broken = one(say(session, answer), AgentBroken)
    assert broken.code == "HANDSHAKE_FAILED"
    assert "could not be read" in broken.detail


def test_a_request_of_ours_that_an_agent_prints_back_is_not_answered() -> None:
    session = CodexSession(opening())
    (hello,) = written(session.start())
    assert written(say(session, b"[debug] got " + orjson.dumps(hello))) == []
    codex.follow(session, hear(session, {"id": hello["id"], "result": {}}), codex.OPENED)
    assert written(session.prompt(message()))[0]["method"] == "turn/start"


def test_permission_that_is_asked_for_too_deeply_is_denied_by_acp() -> None:
    session = in_turn_acp()
    options = orjson.dumps(acp.OPTIONS)
    frames = say(
        session,
        b'{"jsonrpc":"2.0","id":9,"method":"session/request_permission","params":{"sessionId":"s1","options":'
        + options
        + b',"toolCall":{"toolCallId":"c","rawInput":'
        + DEEP
        + b"}}}",
    )
    (answer,) = written(frames)
    assert answer["result"]["outcome"] == {"outcome": "selected", "optionId": "no"}
    assert not one(frames, ToolReturned).ok
    assert NOT_SHOWN in problems(frames)
    assert not [event for event in events(frames) if isinstance(event, ApprovalRequested)]


def test_permission_that_is_asked_for_too_deeply_is_denied_by_codex() -> None:
    frames = say(
        in_turn_codex(),
        b'{"id":9,"method":"item/commandExecution/requestApproval","params":{"threadId":"t1","command":"ls","x":'
        + DEEP
        + b"}}",
    )
    (answer,) = written(frames)
    assert answer == {"id": 9, "result": {"decision": "decline"}}
    assert NOT_SHOWN in problems(frames)


def test_permission_that_is_asked_for_too_deeply_is_denied_by_claude() -> None:
    frames = say(
        in_turn_claude(),
        b'{"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Write","input":'
        + DEEP
        + b"}}",
    )
    (answer,) = written(frames)
    assert answer["response"]["response"] == {"behavior": "deny", "message": NOT_SHOWN}
    assert NOT_SHOWN in problems(frames)


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\x1b]0;title\x07", b"\r10%\r20%", b"\x1b[2K\x1b[1G"])
def test_a_handshake_behind_what_terminals_are_sent_is_understood(before: bytes) -> None:
    session = ClaudeSession(opening(), session_id="s1")
    (hello,) = written(session.start())
    assert one(say(session, before + orjson.dumps(claude.answer_to(hello))), AgentReady)
