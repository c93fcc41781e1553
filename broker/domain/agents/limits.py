"""Whether an agent's turn ended since its vendor's limit is reached, and until when that is said to last. Pure.

Vendors say it in frames of their own (Claude Code: `rate_limit_event`; Codex: `account/rateLimits/updated`), and in the
words with which the turn ends. What is said in words alone counts only when those are the end of a turn that failed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_REACHED = re.compile(
    r"(?:usage|rate|session|weekly|request|spending)[ -]?limit"
    r"|limit (?:reached|exceeded|will reset|resets)|you.?ve hit your (?:\w+ )?limit"
    r"|(?<!disk )quota|RESOURCE_EXHAUSTED|usageLimitExceeded|rateLimitExceeded|\b429\b|too many requests",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"limit reached\|(\d{10})(\d{3})?\b", re.IGNORECASE)
_IN = re.compile(
    r"\b(?:in|after|retryDelay\W+)\s*((?:\d+(?:\.\d+)?\s*(?:d(?:ays?)?|h(?:ours?|rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)"
    r"(?![a-z])[\s,]*(?:and\s+)?)+)",
    re.IGNORECASE,
)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([dhms])", re.IGNORECASE)
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_ISO = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_CLOCK = re.compile(
    r"\b(?:resets?|try again)(?:\s+at)?\s+(\d{1,2})(?::(\d\d))?\s*([ap])\.?m\.?(?:\s*\(([\w/+-]+)\))?", re.IGNORECASE
)
_LONGEST = timedelta(days=40)
"""What names a later time is not believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A limit that is reached."""

    until_ms: int | None
    """Until when; None: nobody has said."""


def read_limit_of_frame(frame: Mapping[str, Any]) -> Reached | None:
    """What a vendor's frame says of its limits; None when it says nothing of them, or that there is room."""
    match frame:
        case {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", **told}}:
            return Reached(until_ms=_from_seconds(told.get("resetsAt")))
        case {"method": "account/rateLimits/updated", "params": {"rateLimits": dict() as limits}}:
            return _read_limit_of_codex(limits)
        case _:
            return None


def says_room(frame: Mapping[str, Any]) -> bool:
    """Whether a vendor's frame says that a limit is not, or no longer, reached."""
    match frame:
        case {"type": "rate_limit_event"} | {"method": "account/rateLimits/updated"}:
            return read_limit_of_frame(frame) is None
        case _:
            return False


def _read_limit_of_codex(limits: Mapping[str, Any]) -> Reached | None:
    windows = [each for each in (limits.get("primary"), limits.get("secondary")) if isinstance(each, dict)]
    full = [each for each in windows if _number(each.get("usedPercent")) >= 100]
    if not full and not limits.get("rateLimitReachedType"):
        return None
    ends = [found for each in full or windows if (found := _from_seconds(each.get("resetsAt"))) is not None]
    return Reached(until_ms=max(ends, default=None))


def read_limit_of_words(text: str, *, now_ms: int) -> Reached | None:
    """What the end of a failed turn says of a limit; None when it says nothing of one."""
    if not _REACHED.search(text):
        return None
    until = _until(text, now=datetime.fromtimestamp(now_ms / 1000, UTC))
    if until is None:
        return Reached(until_ms=None)
    at_ms = int(until.timestamp() * 1000)
    return Reached(until_ms=at_ms if now_ms <= at_ms <= now_ms + _LONGEST.total_seconds() * 1000 else None)


def _until(text: str, *, now: datetime) -> datetime | None:
    if found := _EPOCH.search(text):
        return datetime.fromtimestamp(int(found[1]), UTC)
    if found := _ISO.search(text):
        at = datetime.fromisoformat(found[0].replace(" ", "T"))
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    if found := _IN.search(text):
        seconds = sum(float(amount) * _SECONDS[unit.lower()] for amount, unit in _PART.findall(found[1]))
        return now + timedelta(seconds=seconds)
    if found := _CLOCK.search(text):
        return _next(found, now=now)
    return None


def _next(found: re.Match[str], *, now: datetime) -> datetime | None:
    """The next time that a clock shows that; without a zone it is taken for UTC, as machines have it."""
    try:
        zone = ZoneInfo(found[4]) if found[4] else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return None
    hour = int(found[1]) % 12 + (12 if found[3].lower() == "p" else 0)
    here = now.astimezone(zone)
    at = here.replace(hour=hour, minute=int(found[2] or 0), second=0, microsecond=0)
    return at if at > here else at + timedelta(days=1)


def _from_seconds(value: object) -> int | None:
    return round(value * 1000) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
