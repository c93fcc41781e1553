"""What a session event becomes in the long history."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.logs.rows import LineKind, LogRow
from broker.domain.logs.search.language import parse
from broker.domain.logs.search.lexer import write_quoted
from broker.protocol.agents.events import (
    ApprovalRequested,
    CommandRan,
    FilesChanged,
    TextSpoken,
    ToolCalled,
    ToolReturned,
    TurnEnded,
)
from broker.protocol.agents.session import Frame
from tests.domain.logs.log_events import event, finds, frame_event, line, logged, row_of, rows_of
from tests.protocol.agents.test_transcripts import recordings
from tests.protocol.player import play

NOW = datetime(2026, 11, 22, tzinfo=UTC)
COMMAND = {"type": "command", "call_id": "c1", "command": "make lint", "exit_code": 2, "output": "E501 too long"}


def test_a_line_knows_where_it_stands_and_whose_it_is() -> None:
    row = line(frame_event({"type": "text", "text": "hello"}))
    assert (row.workspace, row.session, row.epoch, row.offset) == ("w1", "s1", "e1", 7)
    assert row.at == datetime(2026, 11, 22, 14, 58, 54, 483_000, tzinfo=UTC)
    assert (row.agent, row.agent_id, row.cli, row.event) == ("Bob", "id-of-Bob", "claude", "agent.frame")
    assert (row.kind, row.text, row.frame_type) == (LineKind.TEXT, "hello", "assistant")


def test_a_streaming_fragment_is_not_kept() -> None:
    assert row_of(frame_event({"type": "text_delta", "delta": "hel"}, transient=True)) is None
    assert row_of(frame_event({"type": "thought_delta", "delta": "hm"}, transient=True)) is None
    assert row_of(frame_event(transient=True)) is None


def test_a_fragment_that_carries_something_finished_is_kept() -> None:
    row = line(frame_event({"type": "text_delta", "delta": "x"}, {"type": "text", "text": "whole"}, transient=True))
    assert row.text == "whole"


def test_the_steps_of_a_plan_are_found() -> None:
    steps = [{"text": "look", "state": "completed"}, {"text": "write", "state": "pending"}]
    assert line(frame_event({"type": "plan", "steps": steps})).text == "look\nwrite"


def test_a_command_has_its_exit_status_and_output() -> None:
    row = line(frame_event(COMMAND))
    assert (row.kind, row.command, row.exit_code, row.ok) == (LineKind.COMMAND, "make lint", 2, False)
    assert row.text == "make lint\nE501 too long"


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("1 test \x1b[31mFAILED\x1b[0m here", "1 test FAILED here"),
        ("\x1b[38;5;196mwarn\x1b[1;0ming", "warning"),
        ("\x1b(B\x1b[mdone", " done"),
        ("\x1b[?25lhidden\x1b[?25h", " hidden "),
        ("\x9b1mbold", " bold"),
        (
            "\x1b]8;;http://example.test/a\x1b\\a link\x1b]8;;\x1b\\",
            "\x1b]8;;http://example.test/a\x1b\\a link\x1b]8;;\x1b\\",
        ),
        ("a lone \x1b", "a lone \x1b"),
    ],
)
def test_words_are_found_without_what_steers_a_terminal_around_them(printed: str, words: str) -> None:
    row = line(frame_event({**COMMAND, "output": printed}))
    assert row.text == f"make lint\n{words}"
    assert line(frame_event({"type": "text", "text": printed})).text == words


@pytest.mark.parametrize("between", ["\x1b(B", "\x1b[?25h", "\x9bm"])
def test_what_redaction_does_not_see_through_is_not_joined(between: str) -> None:
    token = "rk_live_" + "a1b2c3d4" * 5
    row = line(frame_event({"type": "text", "text": f"{token[:20]}{between}{token[20:]}"}))
    assert token not in row.text


@pytest.mark.parametrize(("code", "ok"), [(0, True), (None, True), (1, False), (-9, False)])
def test_only_a_status_other_than_zero_is_a_failure(code: int | None, ok: bool) -> None:
    assert line(frame_event({**COMMAND, "exit_code": code})).ok is ok


def test_file_changes_have_paths_and_one_diff_that_names_them() -> None:
    hunk = {"path": "src/a.py", "change": "update", "diff": "@@ -1 +1 @@\n-old\n+new"}
    new = {"path": "b.md", "change": "add", "diff": "--- b.md\n+++ b.md\n@@ -0,0 +1 @@\n+hello"}
    gone = {"path": "c", "change": "delete", "diff": None}
    row = line(frame_event({"type": "files", "changes": [hunk, new, gone]}))
    assert (row.kind, row.paths) == (LineKind.FILES, ("src/a.py", "b.md", "c"))
    assert row.diff == f"--- src/a.py\n+++ src/a.py\n{hunk['diff']}\n{new['diff']}"
    assert "delete c" in row.text


def test_a_tool_goes_by_its_own_name_on_every_vendor() -> None:
    codex = line(frame_event({"type": "tool_call", "tool": "relay_send", "server": "relay", "input": {"to": "Al"}}))
    asked = line(event("approval.requested", {"tool": "mcp__relay__relay_send", "title": "Send?", "id": "a1"}))
    assert (codex.kind, codex.tool, codex.text) == (LineKind.TOOL, "relay_send", "relay_send (relay)\nto: Al")
    assert (asked.kind, asked.tool) == (LineKind.APPROVAL, "relay_send")


def test_a_tool_call_shows_what_it_is_called_with_in_plain_words() -> None:
    call = {"type": "tool_call", "tool": "Read", "input": {"file_path": "/x/y.py", "opts": {"limits": [1, True, None]}}}
    row = line(frame_event(call))
    assert row.paths == ("/x/y.py",)
    assert row.text == "Read\nfile_path: /x/y.py\nlimits: 1\nlimits: true"


def test_of_several_aspects_the_first_kind_names_the_line_and_all_are_found() -> None:
    usage = {"type": "usage", "input_tokens": 20, "output_tokens": 5, "cached_tokens": 3, "cost_usd": 0.5}
    row = line(frame_event({**usage, "cumulative": True}, {"type": "text", "text": "done"}, COMMAND))
    assert row.kind is LineKind.COMMAND
    assert (row.input_tokens, row.output_tokens, row.cached_tokens, row.cost_usd, row.cumulative) == (
        20,
        5,
        3,
        0.5,
        True,
    )
    assert row.text.startswith("done\nmake lint")


def test_usage_of_several_calls_in_one_frame_adds_up() -> None:
    usage = {"type": "usage", "input_tokens": 20, "output_tokens": 5}
    row = line(frame_event(usage, usage))
    assert (row.kind, row.input_tokens, row.output_tokens) == (LineKind.USAGE, 40, 10)


def test_a_message_reads_from_whom_to_whom() -> None:
    sender = {"name": "Lead", "role": "peer", "agent": "id-of-Lead"}
    row = line(event("message.accepted", {"id": "m1", "from": sender, "to": "#ops", "text": "ship it"}, name="Lead"))
    assert (row.kind, row.agent, row.text) == (LineKind.MESSAGE, "Lead", "Lead → #ops: ship it\nmessage m1")


@pytest.mark.parametrize(("state", "ok"), [("queued", True), ("answered", True), ("undeliverable", False)])
def test_of_receipts_only_undeliverable_is_a_failure(state: str, ok: bool) -> None:
    row = line(event("message.receipt", {"message": "m1", "state": state, "reason": "expired"}))
    assert (row.kind, row.ok, row.text) == (LineKind.RECEIPT, ok, f"Bob: {state} (expired)\nmessage m1")


@pytest.mark.parametrize(
    ("status", "ok"), [("allowed", True), ("withdrawn", True), ("denied", False), ("expired", False)]
)
def test_an_answered_approval_tells_who_and_why(status: str, ok: bool) -> None:
    row = line(event("approval.resolved", {"id": "a1", "status": status, "by": "Ann", "note": "not on main"}))
    assert (row.kind, row.ok, row.text) == (LineKind.APPROVAL, ok, f"{status} by Ann: not on main\napproval a1")


def test_a_turn_has_its_outcome_reason_and_closing_words() -> None:
    row = line(event("turn.ended", {"turn": "t", "outcome": "failed", "text": "sorry", "reason": "overloaded"}))
    assert (row.kind, row.ok, row.text) == (LineKind.TURN, False, "turn failed\noverloaded\nsorry")


@pytest.mark.parametrize(
    ("kind", "data", "about", "ok"),
    [
        ("agent.spawning", {"cli": "codex"}, LineKind.AGENT, True),
        ("agent.failed", {"reason": "CLI_MISSING"}, LineKind.AGENT, False),
        ("agent.exited", {"expected": False}, LineKind.AGENT, False),
        ("agent.exited", {"expected": True}, LineKind.AGENT, True),
        ("session.created", {"name": "main"}, LineKind.SESSION, True),
        ("proxy.connected", {"machine": "laptop"}, LineKind.SESSION, True),
        ("log.overflow", {"dropped_frames": 3}, LineKind.ERROR, False),
        ("link.reports_lost", {"machine": "laptop", "lost": 3, "sent_again": 9}, LineKind.ERROR, False),
        ("workflow.started", {"name": "later"}, LineKind.SESSION, True),
    ],
)
def test_the_life_of_agents_and_sessions_is_told(kind: str, data: dict[str, Any], about: LineKind, ok: bool) -> None:
    row = line(event(kind, data))
    assert (row.kind, row.ok) == (about, ok)
    assert row.text.startswith(kind.replace(".", " "))


def test_a_stray_line_of_the_process_can_be_searched() -> None:
    row = line(
        frame_event({"type": "unrecognised", "frame_type": "noise"}, raw="Segmentation fault", frame_type="noise")
    )
    assert (row.kind, row.text) == (LineKind.FRAME, "noise\nSegmentation fault")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
TYPES = st.sampled_from(
    [
        "text",
        "thought",
        "tool_call",
        "tool_result",
        "command",
        "files",
        "usage",
        "problem",
        "plan",
        "unrecognised",
        "new",
    ]
)
MEMBERS = st.sampled_from(
    [
        "text",
        "tool",
        "server",
        "input",
        "ok",
        "output",
        "command",
        "exit_code",
        "changes",
        "input_tokens",
        "cost_usd",
        "steps",
    ]
)
CONTENT = st.builds(lambda kind, rest: {**rest, "type": kind}, TYPES, st.dictionaries(MEMBERS, JSON, max_size=6))


@given(st.lists(CONTENT | JSON, max_size=4), JSON)
def test_no_content_of_a_frame_can_hold_up_the_log(contents: list[Any], raw: object) -> None:
    row = line(frame_event(*contents, raw=raw, frame_type="noise"))
    assert isinstance(row.text, str)
    assert row.exit_code is None or -(2**31) <= row.exit_code < 2**31
    assert 0 <= row.input_tokens < 2**63


@pytest.mark.parametrize(("name", "client"), recordings())
def test_everything_that_happened_in_a_recording_is_found_by_a_natural_query(name: str, client: str | None) -> None:
    frames = play(name, client=client)
    rows = rows_of(logged(frames))
    for query in natural_queries(frames):
        assert any(finds(parse(query, now=NOW), row) for row in rows), query


def natural_queries(frames: list[Frame]) -> list[str]:
    return [query for frame in frames for happened in frame.events for query in _queries(happened)]


def _queries(happened: object) -> list[str]:
    match happened:
        case CommandRan():
            code = "" if happened.exit_code is None else f" exit:{happened.exit_code}"
            shown = [f"kind:command {write_quoted(text)}" for text in happened.output.split("\n")[:1] if text.strip()]
            failed = str(bool(happened.exit_code)).lower()
            return [
                f"kind:command command:{write_quoted(happened.command)}{code}",
                f"tool:{happened.tool} failed:{failed} {write_quoted(happened.command)}",
                *shown,
            ]
        case FilesChanged(changes=changes):
            added = [text[1:] for each in changes for text in (each.diff or "").splitlines() if text.startswith("+")]
            found = [f"kind:files path:{write_quoted(each.path)}" for each in changes]
            return found + [f"kind:files {write_quoted(text)}" for text in added if text.strip("+ ")]
        case ApprovalRequested():
            tool = happened.tool.rpartition("__")[2]
            return [f"kind:approval tool:{tool} {write_quoted(happened.command or happened.title)}"]
        case ToolReturned(tool=tool, ok=ok):
            return [f"kind:tool tool:{write_quoted(tool)} failed:{str(not ok).lower()}"]
        case ToolCalled():
            return [f"kind:tool tool:{write_quoted(happened.tool)}"]
        case TextSpoken(text=text) if text.strip():
            return [write_quoted(text[:400])]
        case TurnEnded():
            return [f"kind:turn {happened.outcome}"]
        case _:
            return []


def test_the_recordings_leave_no_fragment_and_no_raw_json_in_the_text() -> None:
    rows: list[LogRow] = []
    for name, client in recordings():
        rows += rows_of(logged(play(name, client=client)))
    assert len(rows) > 500
    assert not [row for row in rows if '"jsonrpc"' in row.text]
    assert {row.kind for row in rows} >= {
        LineKind.COMMAND,
        LineKind.FILES,
        LineKind.TOOL,
        LineKind.APPROVAL,
        LineKind.TURN,
        LineKind.TEXT,
        LineKind.USAGE,
        LineKind.ERROR,
        LineKind.FRAME,
    }
