"""The one folder in which relay-connect remembers itself: who it is, what it has seen, and that it runs once only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

import orjson

from broker.domain.errors import BadRequest, Conflict
from connect.system import process_tree

_CURSOR_BYTES = 256
_PRIVATE_FILE = os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_OF_OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far the commands of one mailbox epoch were taken."""

    epoch: str | None = None
    seen: int = 0


class StateFolderLost(Exception):
    """The folder of a process that runs was deleted or moved away: another could hold one in its place."""


class StateFolder:
    """An open state folder, private to the user and held by this process alone.

    Everything in it survives the death of the process at any instruction; only a power cut may undo the last second.
    """

    def __init__(self, path: Path, *, new_identity: bool = False) -> None:
        self.path = path
        try:
            private_folder(path, parents=True)
            self._lock = _open_locked(path / "lock")
            if new_identity:
                _forget(path)
            self._cursor_file = os.open(path / "commands.json", os.O_RDWR | _PRIVATE_FILE, 0o600)
            self.machine_id = self._machine_id()
            self.boot_id = self._next_boot()
        except OSError as error:
            raise BadRequest(
                f"the state folder {path} cannot be used: {error.strerror}; choose another --state-dir",
                code="STATE_DIR_UNUSABLE",
            ) from None
        self.cursor = self._read_cursor()

    def require_held(self) -> None:
        """Raise `StateFolderLost` when the lock that this process holds is no longer the one of the folder."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if self._holds_lock_there():
                return
        raise StateFolderLost(
            f"the state folder {self.path} was deleted, moved or replaced while this link used it: another link could"
            " run this machine a second time, so this one has ended its agents and itself; start it again"
        )

    def _holds_lock_there(self) -> bool:
        """Raises `FileNotFoundError`, `NotADirectoryError`."""
        try:
            found, held = (self.path / "lock").stat(), os.fstat(self._lock)
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError:  # a disk that does not answer now says nothing
            return True
        return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)

    def close(self) -> None:
        """Let another relay-connect have the folder."""
        os.close(self._cursor_file)
        os.close(self._lock)

    def move_cursor(self, cursor: Cursor) -> None:
        """Remember how far commands were taken. One write in place: cheap, and whole as far as a kill goes.

        Raises `OSError` when it is remembered in memory only.
        """
        self.cursor = cursor
        line = orjson.dumps({"epoch": cursor.epoch, "seen": cursor.seen})
        os.pwrite(self._cursor_file, line.ljust(max(_CURSOR_BYTES, len(line))), 0)

    def folder(self, name: str) -> Path:
        """A private folder inside this one."""
        return private_folder(self.path / name)

    def _next_boot(self) -> str:
        """`<line>.<number>`: whoever had a lower number of the same line held this very lock, and is gone.

        A copy of the folder has another lock, and a restarted machine has lost it: both begin a line of their own.
        """
        path = self.path / "boots.json"
        lock = os.fstat(self._lock)
        where = [process_tree.boot_id(), lock.st_dev, lock.st_ino]
        line, number = secrets.token_hex(8), 1
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            before = orjson.loads(path.read_bytes())
            if where[0] and before["lock"] == where:
                line, number = str(before["line"]), int(before["number"]) + 1
        try:
            write_private(path, orjson.dumps({"lock": where, "line": line, "number": number}))
        except OSError:  # a full disk; a number that is not kept would be given twice
            return f"{secrets.token_hex(8)}.1"
        return f"{line}.{number}"

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
        write_private(path, made.encode(), durable=True)
        return made


def write_private(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Put a file in place whole and readable by the user alone; `durable` files survive a power cut as well.

    Raises `OSError`, and leaves the file that was there as it was.
    """
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_EXCL | _PRIVATE_FILE, 0o600)
    try:
        try:
            _write_whole(descriptor, content)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _forget(state: Path) -> None:
    """All that belongs to the machine this was; what processes it left is not forgotten."""
    for name in ("token.json", "commands.json", "machine-id"):
        (state / name).unlink(missing_ok=True)
    shutil.rmtree(state / "spool", ignore_errors=True)


def _write_whole(descriptor: int, content: bytes) -> None:
    """The rest of a short write says why it was short."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def private_folder(path: Path, *, parents: bool = False) -> Path:
    """A folder that nobody but its user can put files into: what lies in it decides which processes are ended."""
    path.mkdir(parents=parents, exist_ok=True, mode=0o700)
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise BadRequest(
            f"{path} belongs to another user (uid {found.st_uid}); choose another --state-dir, or have it given to you",
            code="STATE_DIR_UNSAFE",
        )
    if found.st_mode & _OF_OTHERS:
        raise BadRequest(
            f"{path} can be written by other users; run `chmod go-w {path}`, or choose another --state-dir",
            code="STATE_DIR_UNSAFE",
        )
    return path


def _open_locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | _PRIVATE_FILE, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise Conflict(
            f"another relay-connect (process {holder}) uses {path.parent}; stop it, or choose another --state-dir",
            code="STATE_DIR_IN_USE",
        ) from None
    with contextlib.suppress(OSError):  # a full disk; only the words of the refusal above would miss it
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor
