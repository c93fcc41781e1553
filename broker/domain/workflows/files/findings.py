"""What a check has to say about a file, by the part of the file that it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

Path = tuple[str | int, ...]
"""The keys and numbers that lead to a part of the file, as `("workflows", 0, "steps", 2, "dependsOn", 0)`."""


class Severity(StrEnum):
    """Whether the file can be run."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to say."""

    severity: Severity
    message: str
    path: Path
    at_key: bool = False
    """Whether it is about the key itself and not about what stands under it."""


def error(message: str, path: Path, *, at_key: bool = False) -> Finding:
    """Something that keeps the file from being run."""
    return Finding(severity=Severity.ERROR, message=message, path=path, at_key=at_key)


def warning(message: str, path: Path, *, at_key: bool = False) -> Finding:
    """Something that is accepted, and may not be what the author meant."""
    return Finding(severity=Severity.WARNING, message=message, path=path, at_key=at_key)


def nearest(word: str, among: Iterable[str]) -> str:
    """`; did you mean "x"?`, or nothing when no word is near."""
    by_lower = {each.lower(): each for each in among}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f'; did you mean "{by_lower[close[0]]}"?' if close else ""
