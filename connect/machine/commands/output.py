"""What a program writes, kept within bounds and without secrets: its beginning and its end. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from broker.domain.logs.redaction import Redactor

KEPT_BYTES = 64 * 1024
"""Of each of the two outputs."""
_MARGIN_BYTES = 2 * 1024
"""Kept beyond that until secrets are masked, so that none that stands at the cut is halved and not known."""


class Kept:
    """One output. Whatever comes costs a bounded amount of memory."""

    def __init__(self, *, limit: int = KEPT_BYTES) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._bytes = 0

    def add(self, data: bytes) -> None:
        """More of it has come."""
        self._bytes += len(data)
        room = self._half + _MARGIN_BYTES - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail += data[-(self._half + _MARGIN_BYTES) :]
            del self._tail[: -(self._half + _MARGIN_BYTES)]

    @property
    def whole(self) -> bytes | None:
        """All of it; None when something was left out."""
        return bytes(self._head + self._tail) if self._bytes <= 2 * self._half else None

    @property
    def bytes(self) -> int:
        """How much has come."""
        return self._bytes

    def text(self, mask: Callable[[str], str]) -> str:
        """Its beginning and end without secrets, and how much was left out between them."""
        if self._bytes <= 2 * self._half:
            return mask(_decode(self._head + self._tail))
        first, last = mask(_decode(self._head))[: self._half], mask(_decode(self._tail))[-self._half :]
        return f"{first}\n… [the middle of {self._bytes} bytes is left out] …\n{last}"


def both(output: Kept, errors: Kept, *, mask: Callable[[str], str]) -> str:
    """What a program wrote, its standard error behind its output."""
    told, complaint = output.text(mask), errors.text(mask)
    if not complaint:
        return told
    return f"{told}{'' if told.endswith(chr(10)) or not told else chr(10)}[standard error]\n{complaint}"


def mask_secrets(text: str) -> str:
    """A text without secrets. It takes milliseconds for each hundred kilobytes."""
    return _redactor().text(text).text if text else ""


@cache
def _redactor() -> Redactor:
    """Made for the first command that a machine runs: it costs as much as a tenth of a start."""
    return Redactor()


def _decode(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "replace")
