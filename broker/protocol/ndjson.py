"""JSON documents out of a byte stream, one per line.

Here, and nowhere else, what a peer wrote becomes JSON that every reader behind takes: strict UTF-8, finite numbers of
64 bits, bounded depth and length. What had to be changed for that is said in `Document.mended`.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import orjson

from broker.protocol.json_text import MAX_DEPTH, dumps, excerpt
from broker.protocol.salvage import Plain, depth_of, last_members, plain_members, without_depths

MAX_TEXT_BYTES = 64 * 1024
"""What is kept of each text in a line that is over the cap."""

MAX_FRAME_BYTES = 16 * 1024 * 1024
"""One frame may carry a whole file's diff or a base64 picture; of one beyond this the longest texts are cut."""

_MOST_BRACKETS = 250_000
"""In a line that is too deep; more would hold everybody else up for as long as they are counted (0.1 s)."""
_CONTAINERS = (dict, list)
_HIDDEN = MAX_DEPTH // 2
"""Levels that may be too many where a look at every bracket is spared: readers take twice as many as are allowed."""
_MOST_TEXTS = 100_000
"""In a line over the cap; of more, none is long, and looking at each would hold everybody else up."""
_SALVAGED_BYTES = 64 * 1024
_TAIL_BYTES = 4 * 1024
_EXCERPT_BYTES = 2560
"""Of a line, in which an excerpt is looked for: escape sequences are left out of it."""
_TRIES = 8
"""Places in a noisy line at which a frame may begin; each is read to its end, so there must be few."""

_TOO_DEEP = f"what was nested deeper than {MAX_DEPTH} levels was left out"
_TOO_LONG = f"texts longer than {MAX_TEXT_BYTES} bytes were cut"
_LOSSY = frozenset({_TOO_DEEP, _TOO_LONG})

_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_LONG_NUMBER = b"0" * 19
"""In bytes whose digits are all made zero: perhaps a number of more than 64 bits."""
_LONGEST_NUMBER = 300
"""Digits; a few more and it is no finite number for anybody."""

_ESCAPE = (
    rb"\xef\xbb\xbf"  # a byte order mark
    rb"|(?:\x1b\]|\xc2\x9d)[^\x07\x1b]{0,4096}+(?:\x07|\x1b\\)"  # OSC: a window's title, a link
    rb"|\x1b[PX^_][^\x1b]{0,4096}+\x1b\\"  # DCS, SOS, PM, APC
    rb"|(?:\x1b\[|\xc2\x9b)[0-?]*+[ -/]*+[@-~]"  # CSI: colours, cursor
    rb"|\x1b[ -/]*+[0-~]"
    rb"|[\x00-\x20\x7f]"
)
_DECORATION = re.compile(rb"(?:" + _ESCAPE + rb")++")
"""What terminals are sent between texts; ECMA-48, sections 5.4 and 8.3."""
_BEGINNING = re.compile(r'\{\s*"')
_LIKE_A_FRAME = re.compile(r'\{\s*"(?:jsonrpc|id|method|params|result|error|type)"\s*:')
_STRING_BODY = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_HALF_CHARACTER = re.compile(
    rb"(?<!\\)((?:\\\\)*+)"  # whole escapes of backslashes
    rb"(?:(?:\\u[dD][89abAB][0-9a-fA-F]{2})?(?:\\u[0-9a-fA-F]{0,3}|\\)?"
    rb"|[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z"
)
"""At the end of a text that was cut: an escape, a surrogate pair or a UTF-8 sequence without its rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One JSON object. `raw` is its bytes, mended where needed; `offset` is where its line begins in the stream."""

    value: dict[str, Any]
    raw: bytes
    offset: int
    mended: tuple[str, ...] = ()
    """What was changed, in words."""

    @property
    def cut(self) -> bool:
        """Whether parts of it are missing: nobody who looks at it sees all that the peer meant."""
        return not _LOSSY.isdisjoint(self.mended)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """A line that is no JSON object: something the process printed beside its protocol."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A line that looks like a frame and cannot be read."""

    head: dict[str, Plain]
    """The members of its object that could still be read, of those that are no containers: `id`, `method`, `type`."""
    reason: str
    size: int
    excerpt: str
    """How it begins, short and printable."""
    offset: int


Line = Document | Noise | Broken


