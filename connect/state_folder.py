"""The one folder in which relay-connect remembers itself: who it is, what it has seen, and that it runs once only."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from broker.domain.errors import Conflict

_CURSOR_BYTES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far the commands of one mailbox epoch were taken."""

    epoch: str | None = None
    seen: int = 0


class StateFolder:
    """An open state folder, private to the user and held by this process alone.

    Everything in it survives the death of the process at any instruction; only a power cut may undo the last second.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._lock = _locked(path / "lock")
        self._cursor_file = os.open(path / "commands.json", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.machine_id = self._machine_id()
        self.cursor = self._read_cursor()

    def close(self) -> None:
        """Let another relay-connect have the folder."""
        os.close(self._cursor_file)
        os.close(self._lock)

    def move_cursor(self, cursor: Cursor) -> None:
        """Remember how far commands were taken. One write in place: cheap, and whole as far as a kill goes."""
        line = orjson.dumps({"epoch": cursor.epoch, "seen": cursor.seen})
        os.pwrite(self._cursor_file, line.ljust(max(_CURSOR_BYTES, len(line))), 0)
        self.cursor = cursor

    def folder(self, name: str) -> Path:
        """A private folder inside this one."""
        path = self.path / name
        path.mkdir(exist_ok=True, mode=0o700)
        return path

    def _read_cursor(self) -> Cursor:
        try:
            found = orjson.loads(os.pread(self._cursor_file, 64 * 1024, 0))
            return Cursor(epoch=found["epoch"], seen=int(found["seen"]))
        except (ValueError, KeyError, TypeError):
            return Cursor()

    def _machine_id(self) -> str:
        path = self.path / "machine-id"
        if path.exists() and (known := path.read_text().strip()):
            return known
        made = secrets.token_hex(16)
        write_private(path, made.encode())
        return made


@dataclass(slots=True)
class Credentials:
    """The token in use: the fresh one the broker gave last, as long as it descends from the configured one."""

    configured: str = field(repr=False)
    path: Path
    fresh: str | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            kept = orjson.loads(self.path.read_bytes())
            if kept["for"] == self._origin():
                self.fresh = str(kept["token"])
        except (OSError, ValueError, KeyError, TypeError):
            self.fresh = None

    @property
    def token(self) -> str:
        """What to present now."""
        return self.fresh or self.configured

    def refresh(self, token: str) -> None:
        """Use `token` from the next connection on, also after a restart."""
        self.fresh = token
        write_private(self.path, orjson.dumps({"for": self._origin(), "token": token}))

    def fall_back(self) -> bool:
        """Forget a fresh token that was refused; False when the configured one itself was refused."""
        if self.fresh is None:
            return False
        self.fresh = None
        self.path.unlink(missing_ok=True)
        return True

    def _origin(self) -> str:
        return hashlib.sha256(self.configured.encode()).hexdigest()


def write_private(path: Path, content: bytes) -> None:
    """Put a file in place whole and readable by the user alone."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)
    temporary.replace(path)


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise Conflict(
            f"another relay-connect (process {holder}) uses {path.parent}; stop it, or choose another --state-dir",
            code="STATE_DIR_IN_USE",
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor
