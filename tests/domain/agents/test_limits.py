"""Vendors say that a limit is reached, and until when, each in its own way."""

from datetime import UTC, datetime
from typing import Any

import pytest

from broker.domain.agents.limits import Reached, read_limit_of_frame, read_limit_of_words, says_room

NOW = datetime(2026, 11, 29, 13, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
AN_HOUR_MS = 3_600_000
EPOCH = NOW_MS // 1000 + 3_600


def codex(**limits: Any) -> dict[str, Any]:
    return {"method": "account/rateLimits/updated", "params": {"rateLimits": limits}}


@pytest.mark.parametrize(
    ("frame", "until_ms"),
    [
        ({"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": EPOCH}}, EPOCH * 1000),
        ({"type": "rate_limit_event", "rate_limit_info": {"status": "rejected"}}, None),
        (codex(primary={"usedPercent": 100, "resetsAt": EPOCH}, secondary=None), EPOCH * 1000),
        (
            codex(
                primary={"usedPercent": 100, "resetsAt": EPOCH},
                secondary={"usedPercent": 100, "resetsAt": EPOCH + 60},
            ),
            (EPOCH + 60) * 1000,
        ),
        (codex(primary=None, secondary=None, rateLimitReachedType="rate_limit_reached"), None),
    ],
)
def test_a_frame_says_until_when_a_limit_is_reached(frame: dict[str, Any], until_ms: int | None) -> None:
    assert read_limit_of_frame(frame) == Reached(until_ms=until_ms)
    assert not says_room(frame)


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed", "resetsAt": EPOCH}},
        codex(limitId="codex", primary=None, secondary=None, rateLimitReachedType=None),  # as recorded
        codex(primary={"usedPercent": 99, "resetsAt": EPOCH}, secondary=None),
    ],
)
def test_a_frame_that_leaves_room_is_no_limit(frame: dict[str, Any]) -> None:
    assert read_limit_of_frame(frame) is None
    assert says_room(frame)


def test_other_frames_say_nothing_of_limits() -> None:
    assert read_limit_of_frame({"type": "result"}) is None
    assert not says_room({"type": "result"})


@pytest.mark.parametrize(
    ("text", "after_ms"),
    [
        (f"Claude AI usage limit reached|{EPOCH}", AN_HOUR_MS),
        ("You've hit your limit · resets 2pm (UTC)", AN_HOUR_MS),
        ("You've hit your session limit, resets 3:30pm (Europe/Berlin)", AN_HOUR_MS + AN_HOUR_MS // 2),
        ("You've hit your usage limit. Try again at 12:00 PM.", 23 * AN_HOUR_MS),
        ("You've hit your usage limit. Upgrade to Pro or try again in 1 hour 30 minutes.", AN_HOUR_MS * 3 // 2),
        ("You've hit your usage limit. Try again in 2 days 3 hours.", 51 * AN_HOUR_MS),
        ("You exceeded your current quota. Your quota will reset after 1h0m3s.", AN_HOUR_MS + 3000),
        ('RESOURCE_EXHAUSTED: {"retryDelay": "34.5s"}', 34_500),
        ("rate limit exceeded until 2026-11-29T14:00:00Z", AN_HOUR_MS),
        ("429 Too Many Requests", None),
        ("usage limit reached; try again in 90 days", None),
        ("rate limit: resets 3pm (Nowhere/Land)", None),
    ],
)
def test_the_end_of_a_turn_says_until_when(text: str, after_ms: int | None) -> None:
    until_ms = None if after_ms is None else NOW_MS + after_ms
    assert read_limit_of_words(text, now_ms=NOW_MS) == Reached(until_ms=until_ms)


@pytest.mark.parametrize(
    "text", ["", "the tests failed in 3 minutes", "API Error: connection reset", "time limit", "disk quota exceeded"]
)
def test_other_failures_are_no_limit(text: str) -> None:
    assert read_limit_of_words(text, now_ms=NOW_MS) is None
