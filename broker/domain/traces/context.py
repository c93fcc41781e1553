"""Places in traces, as https://www.w3.org/TR/trace-context/ writes them.

Ids follow from what they are of, so that a span that is exported twice is the same span, and whoever has a message's id
finds its trace: one that nobody else has begun has the message's own id.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from broker.domain.ids import AgentId, MessageId, WorkflowRunId

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_HIGHEST = 1 << 56
_REMEMBERED = 1024
"""A message's events are told close together, and each says the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """One span's place."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 of them."""
    sampled: bool

    def __str__(self) -> str:
        """As a traceparent."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


@lru_cache(_REMEMBERED)
def read_traceparent(text: str) -> TraceContext | None:
    """Of a traceparent that a caller gave; None for anything else, as the recommendation asks (section 3.2)."""
    found = _TRACEPARENT.fullmatch(text)
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return None
    return TraceContext(trace_id=found[1], span_id=found[2], sampled=bool(int(found[3], 16) & 1))


def message_context(message: MessageId, *, ratio: float) -> TraceContext:
    """Of a message that follows from nothing; `ratio`: the part of all such messages that is traced."""
    return _root("message", message, ratio=ratio)


def run_context(run: WorkflowRunId, *, ratio: float) -> TraceContext:
    """Of a run of a workflow."""
    return _root("run", run, ratio=ratio)


@lru_cache(_REMEMBERED)
def delivery_span(message: MessageId, agent: AgentId) -> str:
    """The id of a message's way to one recipient, from its acceptance to its end."""
    return span_id("delivery", message, agent)


def span_id(*of: str) -> str:
    """The id of the span that is of these."""
    return hashlib.sha256(" ".join(of).encode()).hexdigest()[:16]


def _root(kind: str, of: str, *, ratio: float) -> TraceContext:
    plain = of.replace("-", "").lower()
    is_id = re.fullmatch(r"(?!0{32})[0-9a-f]{32}", plain) is not None
    trace_id = plain if is_id else hashlib.sha256(of.encode()).hexdigest()[:32]
    # Of a hash, since not every digit of a UUID is random; every process decides alike.
    chance = int(hashlib.sha256(trace_id.encode()).hexdigest()[:14], 16)
    return TraceContext(trace_id=trace_id, span_id=span_id(kind, of), sampled=chance < ratio * _HIGHEST)
