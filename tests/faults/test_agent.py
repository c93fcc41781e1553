"""The recording agent, driven over its pipes as relay-connect does it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.traffic import whole_lines

AGENT = Path(__file__).with_name("agent.py")
ID = "00000000-0000-4000-8000-00000000000"


class Driver:
    """The other end of the pipes."""

    def __init__(self, records: Path) -> None:
        command = [sys.executable, "-I", "-S", str(AGENT), str(records)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.records = records

    def say(self, **message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def until_result(self, number: int) -> tuple[Any, list[dict[str, Any]]]:
        """The result of a request, and what came before it."""
        before: list[dict[str, Any]] = []
        while True:
            message = json.loads(self.line())
            if message.get("id") == number and "result" in message:
                return message["result"], before
            before.append(message)

    def begin(self, number: int = 1) -> str:
        self.say(id=number, method="session/new", params={})
        return str(self.until_result(number)[0]["sessionId"])

    def prompt(self, number: int, conversation: str, *orders: str) -> None:
        envelopes = "\n\n".join(
            f'<relay-message id="{ID}{at}" from="x" role="human">\n{order}\n</relay-message>'
            for at, order in enumerate(orders, 1)
        )
        self.say(
            id=number,
            method="session/prompt",
            params={"sessionId": conversation, "prompt": [{"type": "text", "text": envelopes}]},
        )

    def recorded(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in whole_lines(self.records, 0)[0]]

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    made = Driver(tmp_path / "records.jsonl")
    yield made
    made.close()


def test_a_prompt_is_on_record_before_it_is_answered(driver: Driver) -> None:
    conversation = driver.begin()
    driver.prompt(2, conversation, "number 1\nnote 1", "number 2\nnote 2")
    assert driver.until_result(2)[0] == {"stopReason": "end_turn"}
    (record,) = driver.recorded()
    assert record["ids"] == [f"{ID}1", f"{ID}2"]
    assert record["pid"] == driver.process.pid


def test_a_conversation_is_replayed_from_the_record_by_another_process(driver: Driver) -> None:
    conversation = driver.begin()
    driver.prompt(2, conversation, "note 1")
    driver.until_result(2)
    second = Driver(driver.records)
    try:
        second.say(id=1, method="session/load", params={"sessionId": conversation})
        result, before = second.until_result(1)
        assert result == {}
        assert f"{ID}1" in before[0]["params"]["update"]["content"]["text"]
    finally:
        second.close()


def test_a_question_ends_its_turn_when_it_is_answered_and_the_answer_is_on_record(driver: Driver) -> None:
    conversation = driver.begin()
    driver.prompt(2, conversation, "ask q7")
    question = json.loads(driver.line())
    assert question["params"]["toolCall"]["rawInput"] == {"command": "touch q7"}
    driver.say(id=question["id"], result={"outcome": {"outcome": "selected", "optionId": "yes"}})
    assert driver.until_result(2)[0] == {"stopReason": "end_turn"}
    heard = driver.recorded()[-1]
    assert (heard["heard"], heard["outcome"]) == ("q7", "yes")


def test_a_turn_that_waits_for_an_answer_can_be_cancelled(driver: Driver) -> None:
    conversation = driver.begin()
    driver.prompt(2, conversation, "ask q7")
    driver.line()
    driver.say(method="session/cancel", params={"sessionId": conversation})
    assert driver.until_result(2)[0] == {"stopReason": "cancelled"}


def test_a_bad_frame_is_printed_and_the_turn_ends_in_good_order(driver: Driver) -> None:
    conversation = driver.begin()
    driver.prompt(2, conversation, "bad deep-250")
    assert b'{"a":' * 250 in driver.line()
    assert driver.until_result(2)[0] == {"stopReason": "end_turn"}


def test_a_stream_is_printed_whole(driver: Driver) -> None:
    conversation = driver.begin()
    driver.prompt(2, conversation, "stream 1000 10 0.05")
    _, before = driver.until_result(2)
    texts = [m["params"]["update"]["content"]["text"] for m in before]
    assert texts == [*["x" * 10] * 50, "done"]


def test_a_line_that_is_not_complete_is_read_when_it_is(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    assert whole_lines(file, 0) == ([], 0)
    file.write_bytes(b"a\nb\nhal")
    assert whole_lines(file, 0) == ([b"a", b"b"], 4)
    file.write_bytes(b"a\nb\nhalf\n")
    assert whole_lines(file, 4) == ([b"half"], 9)
