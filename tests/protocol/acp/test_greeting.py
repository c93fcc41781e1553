"""What an agent's first words say about it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.protocol.acp.greeting import AcpGreeting, Greeted


def _line(**message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"


_HELLO = _line(id=1, result={"protocolVersion": 1, "agentInfo": {"name": "x", "version": "1.2.3"}})


def _said(*data: bytes, cwd: str | None = "/empty") -> Greeted | None:
    greeting = AcpGreeting(client_version="0.0.0", cwd=cwd)
    greeting.start()
    for each in data:
        greeting.receive(each)
    return greeting.result


@pytest.mark.parametrize(
    ("data", "result"),
    [
        ((_HELLO,), None),
        ((_HELLO, _line(id=2, result={"sessionId": "s"})), Greeted(version="1.2.3")),
        ((_HELLO, _line(id=2, error={"code": -32000, "message": "x"})), Greeted(version="1.2.3", logged_out=True)),
        ((_HELLO, _line(id=2, error={"code": -32603, "message": "x"})), Greeted(version="1.2.3")),
        ((b"Loading config ...\n", _HELLO[:9], _HELLO[9:], _line(id=2, result={})), Greeted(version="1.2.3")),
        ((_line(id=1, error={"code": -1, "message": "not today"}),), Greeted(refusal="not today")),
        ((_line(id=1, result={"protocolVersion": 2}),), Greeted(refusal="it speaks protocol version 2, not 1")),
        (
            (_line(id=1, result={"hello": "you"}),),
            Greeted(refusal="its answer to `initialize` is none of the protocol's"),
        ),
    ],
)
def test_only_the_protocols_own_answers_count(data: tuple[bytes, ...], result: Greeted | None) -> None:
    assert _said(*data) == result


def test_an_echo_of_our_own_words_is_no_answer() -> None:
    greeting = AcpGreeting(client_version="0.0.0")
    greeting.receive(greeting.start())
    assert (greeting.greeted, greeting.result) == (False, None)


def test_no_conversation_is_begun_where_none_is_wanted() -> None:
    greeting = AcpGreeting(client_version="0.0.0")
    greeting.start()
    assert greeting.receive(_HELLO) == b""
    assert greeting.result == Greeted(version="1.2.3")


def test_what_an_agent_asks_meanwhile_is_refused_so_that_it_does_not_wait() -> None:
    greeting = AcpGreeting(client_version="0.0.0")
    greeting.start()
    answer = json.loads(greeting.receive(_line(id=7, method="fs/read_text_file", params={})))
    assert (answer["id"], answer["error"]["message"]) == (7, "not supported")
