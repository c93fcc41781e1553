"""Which runs were taken, started and told of: so that none is started twice, and none is forgotten.

A run goes through four steps, each written before what follows from it is done:

    taken      the order is known; a repeated one changes nothing
    started    its process may exist from now on; this alone waits for the disk itself
    ended      how it ended, whole
    told       that is in the spool, which loses nothing

Whoever opens the journal after a kill finds how far each came and tells how it ended: nothing is ever started from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

import orjson
from pydantic import BaseModel

from connect.system.state_folder import write_private

_MOST = 4096
"""Runs that are remembered; of more, those that were told of longest ago are forgotten."""
_MOST_BYTES = 16 * 1024 * 1024

NEVER_STARTED = "relay-connect ended before it was started"
CUT_OFF = "relay-connect ended while it ran; what was left of it was ended"


_R = TypeVar("_R", bound=BaseModel)


class Step(StrEnum):
    """How far a run came."""

    TAKEN = "taken"
    STARTED = "started"
    ENDED = "ended"
    TOLD = "told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known(Generic[_R]):
    """What is known of a run."""

    step: Step
    report: _R
    """What there is to tell of it; before its end, what would be told if there were no more."""


class Journal(Generic[_R]):
    """One append-only file, written anew now and then. Raises `OSError` for what it cannot keep."""

    def __init__(self, file: Path, *, model: type[_R], key: Callable[[_R], str], shortened: Callable[[_R], _R]) -> None:
        """`key`: which run a report is of; `shortened`: what is kept of one that was told."""
        self._file = file
        self._model = model
        self._key = key
        self._shortened = shortened
        self._known: OrderedDict[str, Known[_R]] = OrderedDict()
        for line in self._lines():
            self._apply(line)
        self._trim()
        self._descriptor = -1
        self._size = 0
        with contextlib.suppress(OSError):  # a disk that is full: it is tried again with the first run
            self._rewrite()

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def of(self, run: str) -> Known[_R] | None:
        """What is known of a run."""
        return self._known.get(run)

    def keep_taken(self, report: _R) -> None:
        """A run is ordered. `report`: what is told if nothing more comes of it."""
        self._write(Step.TAKEN, report)

    async def keep_started(self, report: _R) -> None:
        """Its process is about to be started. Returns once that is on the disk itself. `report`: likewise."""
        self._write(Step.STARTED, report)
        # One of its own: another run may have the file written anew meanwhile, which is on the disk by then.
        await asyncio.to_thread(_sync, os.dup(self._descriptor))

    def end(self, report: _R) -> None:
        """It is over, or never came to be."""
        self._write(Step.ENDED, report)

    def tell(self, run: str) -> None:
        """Its end is in the spool."""
        known = self._known[run]
        self._write(Step.TOLD, self._shortened(known.report))

    def untold(self) -> Iterator[_R]:
        """The ends that nobody was told of, those that a kill has made included, the oldest first."""
        for known in list(self._known.values()):
            if known.step is not Step.TOLD:
                yield known.report

    def _write(self, step: Step, report: _R) -> None:
        # An end is kept in memory whatever the disk says: this process tells it all the same.
        known = Known(step=step, report=report)
        if step in {Step.ENDED, Step.TOLD}:
            self._keep(known)
        line = _line(known)
        if self._descriptor < 0 or self._size + len(line) > _MOST_BYTES:
            self._rewrite()
        self._append(line)
        self._keep(known)

    def _append(self, line: bytes) -> None:
        if os.write(self._descriptor, line) < len(line):
            os.ftruncate(self._descriptor, self._size)
            raise OSError(28, "no space is left on the disk")
        self._size += len(line)

    def _keep(self, known: Known[_R]) -> None:
        self._known[self._key(known.report)] = known
        self._trim()

    def _apply(self, known: Known[_R]) -> None:
        self._known[self._key(known.report)] = known
        if known.step is Step.TAKEN:
            self._known.move_to_end(self._key(known.report))

    def _trim(self) -> None:
        surplus = len(self._known) - _MOST
        if surplus > 0:
            told = (run for run, known in self._known.items() if known.step is Step.TOLD)
            for run in list(islice(told, surplus)):
                del self._known[run]

    def _rewrite(self) -> None:
        """Only what is still known, and open that."""
        write_private(self._file, b"".join(map(_line, self._known.values())), durable=True)
        self.close()
        self._descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._size = os.fstat(self._descriptor).st_size

    def _lines(self) -> Iterator[Known[_R]]:
        with contextlib.suppress(FileNotFoundError):
            for line in self._file.read_bytes().splitlines():
                with contextlib.suppress(ValueError, KeyError, TypeError):  # half a line, of a kill
                    found = orjson.loads(line)
                    yield Known(step=Step(found["step"]), report=self._model.model_validate(found["report"]))


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(known: Known[_R]) -> bytes:
    return orjson.dumps({"step": known.step, "report": known.report.model_dump(mode="json")}) + b"\n"
