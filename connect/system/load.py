"""How busy this machine is: one look, from what the system keeps anyway."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path

from broker.domain.machines.load import MachineLoad

_MEMINFO = Path("/proc/meminfo")
_KIB_LINE = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)


def measure_load(folder: Path, *, meminfo: Path = _MEMINFO) -> MachineLoad:
    """Processors, memory, and the disk that `folder` lies on. What the system does not tell is None, never zero."""
    load_1, load_5, load_15 = _load_averages()
    memory, memory_free = _memory(meminfo)
    disk, disk_free = _disk(folder)
    return MachineLoad(
        processors=os.cpu_count(),
        load_1=load_1,
        load_5=load_5,
        load_15=load_15,
        memory_bytes=memory,
        memory_free_bytes=memory_free,
        disk_bytes=disk,
        disk_free_bytes=disk_free,
    )


def _load_averages() -> tuple[float | None, float | None, float | None]:
    try:
        one, five, fifteen = os.getloadavg()
    except OSError:
        return None, None, None
    return round(one, 2), round(five, 2), round(fifteen, 2)


def _memory(meminfo: Path) -> tuple[int | None, int | None]:
    """All of it, and what is available; macOS tells the first alone."""
    with contextlib.suppress(OSError):
        found = {name: int(kib) * 1024 for name, kib in _KIB_LINE.findall(meminfo.read_text(encoding="ascii"))}
        return found.get("MemTotal"), found.get("MemAvailable")
    with contextlib.suppress(OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), None
    return None, None


def _disk(folder: Path) -> tuple[int | None, int | None]:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None, None
    return usage.total, usage.free
