"""What a damaged log store does: it is said, and read around; nothing is thrown away."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.adapters.clickhouse.opening import set_aside

# The engine belongs to one process, and a damaged one should not be that of other tests.
PROGRAM = """
import asyncio, json, sys
from pathlib import Path

from broker.adapters.clickhouse.opening import embedded_log_store
from broker.domain.errors import Unavailable
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.logs.search.query import LogQuery, Word
from tests.fixtures.log_rows import log_row

W = WorkspaceId("w")

async def fill(store):
    for batch in range(3):
        rows = [log_row(W, 10 * batch + n, f"line {n}") for n in range(1, 11)]
        await store.insert(W, rows, token=str(batch), days=(7, 30, 90)[batch])
    return {"frames": "pandas" in sys.modules}

async def look(store):
    try:
        page = await store.page(W, SessionId("ses_1"), "e1", start=0, limit=1000)
        hits = await store.search(W, LogQuery(terms=(Word("line"),)), limit=100)
    except Unavailable as error:
        return {"closed": error.message, "degraded": store.degraded}
    damage = store.damage
    return {
        "offsets": [row.offset for row in page.rows],
        "hits": len(hits.rows),
        "damage": None if damage is None else str(damage),
        "parts": 0 if damage is None else damage.parts,
        "days": None if damage is None or damage.since is None else [str(damage.since), str(damage.until)],
    }

async def main(what, folder):
    async with embedded_log_store(Path(folder)) as store:
        print(json.dumps(await {"fill": fill, "look": look}[what](store)))

asyncio.run(main(*sys.argv[1:]))
"""


def run(what: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", PROGRAM, what, str(folder)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("filled")
    assert run("fill", made) == {"frames": False}, "the driver loads what is for frames, which no broker has"
    return made


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    """A store of ten lines each that are kept for 7, 30 and 90 days."""
    return shutil.copytree(filled, tmp_path / "logs", symlinks=True)


def part_files(folder: Path, *, days: int) -> list[Path]:
    """Of the part that is kept for so long. Lines are an hour old."""
    expiry = datetime.now(UTC) - timedelta(hours=1) + timedelta(days=days)
    return list(folder.glob(f"engine/store/*/*/{expiry:%Y%m%d}_*/*"))


def overwrite(files: Iterable[Path]) -> None:
    for file in files:
        size = file.stat().st_size
        with file.open("r+b") as opened:
            opened.seek(max(0, size // 2 - 8))
            opened.write(b"\xaa" * min(16, size))


def test_a_part_that_the_engine_cannot_load_is_told_and_read_around(folder: Path) -> None:
    overwrite(part_files(folder, days=7))
    seen = run("look", folder)
    assert seen["offsets"] == list(range(11, 31))
    assert seen["hits"] == 20
    assert seen["parts"] == 1
    assert "1 part of the log" in seen["damage"]
    assert "may be missing" in seen["damage"]


def test_the_days_of_what_is_missing_are_told_when_they_can_be_known(folder: Path) -> None:
    overwrite(file for file in part_files(folder, days=7) if not file.name.startswith("minmax_"))
    today = str((datetime.now(UTC) - timedelta(hours=1)).date())
    assert run("look", folder)["days"] == [today, today]


def test_damage_that_only_a_read_meets_costs_that_part_alone_and_stays_told(folder: Path) -> None:
    overwrite(file for file in part_files(folder, days=30) if file.name == "data.bin")
    expected = [*range(1, 11), *range(21, 31)]
    for _ in range(2):  # and by the next process
        seen = run("look", folder)
        assert (seen["offsets"], seen["hits"], seen["parts"]) == (expected, 20, 1)


@pytest.mark.parametrize("harm", ["cut", "empty", "gone"])
def test_a_store_that_cannot_be_opened_stays_closed_until_it_is_set_aside(folder: Path, harm: str) -> None:
    (metadata,) = folder.glob("engine/store/*/*/log_lines.sql")
    whole = metadata.read_bytes()
    if harm == "gone":
        metadata.unlink()
    else:
        metadata.write_bytes(whole[:40] if harm == "cut" else b"")
    seen = run("look", folder)
    assert "is damaged and stays closed" in seen["closed"]
    assert "relaycast logs set-aside" in seen["closed"]
    assert seen["degraded"] == seen["closed"]
    kept = set_aside(folder)
    assert kept is not None
    assert kept.parent == folder
    assert run("look", folder)["offsets"] == []
    kept_metadata = kept / metadata.relative_to(folder / "engine")
    assert kept_metadata.exists() == (harm != "gone")


def test_a_store_that_was_mended_is_as_before(folder: Path) -> None:
    (metadata,) = folder.glob("engine/store/*/*/log_lines.sql")
    whole = metadata.read_bytes()
    metadata.write_bytes(b"")
    assert "closed" in run("look", folder)
    metadata.write_bytes(whole)
    assert run("look", folder)["offsets"] == list(range(1, 31))
