"""Where spans go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from broker.domain.traces.spans import Span


class SpanSink(Protocol):
    """Takes finished spans without waiting for anybody; what is too much is dropped there, and said."""

    def take(self, spans: Sequence[Span]) -> None:
        """Queue them."""