class LineReader:
    """Cuts a stream into lines and reads each; the time is linear in the bytes, however they arrive.

    No input ends it: losing a working agent for one line would be out of proportion. A line over the cap keeps its
    shape and loses the length of its texts; one that stays too long is `Broken`, and the next line is read as usual.
    Between calls it holds no more than the cap and what is kept of one line over it.
    """

    def __init__(self, *, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_bytes = max_bytes
        self._line: _PartialLine | None = None
        self._offset = 0

    def feed(self, data: bytes) -> list[Line]:
        """Take the next bytes of the stream; return the lines they complete."""
        lines: list[Line] = []
        *complete, rest = data.split(b"\n")
        for piece in complete:
            lines += self._complete(piece)
        if rest:
            self._hold(rest)
        return lines

    def _complete(self, piece: bytes) -> list[Line]:
        if self._line is None and len(piece) <= self._max_bytes:
            size, lines = len(piece), _read(piece, self._offset)
        else:
            line = self._hold(piece)
            size, lines = line.size, line.read(self._offset)
            self._line = None
        self._offset += size + 1
        return lines

    def _hold(self, piece: bytes) -> _PartialLine:
        if self._line is None:
            self._line = _PartialLine(self._max_bytes)
        self._line.add(piece)
        return self._line


class _PartialLine:
    """The line that is being received. Over the cap its texts are shortened, and if that does not help it is lost."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._held = 0
        self._shortener: _Shortener | None = None
        self._head = self._tail = b""
        """Of a line over the cap: how it really began, and its last bytes."""
        self._lost = False
        self.size = 0

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self._shortener is not None:
            self._tail = (self._tail + piece[-_TAIL_BYTES:])[-_TAIL_BYTES:]
            piece = b"" if self._lost else self._shortener.feed(piece)
        if piece:
            self._hold(piece)

    def read(self, offset: int) -> list[Line]:
        if self._lost:
            return [self._read_lost(offset)]
        line = b"".join(self._pieces)
        if self._shortener is not None and self._shortener.has_cut:
            return _OddLine(line, offset, size=self.size, mended={_TOO_LONG}).read()
        return _read(line, offset)

    def _read_lost(self, offset: int) -> Line:
        if _DECORATION.sub(b"", self._head)[:1] != b"{":
            return Noise(text=_excerpt(self._head), offset=offset)
        # The last members are those of the whole object, for its end was seen; the first ones weigh more.
        head = {**last_members(self._tail), **plain_members(self._head)}
        reason = f"it is longer than {self._max_bytes} bytes"
        return Broken(head=head, reason=reason, size=self.size, excerpt=_excerpt(self._head), offset=offset)

    def _hold(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._held += len(piece)
        if self._shortener is None and self._held > self._max_bytes:
            self._shorten()
        elif self._shortener is not None and (self._held > self._max_bytes or self._shortener.texts > _MOST_TEXTS):
            self._lost = True
            self._pieces.clear()

    def _shorten(self) -> None:
        self._shortener = _Shortener(min(MAX_TEXT_BYTES, self._max_bytes // 4))
        whole = b"".join(self._pieces)
        self._pieces, self._held = [], 0
        self._head, self._tail = whole[: min(_SALVAGED_BYTES, self._max_bytes)], whole[-_TAIL_BYTES:]
        few = whole.count(b'"') - whole.count(b'\\"') <= 2 * _MOST_TEXTS
        self._hold(self._shortener.feed(whole) if few else whole)


class _Shortener:
    """Cuts long texts out of JSON while it streams by; where texts begin and end is all it needs to know."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._in_text = False
        self._kept = 0
        self._dropped = 0
        self._held_back = b""
        self.texts = 0
        self.has_cut = False

    def feed(self, piece: bytes) -> bytes:
        """What is left of the next bytes."""
        piece, self._held_back = self._held_back + piece, b""
        kept: list[bytes] = []
        place = 0
        while place < len(piece):
            place = self._text(piece, place, kept) if self._in_text else self._between(piece, place, kept)
        return b"".join(kept)

    def _between(self, piece: bytes, place: int, kept: list[bytes]) -> int:
        end = piece.find(b'"', place) + 1
        self._in_text = end > 0
        self.texts += self._in_text
        self._kept = self._dropped = 0
        kept.append(piece[place:end] if end else piece[place:])
        return end or len(piece)

    def _text(self, piece: bytes, place: int, kept: list[bytes]) -> int:
        found = _STRING_BODY.match(piece, place)
        end = found.end() if found else place
        closed = piece[end : end + 1] == b'"'
        body = piece[place:end] if closed else _HALF_CHARACTER.sub(rb"\1", piece[place:end])
        self._keep_some(body, kept)
        if closed:
            self._in_text = False
            if self._dropped:
                kept.append(b"\\u2026 [%d bytes left out]" % self._dropped)
            kept.append(b'"')
            return end + 1
        self._held_back = piece[place + len(body) :]
        return len(piece)

    def _keep_some(self, body: bytes, kept: list[bytes]) -> None:
        room = self._longest - self._kept
        if self._dropped == 0 and len(body) <= room:
            kept.append(body)
            self._kept += len(body)
            return
        some = b"" if self._dropped else _HALF_CHARACTER.sub(rb"\1", body[:room])
        kept.append(some)
        self._dropped += len(body) - len(some)
        self.has_cut = True


def _excerpt(line: bytes) -> str:
    return excerpt(_DECORATION.sub(b" ", line[:_EXCERPT_BYTES]).decode("utf-8", "replace"))


def _read(line: bytes, offset: int) -> list[Line]:
    """The frames in a line; nearly always it is one, and nothing else."""
    stripped = line.strip(b" \t\r")
    if not stripped:
        return []
    try:
        value = orjson.loads(stripped)
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, dict) and _is_plain(stripped, value):
        return [Document(value=value, raw=stripped, offset=offset)]
    return _OddLine(stripped, offset, size=len(line), mended=set()).read()


