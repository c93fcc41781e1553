"""Orphans that are given to relay-connect: what agents left, or everybody's when it is a container's process 1."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

_FIRST_PROCESS = 1
_EVERY_S = 1.0
_PROC = Path("/proc")


async def reap_orphans(*, adopting: bool = False, every_s: float = _EVERY_S) -> None:
    """Wait for ended children that were not started here, for ever; returns at once where there can be none.

    `adopting`: this process is given the orphans below it. Whom it started itself is waited for by asyncio, which must
    not lose the status: a child that has ended and is still there at the second look was started by somebody else.
    """
    if sys.platform != "linux" or not (adopting or os.getpid() == _FIRST_PROCESS):
        return
    seen: set[int] = set()
    while True:
        ended = _find_ended_children() if _has_ended_child() else set()
        _reap(ended & seen)
        seen = ended
        await asyncio.sleep(every_s)


def _has_ended_child() -> bool:
    """One system call, for what is seldom: looking through all processes costs milliseconds."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


def _reap(ended: Iterable[int]) -> None:
    for pid in ended:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _find_ended_children() -> set[int]:
    """The zombies whose parent is this process."""
    found: set[int] = set()
    with contextlib.suppress(OSError):  # a container without /proc
        found.update(filter(_is_ended_child, (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())))
    return found


def _is_ended_child(pid: int) -> bool:
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return False  # gone meanwhile
    # The program's name is in parentheses and may hold anything.
    state, parent = stat.rpartition(")")[2].split()[:2]
    return state == "Z" and int(parent) == os.getpid()
