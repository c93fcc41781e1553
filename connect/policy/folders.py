"""Which folder a path really leads to: held open from the check to the start, so that no exchange of names matters.

Folders are compared by what they are for the file system, not by how they are written: letters' case, Unicode forms,
links and `..` are its business.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OPEN = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
"""With `O_PATH` a folder that may be entered but not listed can be held."""
_LONGEST_PATH = 1024
"""What F_GETPATH of macOS fills."""


class OpenFolder:
    """A folder that is held open. It stays the same folder whatever becomes of its name."""

    def __init__(self, path: Path) -> None:
        """Follow `path` to its end. Raises `OSError` when it leads to no folder, `ValueError` when it is no path."""
        self.descriptor = os.open(path, _OPEN)
        try:
            self.path = _path_of(self.descriptor, path)
        except OSError:
            self.close()
            raise

    @property
    def enterable(self) -> bool:
        """Whether this user may work in it."""
        return os.access(".", os.X_OK, dir_fd=self.descriptor)

    @property
    def still_named(self) -> bool:
        """Whether its path leads to it now, through no link."""
        try:
            with _open(self.path) as (descriptor, path):
                return path == self.path and _identity(descriptor) == _identity(self.descriptor)
        except OSError:
            return False

    def lies_in(self, root: Path) -> bool:
        """Whether it is `root` or below. A root whose path leads through a link by now holds nothing."""
        try:
            with _open(root) as (descriptor, path):
                return path == root and _identity(descriptor) in _ancestors(self.descriptor)
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)


def real_folder(path: Path) -> Path:
    """The path as the file system has it. Raises `OSError` when it leads to no folder."""
    with _open(path) as (_, real):
        return real


def real_or_none(path: Path) -> Path | None:
    """The same, `~` included; None when it leads to no folder."""
    try:
        return real_folder(path.expanduser())
    except (OSError, RuntimeError, ValueError):
        return None


@contextmanager
def _open(path: Path) -> Iterator[tuple[int, Path]]:
    descriptor = os.open(path, _OPEN)
    try:
        yield descriptor, _path_of(descriptor, path)
    finally:
        os.close(descriptor)


def _path_of(descriptor: int, path: Path) -> Path:
    if sys.platform == "darwin":
        found = fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(_LONGEST_PATH))
        return Path(os.fsdecode(found.rstrip(b"\0")))
    try:
        return Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:  # a container without /proc: what comes between is seen when it is compared again
        return path.resolve(strict=True)


def _ancestors(descriptor: int) -> set[tuple[int, int]]:
    """What it is and what it lies in, up to the root, by where the folders are rather than what they are called."""
    found: set[tuple[int, int]] = set()
    current = os.dup(descriptor)
    try:
        while (identity := _identity(current)) not in found:
            found.add(identity)
            above = os.open("..", _OPEN, dir_fd=current)
            os.close(current)
            current = above
    finally:
        os.close(current)
    return found


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino
