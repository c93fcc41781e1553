"""Reports on their way to the broker: numbered without holes, kept on disk until the broker has them, bounded.

Nothing found in the folder keeps relay-connect from starting: a damaged line costs that line, in whose place stands a
report that says so, and files of others are left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from broker.protocol.errors import ProtocolViolation
from broker.protocol.proxy import (
    BROKEN_REPORT,
    NumberedReport,
    ReportsLost,
    SpoolOverflowed,
    in_place_of,
    placeholder,
    readable,
)
from connect.machine.acknowledged import Acknowledged
from connect.machine.backlog import Backlog

_SEGMENT_BYTES = 4 * 1024 * 1024
"""A file whose reports are all acknowledged is deleted; of this size, the disk holds little more than the backlog."""

_UNFINISHED = ".new"
_GENERATION = re.compile(r"\d{20}-[0-9a-f]{8}")
_NUMBERED = re.compile(rb'\{"seq":(\d{1,16}),.*\}', re.DOTALL)
_MOST_LOST = 10_000
"""Reports that a gap is filled for; beyond it the numbers themselves are damaged, and everything is numbered anew."""
_ASIDE = "aside"
_SET_ASIDE = re.compile(r"\d{20}\.json")
_MOST_ASIDE = 16
"""Refused reports that are kept for whoever looks for the fault; each is at most one message of the link."""


class Weight(IntEnum):
    """What a report is worth when the spool fills up."""

    TRANSIENT = 0
    FRAME = 1
    STATE = 2
    """Never dropped."""


class Spool:
    """The reports the broker has not acknowledged, in memory and, after each loop iteration, in files.

    Invariants: numbers rise by one; a number's content never changes under one `spool_id`; whatever was handed out by
    `batch` is in a file before, so that a process that is killed goes on with the numbers its broker knows. Where the
    disk takes no more, it goes on from memory, and the next process begins under another id.
    """

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._file = -1
        self._file_bytes = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._unwritten: list[bytes] = []
        self._dropped = 0
        self._dropped_in_all = 0
        self._acknowledged = Acknowledged()
        self.on_added: Callable[[], None] = lambda: None
        self.problem: str | None = None
        """Why reports are held in memory only, such as a full disk."""
        found = _load(folder)
        self.spool_id = found.spool_id
        self._here = folder / found.spool_id
        self._is_on_disk = True
        """Whether this generation has its folder."""
        self._reports = found.reports
        self._bytes = sum(map(len, self._reports))
        self._segments = found.segments
        self.acked = found.segments[0] - 1 if found.segments else 0
        if found.renumber:
            self.renew()
        else:
            self._try(self._next_segment)
        if found.lost:
            self.problem = f"{found.lost} reports could not be read from the disk"

    @property
    def last(self) -> int:
        """The highest number given out."""
        return self.acked + len(self._reports)

    @property
    def backlog(self) -> Backlog:
        """What waits now."""
        return Backlog(
            reports=len(self._reports),
            bytes=self._bytes,
            limit_bytes=self._limit,
            dropped=self._dropped_in_all,
            on_disk=self.problem is None,
        )

    def add(self, encode: Callable[[int], bytes], *, weight: Weight) -> int | None:
        """Give a report its number; None when it was dropped because the broker has been away for too long."""
        if self._full(weight):
            self._dropped += 1
            self._dropped_in_all += 1
            return None
        self._tell_overflow()
        return self._append(encode)

    def batch(self, after: int, *, max_bytes: int) -> list[bytes]:
        """The reports that follow number `after`: one at least if there is any, then as many as fit."""
        self.flush()
        chosen: list[bytes] = []
        size = 0
        for index in range(after - self.acked, len(self._reports)):
            size += len(self._reports[index])
            if chosen and size > max_bytes:
                break
            chosen.append(self._reports[index])
        return chosen

    def ack(self, seq: int) -> None:
        """The broker has everything up to `seq`."""
        count = min(seq, self.last) - self.acked
        if count <= 0:
            return
        self.flush()
        taken = self._reports[:count]
        self._bytes -= sum(map(len, taken))
        self._acknowledged.add(self.acked + 1, taken)
        del self._reports[:count]
        self.acked += count
        self._trim()
        self._tell_overflow()
        self._wake()

    async def wait_acked(self, seq: int) -> None:
        """Return once the broker has report `seq`."""
        if seq <= self.acked:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((seq, future))
        await future

    def renew(self) -> None:
        """Begin again at 1 under a new id, keeping what is pending.

        Needed when broker and spool disagree about the past: either of them has lost its store.
        """
        self._waiting = [(seq - self.acked, future) for seq, future in self._waiting]
        self._reports = [_renumber(report, seq) for seq, report in enumerate(self._reports, start=1)]
        self._bytes = sum(map(len, self._reports))
        self.acked = 0
        self._acknowledged.clear()
        self.spool_id = _new_id(after=self.spool_id)
        self._is_on_disk = False
        self.flush()

    def recover(self, seen: int) -> ReportsLost:
        """The broker has lost what it had acknowledged behind `seen`: send again what is still here, and tell the rest.

        It goes ahead of what is pending, so that each comes once and in its order. What is told comes last, when all
        that can be known is.
        """
        again = self._acknowledged.after(seen)
        told = ReportsLost(
            lost=self.acked - seen - len(again),
            sent_again=len(again),
            states=self._acknowledged.lacks_states(seen),
        )
        self._reports[:0] = again
        self._reports.append(NumberedReport(seq=0, report=told).model_dump_json().encode())
        self._waiting = [(seq + len(again), future) for seq, future in self._waiting]
        self.renew()
        return told

    def set_head_aside(self, reason: str) -> None:
        """The broker takes everything but the first report: keep that one in a file, and tell why it is missing.

        Everything else is numbered anew, since a number's content changes. Nothing of it has been taken yet.
        """
        if not self._reports:
            return
        head = self._reports[0]
        self._try(lambda: self._keep_aside(head))
        self._reports[0] = _instead(head, self.acked + 1, reason)
        self.renew()

    def flush(self) -> None:
        """Hand to the operating system what was added since the last time, or what the disk had no room for then."""
        if not self._is_on_disk:
            self._try(self._write_generation)
        elif self._unwritten:
            self._try(self._write_unwritten)

    def _try(self, work: Callable[[], None]) -> None:
        """Do what needs the disk; when it cannot be done now, the reports wait in memory and that is told."""
        try:
            work()
        except OSError as error:
            self.problem = f"reports cannot be kept on disk: {error.strerror}"
            self._disown()
        else:
            self.problem = None

    def _write_generation(self) -> None:
        old, here = self._here, self._folder / self.spool_id
        # Whole before it has its name: a kill in between leaves the old one in force.
        unfinished = self._folder / f"{self.spool_id}{_UNFINISHED}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        first = self.acked + 1
        (unfinished / f"{first}.ndjson").write_bytes(b"".join(report + b"\n" for report in self._reports))
        unfinished.rename(here)
        self._here, self._is_on_disk = here, True
        self._unwritten.clear()
        self._segments = [first]
        shutil.rmtree(old, ignore_errors=True)
        self._next_segment()

    def _write_unwritten(self) -> None:
        lines = b"".join(report + b"\n" for report in self._unwritten)
        if self._file < 0:
            self._open_segment(self.last + 1 - len(self._unwritten))
        try:
            _write_whole(self._file, lines)
        except OSError:
            os.ftruncate(self._file, self._file_bytes)
            raise
        self._unwritten.clear()
        self._file_bytes += len(lines)
        self._own()
        if self._file_bytes >= _SEGMENT_BYTES:
            self._next_segment()

    def _disown(self) -> None:
        """Let the next process begin under another id: it could give numbers again that the broker has by then."""
        if self._here.name == self.spool_id:
            self._move(self._folder / _new_id(after=self.spool_id))

    def _own(self) -> None:
        if self._here.name != self.spool_id:
            self._move(self._folder / self.spool_id)

    def _move(self, there: Path) -> None:
        with contextlib.suppress(OSError):
            self._here.rename(there)
            self._here = there

    def _keep_aside(self, report: bytes) -> None:
        aside = self._folder / _ASIDE
        aside.mkdir(exist_ok=True, mode=0o700)
        kept = sorted(path for path in aside.iterdir() if _SET_ASIDE.fullmatch(path.name))
        # Named by the clock, for whoever looks; behind the newest whatever was done to the clock, so none is replaced.
        number = max(time.time_ns(), int(kept[-1].stem) + 1 if kept else 0)
        (aside / f"{number:020d}.json").write_bytes(report)
        for old in kept[: max(0, len(kept) + 1 - _MOST_ASIDE)]:
            old.unlink()

    def close(self) -> None:
        """Write the rest and let go of the files."""
        self.flush()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, encode: Callable[[int], bytes]) -> int:
        report = encode(self.last + 1)
        self._reports.append(report)
        self._bytes += len(report)
        if not self._unwritten:
            asyncio.get_running_loop().call_soon(self.flush)
        self._unwritten.append(report)
        self.on_added()
        return self.last

    def _full(self, weight: Weight) -> bool:
        match weight:
            case Weight.STATE:
                return False
            case Weight.FRAME:
                return self._bytes >= self._limit
            case Weight.TRANSIENT:
                return self._bytes >= self._limit * 3 // 4

    def _tell_overflow(self) -> None:
        if self._dropped and not self._full(Weight.FRAME):
            report = SpoolOverflowed(dropped_frames=self._dropped)
            self._dropped = 0
            self._append(lambda seq: NumberedReport(seq=seq, report=report).model_dump_json().encode())

    def _wake(self) -> None:
        still = []
        for seq, future in self._waiting:
            if seq > self.acked:
                still.append((seq, future))
            elif not future.done():
                future.set_result(None)
        self._waiting = still

    def _trim(self) -> None:
        while len(self._segments) > 1 and self._segments[1] <= self.acked + 1:
            self._segment(self._segments.pop(0)).unlink(missing_ok=True)

    def _next_segment(self) -> None:
        self._open_segment(self.last + 1)

    def _open_segment(self, first: int) -> None:
        path = self._segment(first)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if self._file >= 0:
            os.close(self._file)
        self._file = opened
        self._file_bytes = os.fstat(self._file).st_size
        if first not in self._segments:
            self._segments.append(first)

    def _segment(self, first: int) -> Path:
        return self._here / f"{first}.ndjson"


def _write_whole(descriptor: int, lines: bytes) -> None:
    rest = memoryview(lines)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@dataclass(slots=True, kw_only=True)
class _Found:
    spool_id: str
    segments: list[int] = field(default_factory=list)
    reports: list[bytes] = field(default_factory=list)
    lost: int = 0
    renumber: bool = False
    """The numbers themselves cannot be trusted."""

    @property
    def expected(self) -> int:
        return self.segments[0] + len(self.reports)

    def fill(self, until: int) -> bool:
        """Put a report that says so in the place of each that is missing before number `until`."""
        missing = until - self.expected
        if missing > _MOST_LOST:
            return False
        for seq in range(self.expected, until):
            self.reports.append(placeholder(seq))
            self.lost += 1
        return True


def _load(folder: Path) -> _Found:
    own = [path for path in folder.iterdir() if path.is_dir() and _GENERATION.fullmatch(path.name)]
    generations = sorted(own)
    for path in (*generations[:-1], *folder.glob(f"*{_UNFINISHED}")):
        shutil.rmtree(path, ignore_errors=True)
    if not generations:
        return _Found(spool_id=_new_id())
    here = generations[-1]
    names = [path.stem for path in here.glob("*.ndjson")]
    found = _Found(
        spool_id=here.name, segments=sorted(int(name) for name in names if name.isascii() and name.isdigit())
    )
    for first, after in zip(found.segments, [*found.segments[1:], None], strict=True):
        _read_segment(here / f"{first}.ndjson", found, after=after)
    return found


def _read_segment(path: Path, found: _Found, *, after: int | None) -> None:
    """Take a file's reports; `after` is the number that the next file begins with, None for the last one."""
    try:
        *lines, rest = path.read_bytes().split(b"\n")
        if rest and after is None:  # The process died within a write: that report was never sent.
            os.truncate(path, path.stat().st_size - len(rest))
    except OSError:
        lines = []
    unreadable = 0
    for line in lines:
        seq = _number_of(line)
        if seq is None or (seq > found.expected and not found.fill(seq)):
            unreadable += 1
        elif seq == found.expected:
            found.reports.append(_check(line, found))
            unreadable = 0
    if not found.fill(found.expected + unreadable if after is None else after):
        found.renumber = True


def _number_of(line: bytes) -> int | None:
    numbered = _NUMBERED.fullmatch(line)
    return int(numbered[1]) if numbered else None


def _check(line: bytes, found: _Found) -> bytes:
    try:
        report = readable(line)
    except ProtocolViolation:
        report = placeholder(found.expected)
    found.lost += report is not line
    return report


def _instead(head: bytes, seq: int, reason: str) -> bytes:
    """What is said of a refused report; of one that already says so, less."""
    try:
        instead = in_place_of(head, reason)
    except ProtocolViolation:
        return placeholder(seq)
    return placeholder(seq) if BROKEN_REPORT.encode() in head else instead


def _renumber(report: bytes, seq: int) -> bytes:
    return b'{"seq":%d%b' % (seq, report[report.index(b",") :])


def _new_id(*, after: str = "0") -> str:
    """Sorts behind `after` whatever was done to the clock: of two left behind by a kill the newer one is found."""
    instant = max(time.time_ns(), int(after.partition("-")[0]) + 1)
    return f"{instant:020d}-{secrets.token_hex(4)}"
