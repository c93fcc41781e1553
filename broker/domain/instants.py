"""Instants as the logs, the store and the wire count them: milliseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """The instant, UTC."""
    return _EPOCH + timedelta(milliseconds=ms)


def show_minute(ms: int) -> str:
    """The minute, for people: `2026-01-31 10:00 UTC`."""
    return from_ms(ms).strftime("%Y-%m-%d %H:%M UTC")
