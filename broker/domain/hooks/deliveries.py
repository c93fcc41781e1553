"""What becomes of an attempt to deliver something to another service: done, tried again, or given up.

The waits are those that Standard Webhooks proposes, ten attempts over three days.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum

WAITS_S = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Ahead of each attempt."""
NOTICE_WAITS_S = (0, 30, 300)
"""The same of a notification: nobody wants one hours later."""
_JITTER = 0.1
"""Of a wait: receivers that were away are not met by all at once."""
_LONGEST_ASKED_S = 86400.0
"""That a receiver may have us wait."""
_GONE = 410


class Outcome(StrEnum):
    """What an attempt came to."""

    COMPLETED = "completed"
    RETRIED = "retried"
    FAILED = "failed"
    """For good: it is a dead letter, and people may send it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One attempt."""

    attempt: int
    """From 1."""
    status: int | None = None
    """Of the answer; None: there was none."""
    retry_after: str | None = None
    """As the answer had it."""
    reason: str = ""
    """Why there was no answer."""
    accepted: bool = False
    """Whether it was taken by a service that does not say how."""
    final: bool = False
    """Whether another attempt would meet the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows."""

    outcome: Outcome
    reason: str
    wait_s: float = 0
    """Until the next attempt."""
    stops: bool = False
    """Whether nothing more is sent there until people let it go on."""


def judge(tried: Tried, *, run: str, now_s: float, waits_s: Sequence[float] = WAITS_S) -> Verdict:
    """What follows an attempt. `now_s`: Unix time, for dates in Retry-After."""
    status = tried.status
    if tried.accepted:
        return Verdict(outcome=Outcome.COMPLETED, reason="accepted")
    if status is not None and 200 <= status < 300:
        return Verdict(outcome=Outcome.COMPLETED, reason=f"answered {status}")
    if status == _GONE:
        why = "answered 410: it does not want any more"
        return Verdict(outcome=Outcome.FAILED, reason=why, stops=True)
    reason = tried.reason if status is None else _summarise(status)
    if tried.final or tried.attempt >= len(waits_s):
        given_up = "" if tried.final else f", {tried.attempt} attempts in all"
        return Verdict(outcome=Outcome.FAILED, reason=reason + given_up)
    wait_s = max(
        _spread(waits_s[tried.attempt], f"{run}{tried.attempt}"), _parse_retry_after_s(tried.retry_after, now_s)
    )
    return Verdict(outcome=Outcome.RETRIED, reason=reason, wait_s=wait_s)


def _summarise(status: int) -> str:
    return f"answered {status}" + (": redirects are not followed" if 300 <= status < 400 else "")


def _spread(wait_s: float, of: str) -> float:
    """A wait with something added, the same each time it is asked for."""
    part = int.from_bytes(hashlib.sha256(of.encode()).digest()[:4]) / 2**32
    return wait_s * (1 + _JITTER * part)


def _parse_retry_after_s(retry_after: str | None, now_s: float) -> float:
    """RFC 9110 10.2.3: seconds, or a date."""
    if not retry_after:
        return 0
    try:
        seconds = (
            float(retry_after) if retry_after.isdecimal() else parsedate_to_datetime(retry_after).timestamp() - now_s
        )
    except (ValueError, OverflowError):
        return 0
    return min(max(seconds, 0), _LONGEST_ASKED_S)
