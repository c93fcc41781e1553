from datetime import UTC
from typing import Any

from broker.domain.ids import SessionId
from connect.sdk.logs import LogBucket, LogCount, LogHit, LogLine
from connect.terminal.output.findings import count_lines, histogram_lines, hit_lines
from connect.terminal.text.layout import plain

AT = 1_760_000_000_000


def facts(offset: int, text: str, **changes: Any) -> dict[str, Any]:
    given = {"session": SessionId("s_1"), "session_name": "main", "epoch": "e1", "offset": offset, "agent": "Lead"}
    return {"at_ms": AT + 1000 * offset, "kind": "text", "text": text, **given, **changes}


def test_a_hit_is_one_line_whatever_it_says() -> None:
    hit = LogHit(**facts(7, "npm test\n\n  1 failed\x1b[31m", kind="command", exit_code=1, ok=False))
    assert plain(hit_lines([hit], zone=UTC)) == (
        "2025-10-09 08:53:27  main:7 Lead  command   npm test 1 failed␛[31m  → exit 1"
    )


def test_matches_are_marked_where_they_stand() -> None:
    (line,) = hit_lines([LogHit(**facts(1, "say a word\nor two words", spans=((6, 10), (18, 23))))])
    assert [text for style, text in line if style == "class:match"] == ["word", "words"]
    assert "".join(text for _, text in line).endswith("say a word or two words")


def test_what_was_logged_around_hits_is_dim_and_hits_are_marked() -> None:
    before, after = (LogLine(**facts(n, f"line {n}", spans=())) for n in (1, 3))
    first = LogHit(**facts(2, "hit"), before=(before,), after=(after,))
    lines = hit_lines([first, LogHit(**facts(9, "hit"), before=(LogLine(**facts(8, "", event="turn.started")),))])
    assert [style for ((style, _), *_) in lines] == ["class:dim"] * 6
    assert [plain([line])[:2] for line in lines] == ["  ", "> ", "  ", "--", "  ", "> "]
    assert plain([lines[4]]).endswith("turn.started")


def test_a_histogram_has_bars_for_empty_spans_too() -> None:
    buckets = [
        LogBucket(at_ms=AT, span_ms=60_000, count=80, failed=2),
        LogBucket(at_ms=AT + 180_000, span_ms=60_000, count=1),
    ]
    assert plain(histogram_lines(buckets, zone=UTC)).split("\n") == [
        "2025-10-09 08:53:20  80  " + "█" * 40 + "  2 failed",
        "2025-10-09 08:54:20   0",
        "2025-10-09 08:55:20   0",
        "2025-10-09 08:56:20   1  █",
    ]


def test_short_spans_show_milliseconds() -> None:
    assert plain(histogram_lines([LogBucket(at_ms=AT + 7, span_ms=250, count=1)], zone=UTC)).startswith(
        "2025-10-09 08:53:20.007  1  █"
    )


def test_counts_stand_before_values() -> None:
    counts = [LogCount(value="command", count=120), LogCount(value="text", count=7)]
    assert plain(count_lines(counts)) == "120  command\n  7  text"


def test_nothing_found_is_said() -> None:
    for lines in (hit_lines([]), histogram_lines([]), count_lines([])):
        assert plain(lines) == "nothing found"
