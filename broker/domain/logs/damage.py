"""What of the long history cannot be read any more, said wherever history is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDamage:
    """Parts of the log that the store has put aside, since they cannot be read. A part holds lines of any workspace."""

    parts: int
    bytes: int
    """On disk, compressed."""
    since: date | None = None
    """The days (UTC) that lines in them may be of; None: not known."""
    until: date | None = None

    def concerns(self, since: date | None, until: date | None) -> bool:
        """Whether lines from one day to another, both included, may be among what is missing; None: without an end."""
        if self.since is None or self.until is None:
            return True
        return (since is None or since <= self.until) and (until is None or self.since <= until)

    def __str__(self) -> str:
        """For people, without an end mark."""
        parts = "1 part" if self.parts == 1 else f"{self.parts} parts"
        return f"{parts} of the log ({_size(self.bytes)}) cannot be read; history {self._days()} may be missing"

    def _days(self) -> str:
        if self.since is None or self.until is None:
            return "of any time"
        return f"of {self.since}" if self.since == self.until else f"from {self.since} to {self.until}"


def join(damages: list[LogDamage]) -> LogDamage | None:
    """All of it as one; the days are known only when those of each are."""
    if not damages:
        return None
    starts = [each.since for each in damages if each.since is not None]
    ends = [each.until for each in damages if each.until is not None]
    known = len(starts) == len(ends) == len(damages)
    return LogDamage(
        parts=sum(each.parts for each in damages),
        bytes=sum(each.bytes for each in damages),
        since=min(starts) if known else None,
        until=max(ends) if known else None,
    )


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
