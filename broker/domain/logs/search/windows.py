"""Which spans of time a newest-first search looks at, one after the other.

The log lies in order of sessions, not of time, so finding the newest of many lines means reading when each of them was.
Looking at an hour first and then at wider spans reads little where hits are many; where they are rare, an index skips
most of each span.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_FIRST = timedelta(hours=1)
_WIDER = 4
_WIDEST = 64
"""Times the span so far: what is busy today may have been idle for months."""
_WIDER_AFTER_NOTHING = 16
"""Each question costs some 10 ms, and a rare word is asked for in all of them."""
_MARGIN = 2
_EVERYTHING = timedelta(days=100)
"""A span that would reach back further than this has no beginning: one question less for a rare word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Times from `since` up to but not including `until`; None is without an end."""

    since: datetime | None
    until: datetime | None

    def reaches(self, oldest: datetime | None) -> bool:
        """Whether this is the last span of a search back to `oldest`, or back to the first line."""
        return self.since is None or (oldest is not None and self.since <= oldest)


def first_window(newest: datetime) -> Window:
    """The hour up to `newest`, and what may be newer than that."""
    return Window(since=newest - _FIRST, until=None)


def next_window(window: Window, newest: datetime, *, found: int, wanted: int) -> Window:
    """The span before `window`, wide enough for `wanted` more hits if they stand as close as the `found` ones in it.

    When `newest`, the time of the newest line, is before `window`, the span is the hour up to it.
    """
    assert window.since is not None
    reach = newest - window.since
    if reach <= timedelta(0):
        return Window(since=newest - _FIRST, until=window.since)
    reach *= min(max(_MARGIN * wanted // found, _WIDER), _WIDEST) if found else _WIDER_AFTER_NOTHING
    return Window(since=None if reach > _EVERYTHING else newest - reach, until=window.since)
