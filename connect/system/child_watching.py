"""How a process learns that a child of its has ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def children_without_threads() -> Iterator[None]:
    """Python 3.11 waits for each child in a thread of its own; later versions do by themselves what is done here."""
    if sys.version_info >= (3, 12) or sys.platform != "linux" or not _has_pidfd():
        yield
        return
    asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
    try:
        yield
    finally:
        asyncio.set_child_watcher(None)  # type: ignore[arg-type]  # the default again, which typeshed leaves out


def _has_pidfd() -> bool:
    """Not on an old kernel, or in a container that forbids it."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True
