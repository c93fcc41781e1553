"""JSON documents out of a byte stream, one per line; and one document as bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from broker.protocol.agent_session import MAX_FRAME_BYTES
from broker.protocol.errors import ProtocolViolation

_BLANK = b" \t\r"
_OBJECT_START = b'{"'
"""How every vendor's serialiser begins a frame; a logged JavaScript object begins `{ ` instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One JSON object. `raw` is its bytes; `offset` is where its line begins in the stream."""

    value: dict[str, Any]
    raw: bytes
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """A line that is no JSON object: something the process printed beside its protocol."""

    text: str
    offset: int


class LineReader:
    """Cuts a stream into lines and reads each; the time is linear in the bytes, however they arrive.

    A stray log line is only `Noise`: losing a working agent for a library's print would be out of proportion. A line
    that begins like a frame and is not JSON, or one over the cap, is a `ProtocolViolation`: a part of the conversation
    is lost and nobody can know which. What came before it in the same bytes is returned first; the next call raises.
    """

    def __init__(self, *, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_bytes = max_bytes
        self._partial: list[bytes] = []
        self._partial_size = 0
        self._offset = 0
        self._violation: ProtocolViolation | None = None

    def feed(self, data: bytes) -> list[Document | Noise]:
        """Take the next bytes of the stream; return the lines they complete."""
        lines: list[Document | Noise] = []
        if self._violation is None:
            try:
                self._take(data, lines)
            except ProtocolViolation as violation:
                self._violation = violation
        if self._violation is not None and not lines:
            raise self._violation
        return lines

    def _take(self, data: bytes, lines: list[Document | Noise]) -> None:
        *complete, rest = data.split(b"\n")
        for piece in complete:
            self._hold(piece)
            line = b"".join(self._partial).strip(_BLANK)
            if line:
                lines.append(_read(line, self._offset))
            self._offset += self._partial_size + 1
            self._partial, self._partial_size = [], 0
        self._hold(rest)

    def _hold(self, piece: bytes) -> None:
        self._partial_size += len(piece)
        if self._partial_size > self._max_bytes:
            raise ProtocolViolation(f"a line is longer than {self._max_bytes} bytes", offset=self._offset)
        if piece:
            self._partial.append(piece)


def dumps(value: object) -> bytes:
    """One JSON document without a line end; half a surrogate pair, which has no UTF-8 form, becomes `?`."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return _dumps_lenient(value)


def _read(line: bytes, offset: int) -> Document | Noise:
    try:
        value, raw = _loads(line)
    except ValueError as error:
        if line.startswith(_OBJECT_START):
            raise ProtocolViolation(f"a frame is not JSON: {error}", offset=offset) from None
        return Noise(text=line.decode("utf-8", "replace"), offset=offset)
    if not isinstance(value, dict):
        return Noise(text=raw.decode(), offset=offset)
    return Document(value=value, raw=raw, offset=offset)


def _loads(line: bytes) -> tuple[Any, bytes]:
    """The value and its bytes, written anew when only a lenient reader takes them: everyone downstream is strict."""
    try:
        return orjson.loads(line), line
    except orjson.JSONDecodeError:
        raw = _rewrite(line)
        return orjson.loads(raw), raw


def _rewrite(line: bytes) -> bytes:
    """JavaScript may cut a text in the middle of a surrogate pair; `json` reads that, orjson does not."""
    try:
        return _dumps_lenient(json.loads(line.decode("utf-8", "replace"), parse_constant=_refuse_constant))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _dumps_lenient(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
