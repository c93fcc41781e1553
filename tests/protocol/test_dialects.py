import pytest

from broker.domain.agents import Dialect
from broker.protocol.dialects import session_for
from tests.protocol.talking import events, hear, opening, written


@pytest.mark.parametrize("dialect", Dialect)
def test_every_dialect_begins_with_its_handshake(dialect: Dialect) -> None:
    session = session_for(dialect, opening(), session_id="s1")
    (hello,) = written(session.start())
    assert "initialize" in {hello.get("method"), hello.get("request", {}).get("subtype")}


def test_a_resumed_claude_keeps_its_conversations_id() -> None:
    session = session_for(Dialect.CLAUDE, opening(resume="old"), session_id="new")
    (hello,) = written(session.start())
    response = {"subtype": "success", "request_id": hello["request_id"]}
    (ready,) = events(hear(session, {"type": "control_response", "response": response}))
    assert getattr(ready, "native_id", None) == "old"
