"""Tracing where it is asked for. Without, nothing of OpenTelemetry is loaded, nor need it be installed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec

from broker.domain.errors import BadRequest
from broker.services.logs.tracing import Tracing


def require_tracing(ratio: float) -> None:
    """Raise `BadRequest` where traces are asked for and what sends them is not installed."""
    if ratio and (find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter.otlp.proto.http") is None):
        raise BadRequest("traces need OpenTelemetry: pip install 'relaycast[server,otel]'", code="NO_OTEL")


@asynccontextmanager
async def open_tracing(ratio: float) -> AsyncIterator[Tracing | None]:
    """What makes and sends spans for the block; None where no message is traced."""
    if not ratio:
        yield None
        return
    from broker.adapters.otlp import otlp_spans  # noqa: PLC0415 - an extra

    async with otlp_spans() as sink:
        yield Tracing(sink, ratio=ratio)
