"""A finished span, whatever will carry it away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

AttributeValue = str | int | float | bool | tuple[str, ...]


class SpanKind(StrEnum):
    """As OpenTelemetry has them."""

    INTERNAL = "internal"
    PRODUCER = "producer"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What took how long, and what it follows from. Times are Unix time by the store's clock."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    start_ms: int
    end_ms: int
    kind: SpanKind = SpanKind.INTERNAL
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    error: str | None = None
    """Why it failed; None for one that did not."""
    links: tuple[tuple[str, str], ...] = ()
    """Trace and span ids of what it also follows from."""
