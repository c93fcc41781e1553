"""Keeps what a process holds in memory from other programs of the same user, as far as the system can.

On Linux a process that is not dumpable can be neither traced nor read by them, its environment and open files included,
and leaves no core; root can do all of it. macOS guards the memory of other programs by itself, and gives away their
environment; here it gets the limit of cores alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Iterable
from pathlib import Path

from connect.system.process_tree import LINK_NAME

_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_ARGUMENTS = slice(45, 47)
"""arg_start and arg_end of proc(5)'s stat, counted behind the program's name: fields 48 and 49."""


def guard_process() -> None:
    """Let nobody trace this process or read its memory, and leave no core. Before it is given a secret."""
    _prctl(_PR_SET_DUMPABLE, 0)
    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def become_link() -> bool:
    """Be listed by the system as a link, and adopt what is orphaned below; whether it can do that (Linux).

    Called from the main thread, whose name is the process'.
    """
    name = ctypes.create_string_buffer(LINK_NAME)
    return _prctl(_PR_SET_NAME, ctypes.addressof(name)) and _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def wipe_environment(names: Iterable[str]) -> None:
    """Take variables out of the environment, and out of the memory in which the system shows it to others.

    A variable that is only unset stays readable in /proc/PID/environ, and to `ps e`.
    """
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    for name in names:
        value = os.environb.get(os.fsencode(name))
        address = libc.getenv(os.fsencode(name)) if value else None
        if value and address:
            ctypes.memset(address, 0, len(value))
        os.environ.pop(name, None)


def wipe_arguments(secret: str) -> None:
    """Overwrite a secret among the arguments this process was started with, which every user can list (Linux)."""
    wanted = secret.encode()
    if sys.platform != "linux" or not wanted:
        return
    with contextlib.suppress(OSError, ValueError, IndexError):
        start, end = map(int, Path("/proc/self/stat").read_text().rpartition(")")[2].split()[_ARGUMENTS])
        shown = ctypes.string_at(start, end - start)
        while (place := shown.find(wanted)) >= 0:
            ctypes.memset(start + place, ord("*"), len(wanted))
            shown = ctypes.string_at(start, end - start)


def _prctl(option: int, value: int) -> bool:
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), 0, 0, 0) == 0)
