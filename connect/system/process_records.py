"""Which processes were started, on disk: after a kill of relay-connect the next one ends what the last one left."""

from __future__ import annotations

import contextlib
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from connect.system import process_tree
from connect.system.process_tree import ProcessKey
from connect.system.state_folder import write_private

_END_GRACE_S = 5.0
"""For killed leftovers to vanish; start-up waits for it."""


class ProcessRecords:
    """One file for each process, announced before it exists and deleted when its tree is gone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def announce(self) -> str:
        """A new mark for a process about to be started."""
        mark = secrets.token_hex(8)
        self._write(mark, None)
        return mark

    def remember(self, mark: str, key: ProcessKey) -> None:
        """The process has come to be."""
        self._write(mark, key)

    def forget(self, mark: str) -> None:
        """The process and all it has started are gone. A record that stays for now names nobody that lives."""
        with contextlib.suppress(OSError):
            self._path(mark).unlink(missing_ok=True)

    def names(self, key: ProcessKey) -> bool:
        """Whether this very process is recorded as one that was started for an agent."""
        return any(_read_leader(path) == key for path in self._folder.glob("*.json"))

    def end_leftovers(self, *, wait: Callable[[float], None] = time.sleep) -> int:
        """Kill what an earlier relay-connect left running; how many processes that were.

        A process is only killed when it carries a recorded mark, or has the recorded number and start time.
        """
        killed: set[ProcessKey] = set()
        deadline = time.monotonic() + _END_GRACE_S
        while (left := list(self._leftovers())) and time.monotonic() < deadline:
            for key in left:
                killed.add(key)
                process_tree.send(key, signal.SIGKILL)
            wait(0.02)
        if not left:
            for path in self._folder.iterdir():
                path.unlink(missing_ok=True)
        return len(killed)

    def _leftovers(self) -> Iterator[ProcessKey]:
        for path in self._folder.glob("*.json"):
            leader = _read_leader(path)
            if leader and process_tree.is_running(leader):
                yield from process_tree.members(leader, path.stem)
            else:
                yield from process_tree.find_marked(path.stem)

    def _write(self, mark: str, key: ProcessKey | None) -> None:
        content = {"pid": key.pid, "started": key.started, "boot": process_tree.boot_id()} if key else {}
        write_private(self._path(mark), orjson.dumps(content))

    def _path(self, mark: str) -> Path:
        return self._folder / f"{mark}.json"


def _read_leader(path: Path) -> ProcessKey | None:
    with contextlib.suppress(OSError, ValueError, KeyError):
        found = orjson.loads(path.read_bytes())
        if found["boot"] == process_tree.boot_id() and found["started"]:
            return ProcessKey(int(found["pid"]), str(found["started"]))
    return None
