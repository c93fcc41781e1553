"""What lists show of an agent, from its frames' events."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.agents.glimpse import LONGEST_LINE, Glimpse, first_line, glimpse, last_line

CALL = {"type": "tool_call", "call_id": "1", "tool": "Bash", "input": {"command": "make test\nmake lint"}}
RESULT = {"type": "tool_result", "call_id": "1", "ok": True}


@pytest.mark.parametrize(
    ("events", "seen"),
    [
        ([], Glimpse()),
        ([{"type": "text", "text": "Looking.\n\nFound  it \n"}], Glimpse(said="Found it")),
        ([{"type": "text", "text": "One"}, {"type": "text", "text": " \n"}], Glimpse(said="One")),
        ([{"type": "text_delta", "delta": "half a wo"}, {"type": "thought", "text": "hm"}], Glimpse()),
        ([CALL], Glimpse(call="1", doing="Bash: make test")),
        ([CALL, RESULT], Glimpse(over=("1",))),
        ([RESULT], Glimpse(over=("1",))),
        ([CALL, RESULT, {**CALL, "call_id": "2", "input": None}], Glimpse(call="2", doing="Bash", over=("1",))),
        (
            [{"type": "command", "call_id": "9"}, CALL],
            Glimpse(call="1", doing="Bash: make test", over=("9",)),
        ),
    ],
)
def test_the_last_line_and_the_tool_in_use_are_seen(events: list[dict[str, Any]], seen: Glimpse) -> None:
    assert glimpse(events) == seen


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": None},
        {"type": "text", "text": 7},
        {"type": "tool_call", "call_id": ["1"]},
        {"type": "tool_call", "tool": "Bash"},
        {"type": "tool_result", "call_id": None},
    ],
)
def test_what_cannot_be_read_says_nothing(event: dict[str, Any]) -> None:
    assert glimpse([event]) == Glimpse()


def test_lines_are_short_however_long_the_text() -> None:
    assert first_line("\n \n" + "x" * 10_000) == last_line("x" * 10_000 + "\n\n") == "x" * LONGEST_LINE
    assert len(glimpse([{**CALL, "input": {"command": "y" * 10_000}}]).doing) == LONGEST_LINE
    assert len(glimpse([{**CALL, "call_id": "z" * 10_000}]).call) == LONGEST_LINE
