"""Files that decide what may run here, read only where nobody but the user can have written them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_OF_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class NotOwn(Exception):
    """The file cannot be trusted or read; the message says why, and what to do where there is something."""


def read_own(path: Path, *, max_bytes: int) -> bytes | None:
    """A file's content, through no link; None when it is not there. Raises `NotOwn`."""
    try:
        return _read(path, max_bytes)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotOwn(error.strerror or str(error)) from None


def _read(path: Path, max_bytes: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NotOwn("it is no regular file")
        if found.st_uid not in {os.geteuid(), 0}:
            raise NotOwn(f"it belongs to another user (uid {found.st_uid})")
        if found.st_mode & _OF_OTHERS:
            raise NotOwn(f"other users can write it; run `chmod go-w {path}`")
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise NotOwn("it is too large")
    return content
