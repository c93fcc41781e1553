"""Sends spans to an OpenTelemetry collector, by OTLP over HTTP.

Where to, with which headers, how often and how many at once is said by the environment, as OpenTelemetry's own
specification names it: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME, OTEL_BSP_*.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from typing_extensions import override

from broker import __version__
from broker.domain.traces import spans

_QUEUE = 16_384
"""A batch that is shipped tells of some thousands of spans at once."""
_AT_ONCE = 2_048
"""In one request, of some 500 KB: each costs a millisecond or two, however few are in it."""
_SCOPE = InstrumentationScope("relaycast", __version__)
_KINDS = {
    spans.SpanKind.INTERNAL: SpanKind.INTERNAL,
    spans.SpanKind.PRODUCER: SpanKind.PRODUCER,
    spans.SpanKind.CONSUMER: SpanKind.CONSUMER,
}
_MS = 1_000_000
_UNSET = Status(StatusCode.UNSET)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_REMEMBERED = 4096
"""Spans name each other: a message's way is the parent of each of its steps."""


class _OneResource(Resource):
    """Its hash is reckoned once. The exporter asks for it with every span, and each time all of it became JSON."""

    def __init__(self, of: Resource) -> None:
        super().__init__(of.attributes, of.schema_url)
        self._hash = super().__hash__()

    @override
    def __hash__(self) -> int:
        return self._hash


class OtlpSpans:
    """Implements `SpanSink`. Its own thread sends what is queued."""

    def __init__(self) -> None:
        name = os.environ.get("OTEL_SERVICE_NAME", "relaycast")
        self._resource = _OneResource(Resource.create({"service.name": name, "service.version": __version__}))
        queue = int(os.environ.get("OTEL_BSP_MAX_QUEUE_SIZE", _QUEUE))
        at_once = int(os.environ.get("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", min(_AT_ONCE, queue)))
        self._processor = BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=queue, max_export_batch_size=at_once)

    def take(self, spans: Sequence[spans.Span]) -> None:
        """Queue them."""
        for span in spans:
            self._processor.on_end(self._readable(span))

    def close(self) -> None:
        """Send what is queued, as long as that takes no more than a few seconds."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]

    def _readable(self, span: spans.Span) -> ReadableSpan:
        return ReadableSpan(
            name=span.name,
            context=_context(span.trace_id, span.span_id),
            parent=_context(span.trace_id, span.parent_id) if span.parent_id else None,
            resource=self._resource,
            attributes=span.attributes,
            links=[Link(_context(*link)) for link in span.links],
            kind=_KINDS[span.kind],
            status=Status(StatusCode.ERROR, span.error) if span.error else _UNSET,
            start_time=span.start_ms * _MS,
            end_time=span.end_ms * _MS,
            instrumentation_scope=_SCOPE,
        )


@asynccontextmanager
async def otlp_spans() -> AsyncIterator[OtlpSpans]:
    """For the block; what is queued at its end is sent."""
    sink = OtlpSpans()
    try:
        yield sink
    finally:
        await asyncio.to_thread(sink.close)


@lru_cache(_REMEMBERED)
def _context(trace_id: str, span_id: str) -> SpanContext:
    return SpanContext(trace_id=int(trace_id, 16), span_id=int(span_id, 16), is_remote=False, trace_flags=_SAMPLED)
