"""Spans of what was shipped, for whoever collects them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from broker.domain.traces.fold import Place, TraceFold
from broker.services.ports import SpanSink
from broker.telemetry import SPANS

TracedEvent = tuple[Mapping[str, Any], Place]


class Tracing:
    """Of one shipper, in whose order events come. `ratio`: the part of messages that is traced."""

    def __init__(self, sink: SpanSink, *, ratio: float) -> None:
        self._sink = sink
        self._fold = TraceFold(ratio=ratio)

    def take(self, events: Iterable[TracedEvent]) -> None:
        """Pass on the spans that events complete."""
        spans = [span for event, place in events for span in self._fold.take(event, place)]
        SPANS.inc(len(spans))
        self._sink.take(spans)
