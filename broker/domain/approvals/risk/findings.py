"""One thing that makes a request risky, in words for a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_SHOWN = 80


class Risk(StrEnum):
    """How carefully to look before allowing it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


_ORDER = {risk: place for place, risk in enumerate(Risk)}


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason and how much it weighs."""

    risk: Risk
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The risk of the riskiest thing, and all reasons, the weightiest first."""

    risk: Risk
    reasons: tuple[str, ...]


def sum_up(findings: Iterable[Finding]) -> Assessment:
    """All findings as one; nothing found is low."""
    found = sorted(dict.fromkeys(findings), key=lambda each: -_ORDER[each.risk])
    return Assessment(risk=found[0].risk if found else Risk.LOW, reasons=tuple(dict.fromkeys(f.reason for f in found)))


def shorten(text: str) -> str:
    """A piece of a command, short enough for a sentence."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
