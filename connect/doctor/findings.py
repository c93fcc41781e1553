"""What doctor says, a line at a time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """`warning` and `unknown` do not keep relay-connect from working."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"
    """It cannot be looked at from here; it may be well or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the table."""

    subject: str
    health: Health
    text: str


def ok(subject: str, text: str) -> Finding:
    """Something is as it should be."""
    return Finding(subject=subject, health=Health.OK, text=text)


def warning(subject: str, text: str) -> Finding:
    """Something should be otherwise."""
    return Finding(subject=subject, health=Health.WARNING, text=text)


def problem(subject: str, text: str) -> Finding:
    """Something does not work."""
    return Finding(subject=subject, health=Health.PROBLEM, text=text)


def unknown(subject: str, text: str) -> Finding:
    """Nobody can tell from here."""
    return Finding(subject=subject, health=Health.UNKNOWN, text=text)
