"""Server-sent events, and the interface by which one answer is streamed in a vendor's dialect."""

import json
from typing import Any, Protocol

from tests.agents.script import ResolvedCall


def data_event(data: Any) -> bytes:
    """Frame one value as an event without a name."""
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def named_event(data: dict[str, Any]) -> bytes:
    """Frame one object as an event named after its `type`."""
    return b"event: " + str(data["type"]).encode() + b"\n" + data_event(data)


class AnswerWriter(Protocol):
    """Turns the parts of one answer into bytes; it does no I/O, so the server decides when each part goes out."""

    def start(self) -> bytes:
        """Open the answer."""
        ...

    def text(self, delta: str) -> bytes:
        """Stream a piece of text."""
        ...

    def call(self, call: ResolvedCall) -> bytes:
        """Ask for a tool."""
        ...

    def finish(self) -> bytes:
        """Close the answer."""
        ...
