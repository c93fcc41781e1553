"""How busy a machine is: what the system says, and nothing where it says nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from broker.domain.machines.load import MachineLoad, used_percent
from broker.protocol.proxy import Load, read_from_proxy, write
from connect.system.load import measure_load


def test_this_machine_is_measured(tmp_path: Path) -> None:
    load = measure_load(tmp_path)
    assert load.disk_bytes == shutil.disk_usage(tmp_path).total
    assert load.disk_free_bytes is not None and 0 < load.disk_free_bytes <= load.disk_bytes
    assert load.processors == os.cpu_count()
    assert None not in {load.load_1, load.load_5, load.load_15}
    assert read_from_proxy(write(Load(load=load))) == Load(load=load)
    assert len(write(Load(load=load))) < 300


def test_memory_is_what_programs_can_still_have(tmp_path: Path) -> None:
    (meminfo := tmp_path / "meminfo").write_text("MemTotal:  1000 kB\nMemFree:  10 kB\nMemAvailable:  400 kB\n")
    load = measure_load(tmp_path, meminfo=meminfo)
    assert (load.memory_bytes, load.memory_free_bytes) == (1000 * 1024, 400 * 1024)


def test_what_the_system_does_not_say_is_not_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError("not here")

    monkeypatch.setattr(os, "getloadavg", refuse)
    (meminfo := tmp_path / "meminfo").write_text("MemTotal:  1000 kB\n")
    load = measure_load(tmp_path / "gone", meminfo=meminfo)
    assert load == MachineLoad(processors=os.cpu_count(), memory_bytes=1000 * 1024)
    without = measure_load(tmp_path, meminfo=tmp_path / "none")
    assert without.memory_bytes and without.memory_free_bytes is None


@pytest.mark.parametrize(
    ("all_bytes", "free_bytes", "percent"),
    [(200, 50, 75), (200, 0, 100), (200, 300, 0), (0, 0, None), (None, 1, None), (200, None, None)],
)
def test_the_part_that_is_used(all_bytes: int | None, free_bytes: int | None, percent: int | None) -> None:
    assert used_percent(all_bytes, free_bytes) == percent
