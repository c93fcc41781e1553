"""Reports on their way to the broker: numbered without holes, kept on disk until the broker has them, bounded."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from broker.protocol.proxy import NumberedReport, SpoolOverflowed

_SEGMENT_BYTES = 4 * 1024 * 1024
"""A file whose reports are all acknowledged is deleted; of this size, the disk holds little more than the backlog."""

_UNFINISHED = ".new"


class Weight(IntEnum):
    """What a report is worth when the spool fills up."""

    TRANSIENT = 0
    FRAME = 1
    STATE = 2
    """Never dropped."""


class Spool:
    """The reports the broker has not acknowledged, in memory and, after each loop iteration, in files.

    Invariants: numbers rise by one; a number's content never changes under one `spool_id`; whatever was handed out by
    `batch` is in a file before, so that a process that is killed goes on with the numbers its broker knows.
    """

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._file = -1
        self._file_bytes = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._unwritten: list[bytes] = []
        self._dropped = 0
        self.on_added: Callable[[], None] = lambda: None
        self.problem: str | None = None
        """Why reports are held in memory only, such as a full disk."""
        found = _load(folder)
        self.spool_id = found.spool_id
        self._reports = found.reports
        self._bytes = sum(map(len, self._reports))
        self._segments = found.segments
        self.acked = found.segments[0] - 1 if found.segments else 0
        if found.damaged:
            self.renew()
        else:
            self._open_segment(self.last + 1)

    @property
    def last(self) -> int:
        """The highest number given out."""
        return self.acked + len(self._reports)

    @property
    def pending_bytes(self) -> int:
        """What waits for the broker."""
        return self._bytes

    def add(self, encode: Callable[[int], bytes], *, weight: Weight) -> int | None:
        """Give a report its number; None when it was dropped because the broker has been away for too long."""
        if self._full(weight):
            self._dropped += 1
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
        self._bytes -= sum(map(len, self._reports[:count]))
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
        self._reports = [_renumbered(report, seq) for seq, report in enumerate(self._reports, start=1)]
        self._bytes = sum(map(len, self._reports))
        self.acked = 0
        old, self.spool_id = self.spool_id, _new_id()
        # Whole before it has its name: a kill in between leaves the old one in force.
        unfinished = self._folder / f"{self.spool_id}{_UNFINISHED}"
        unfinished.mkdir(mode=0o700)
        (unfinished / "1.ndjson").write_bytes(b"".join(report + b"\n" for report in self._reports))
        unfinished.rename(self._folder / self.spool_id)
        self._unwritten.clear()
        self._segments = [1]
        self._open_segment(self.last + 1)
        shutil.rmtree(self._folder / old, ignore_errors=True)

    def flush(self) -> None:
        """Hand to the operating system what was added since the last time, or what the disk had no room for then."""
        if not self._unwritten:
            return
        lines = b"".join(report + b"\n" for report in self._unwritten)
        try:
            _write_whole(self._file, lines)
        except OSError as error:
            os.ftruncate(self._file, self._file_bytes)
            self.problem = f"reports cannot be kept on disk: {error.strerror}"
            return
        self.problem = None
        self._unwritten.clear()
        self._file_bytes += len(lines)
        if self._file_bytes >= _SEGMENT_BYTES:
            self._open_segment(self.last + 1)

    def close(self) -> None:
        """Write the rest and let go of the files."""
        self.flush()
        os.close(self._file)

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

    def _open_segment(self, first: int) -> None:
        path = self._segment(first)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        if self._file >= 0:
            os.close(self._file)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._file_bytes = os.fstat(self._file).st_size
        if first not in self._segments:
            self._segments.append(first)

    def _segment(self, first: int) -> Path:
        return self._folder / self.spool_id / f"{first}.ndjson"


def _write_whole(descriptor: int, lines: bytes) -> None:
    if os.write(descriptor, lines) < len(lines):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@dataclass(slots=True, kw_only=True)
class _Found:
    spool_id: str
    segments: list[int] = field(default_factory=list)
    reports: list[bytes] = field(default_factory=list)
    damaged: bool = False


def _load(folder: Path) -> _Found:
    generations = sorted(path for path in folder.iterdir() if path.suffix != _UNFINISHED)
    for path in folder.iterdir():
        if path not in generations[-1:]:
            shutil.rmtree(path, ignore_errors=True)
    if not generations:
        return _Found(spool_id=_new_id())
    here = generations[-1]
    found = _Found(spool_id=here.name, segments=sorted(int(segment.stem) for segment in here.iterdir()))
    for first in found.segments:
        _read_segment(here / f"{first}.ndjson", found)
    return found


def _read_segment(path: Path, found: _Found) -> None:
    *lines, rest = path.read_bytes().split(b"\n")
    if rest:  # The process died within a write: that report was never sent.
        os.truncate(path, path.stat().st_size - len(rest))
    for line in lines:
        expected = found.segments[0] + len(found.reports)
        if line.startswith(b'{"seq":%d,' % expected) and line.endswith(b"}"):
            found.reports.append(line)
        else:
            found.damaged = True


def _renumbered(report: bytes, seq: int) -> bytes:
    return b'{"seq":%d%b' % (seq, report[report.index(b",") :])


def _new_id() -> str:
    # Sorts by age, so that of two left behind by a kill during `renew` the newer one is found.
    return f"{time.time_ns():020d}-{secrets.token_hex(4)}"