def _is_plain(line: bytes, value: dict[str, Any]) -> bool:
    """Whether a line that orjson takes is taken by everybody."""
    if _LONG_NUMBER in line.translate(_DIGITS):
        return False
    brackets = line.count(b"{") + line.count(b"[")
    if brackets <= MAX_DEPTH:
        return True
    containers = _count_containers(value)
    if containers is None:
        return False
    # Of a member that comes twice the value has the last. What brackets are over stand in texts, or in one before it.
    return brackets - containers <= _HIDDEN or depth_of(line) <= MAX_DEPTH


def _is_deep(value: object) -> bool:
    return _count_containers(value) is None


def _count_containers(value: object) -> int | None:
    """How many objects and lists it is made of; None when they are nested too deeply."""
    level, count = [value], 1
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for parent in level:
            children = parent.values() if isinstance(parent, dict) else parent if isinstance(parent, list) else ()
            found = [child for child in children if isinstance(child, _CONTAINERS)]
            count += len(found)
            below += filter(None, found)
        if not below:
            return count
        level = below
    return None


class _OddLine:
    """A line that is not simply one well-formed frame: mended, decorated, in company, or beyond help."""

    def __init__(self, line: bytes, offset: int, *, size: int, mended: set[str]) -> None:
        self._line = line
        self._offset = offset
        self._size = size
        self._mended = mended

    def read(self) -> list[Line]:
        """Every frame in it; else what it is instead."""
        text = self._decode()
        found: list[Line] = []
        place = 0
        for _ in range(_TRIES):
            start = _BEGINNING.search(text, place)
            if start is None:
                break
            alone = not text[: start.start()].strip()
            try:
                value, place, text = self._value(text, start.start())
            except ValueError as error:
                if alone or _LIKE_A_FRAME.match(text, start.start()):
                    return [*found, self._broken(text[start.start() :], str(error))]
                place = start.end()
                continue
            if isinstance(value, dict) and (alone or _is_frame(value)):
                found.append(self._document(value))
        return found or [Noise(text=self._show(text), offset=self._offset)]

    def _decode(self) -> str:
        start = _DECORATION.match(self._line)
        line = self._line[start.end() :] if start else self._line
        try:
            return line.decode()
        except UnicodeDecodeError:
            self._mended.add("bytes that are not UTF-8 were replaced")
            return line.decode("utf-8", "replace")

    def _value(self, text: str, start: int) -> tuple[Any, int, str]:
        """The value that begins at `start`, the place behind it, and the text, which may have been shortened."""
        long = _LONG_NUMBER in self._line.translate(_DIGITS)
        decoder = json.JSONDecoder(
            parse_float=self._float,
            parse_int=self._int if long else None,  # one call for each number, and a picture may be millions of them
            parse_constant=self._not_finite,
            strict=False,
        )
        try:
            value, end = decoder.raw_decode(text, start)
            if not _is_deep(value):
                return value, end, text
        except RecursionError:
            pass
        text = self._shallow(text[start:])
        value, end = decoder.raw_decode(text, 0)
        return value, end, text

    def _shallow(self, text: str) -> str:
        encoded = text.encode("utf-8", "replace")
        instead = b'"[deeper than %d levels]"' % MAX_DEPTH
        short = without_depths(encoded, levels=MAX_DEPTH, instead=instead, at_most=_MOST_BRACKETS)
        if short is None:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
        self._mended.add(_TOO_DEEP)
        return short.decode("utf-8", "replace")

    def _document(self, value: dict[str, Any]) -> Document:
        try:
            raw = orjson.dumps(value)
        except orjson.JSONEncodeError:
            self._mended.add("half surrogate pairs were replaced")
            raw = dumps(value)
            value = orjson.loads(raw)
        return Document(value=value, raw=raw, offset=self._offset, mended=tuple(sorted(self._mended)))

    def _broken(self, text: str, reason: str) -> Broken:
        head = plain_members(text[:_SALVAGED_BYTES].encode("utf-8", "replace"))
        shown = excerpt(text)
        return Broken(head=head, reason=reason, size=self._size, excerpt=shown, offset=self._offset)

    def _show(self, text: str) -> str:
        if len(text) <= MAX_TEXT_BYTES:
            return text
        return f"{text[:MAX_TEXT_BYTES]}… [{len(text) - MAX_TEXT_BYTES} characters left out]"

    def _float(self, text: str) -> float | None:
        number = float(text)
        return number if math.isfinite(number) else self._not_finite()

    def _int(self, text: str) -> int | float | None:
        if len(text) > _LONGEST_NUMBER:
            return self._not_finite()
        number = int(text)
        if -(1 << 63) <= number < 1 << 64:
            return number
        self._mended.add("integers of more than 64 bits were rounded")
        return float(number)

    def _not_finite(self, _name: str = "") -> float | None:
        self._mended.add("numbers that are not finite became null")
        return None


def _is_frame(value: dict[str, Any]) -> bool:
    """Whether an object that stands beside other text belongs to the protocol, not to what was printed there."""
    if isinstance(value.get("method"), str) or isinstance(value.get("type"), str):
        return True
    return "id" in value and ("result" in value or "error" in value)
