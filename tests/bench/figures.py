"""What a measure gives: a titled table of figures, and the statistics in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

Figure = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One measure. `explained` says exactly what was measured; the first column names the row."""

    title: str
    explained: str
    head: tuple[str, ...]
    rows: list[tuple[Figure, ...]] = field(default_factory=list)


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def p50(values: Sequence[float]) -> float:
    return percentile(values, 50)


def p95(values: Sequence[float]) -> float:
    return percentile(values, 95)


def p99(values: Sequence[float]) -> float:
    return percentile(values, 99)
