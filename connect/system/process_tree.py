"""Everything an agent's process has started, found and signalled: by session, by ancestry, and by an inherited mark.

On Linux /proc tells all three, so that a grandchild that left the process group is found too. Elsewhere the process
group is all that can be reached.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = "RELAYCAST_PROCESS"
"""The environment variable that every process of an agent inherits; its value is unique for each start."""

LINK_NAME = b"relaycast-link"
"""How the system lists a link (Linux, 15 bytes at most). Nobody but the process itself can change that."""

_LINUX = sys.platform == "linux"
_PROC = Path("/proc")
_KERNEL = 2
"""The parent of the kernel's own threads, which never have an environment (Linux)."""
_LOOKS, _EXEC_S = 4, 0.002
"""How often, and after how long, a process is looked at that may be in the middle of an exec."""


@dataclass(frozen=True, slots=True)
class ProcessKey:
    """A process, not to be confused with a later one of the same number."""

    pid: int
    started: str
    """Its start time as the system tells it; empty where it tells none."""


@dataclass(frozen=True, slots=True)
class _Entry:
    key: ProcessKey
    name: bytes
    parent: int
    group: int
    session: int
    zombie: bool


def boot_id() -> str:
    """Tells one start of the machine from another; start times count from it."""
    with contextlib.suppress(OSError):
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return ""


def key_of(pid: int) -> ProcessKey:
    """Name a process that is known to run."""
    entry = _entry(pid)
    return entry.key if entry else ProcessKey(pid, "")


def is_running(key: ProcessKey) -> bool:
    """Whether exactly this process still runs."""
    if not _LINUX:
        return _group_exists(key.pid)
    entry = _entry(key.pid)
    return entry is not None and entry.key == key and not entry.zombie


def is_marked(pid: int) -> bool:
    """Whether a process was started, however far back, as an agent of any relay-connect, and kept its environment."""
    if pid == os.getpid():
        return MARK in os.environ
    return any(each.startswith(f"{MARK}=".encode()) for each in _environment(pid))


def is_link(pid: int) -> bool:
    """Whether a process is a link, or says so of itself. Elsewhere than on Linux none is seen."""
    entry = _entry(pid) if _LINUX else None
    return entry is not None and entry.name == LINK_NAME


def is_of_an_agent(pid: int) -> bool:
    """Whether a process was started by an agent of any relay-connect of this machine, however far back.

    A link takes in what is orphaned below it, so a process cannot leave its tree by itself, and no other process can
    change what a link is called: to hide the mark does not help it.
    """
    line = ancestors(pid)
    return any(is_marked(each) for each in line) or any(is_link(each) for each in line[1:])


def members(leader: ProcessKey, mark: str) -> list[ProcessKey]:
    """The living processes of the tree that `leader` began, the leader included."""
    if not _LINUX:
        return [leader] if _group_exists(leader.pid) else []
    everybody = list(_entries())
    entries = [
        entry
        for entry in everybody
        if not entry.zombie and entry.key.pid != os.getpid() and not _is_older(entry.key, leader)
    ]
    # As long as a process of its session or group lives, the leader's number is not given to another. Where another has
    # it, both are that one's, and the mark alone tells who was ours.
    number = None if any(entry.key.pid == leader.pid and entry.key != leader for entry in everybody) else leader.pid
    descent = set() if number is None else {number}
    marked = _find_marked(entries, mark)
    found = []
    # Parents have lower numbers but for a wrap-around; those are in the session or carry the mark all the same.
    for entry in sorted(entries, key=lambda entry: entry.key.pid):
        ours = number in {entry.key.pid, entry.group, entry.session} or entry.parent in descent
        if ours or entry.key in marked:
            descent.add(entry.key.pid)
            found.append(entry.key)
    return found


def _is_older(key: ProcessKey, leader: ProcessKey) -> bool:
    """Whether a process was there before the leader, and so is none of its tree: most are, and need no other look."""
    return bool(leader.started) and int(key.started) < int(leader.started)


def find_marked(mark: str) -> list[ProcessKey]:
    """The living processes that carry `mark`, whoever their parents are now."""
    if not _LINUX:
        return []
    return list(_find_marked([entry for entry in _entries() if not entry.zombie], mark))


def ancestors(pid: int) -> list[int]:
    """A process, its parent, and so on up to the first; empty when it is gone."""
    found: list[int] = []
    while pid > 0 and pid not in found and (parent := _parent(pid)) is not None:
        found.append(pid)
        pid = parent
    return found


def _parent(pid: int) -> int | None:
    if _LINUX:
        entry = _entry(pid)
        return None if entry is None else entry.parent
    told = subprocess.run(  # noqa: S603 - the system's own program and a number
        ["/bin/ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return int(told.stdout) if told.stdout.strip().isdigit() else None


def send(key: ProcessKey, number: signal.Signals) -> None:
    """Signal exactly this process, or nobody when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "linux":
            # The handle is taken first: if the number still means our process now, the handle does for good.
            handle = os.pidfd_open(key.pid)
            try:
                if is_running(key):
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)
        else:
            os.killpg(key.pid, number)


def _entries() -> Iterator[_Entry]:
    for name in os.listdir(_PROC):  # noqa: PTH208 - see _read
        if name.isdigit() and (entry := _entry(int(name))):
            yield entry


def _entry(pid: int) -> _Entry | None:
    try:
        stat = _read(pid, "stat")
    except OSError:
        return None
    # The program's name is in parentheses and may hold anything, parentheses and spaces included.
    name_ends = stat.rindex(b")")
    state, parent, group, session, *rest = stat[name_ends + 2 :].split()
    return _Entry(
        key=ProcessKey(pid, rest[15].decode()),
        name=stat[stat.index(b"(") + 1 : name_ends],
        parent=int(parent),
        group=int(group),
        session=int(session),
        zombie=state in {b"Z", b"X"},
    )


def _read(pid: int, what: str) -> bytes:
    """One file of a process. Hundreds are read whenever a tree ends, so no paths are made for them."""
    with open(f"{_PROC}/{pid}/{what}", "rb", buffering=0) as file:  # noqa: PTH123
        return file.read()


def _find_marked(entries: list[_Entry], mark: str) -> dict[ProcessKey, None]:
    """Those that carry `mark`, in their order. In the middle of its exec a process has no environment: such a one is
    looked at again, and one that has none then was started without."""
    wanted, found, doubtful = f"{MARK}={mark}".encode(), dict[ProcessKey, None](), entries
    for look in range(_LOOKS):
        if look:
            time.sleep(_EXEC_S)
        looked_at, doubtful = doubtful, []
        for entry in looked_at:
            environment = _environment(entry.key.pid)
            if wanted in environment:
                found[entry.key] = None
            elif environment == [b""] and entry.parent != _KERNEL:
                doubtful.append(entry)
        if not doubtful:
            break
    return found


def _environment(pid: int) -> list[bytes]:
    """What it was started with, or [b""]; nothing where that cannot be read."""
    try:
        return _read(pid, "environ").split(b"\0")
    except OSError:
        return []


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
