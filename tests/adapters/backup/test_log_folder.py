"""A copy of the log store that the engine works on meanwhile."""

import asyncio
import contextlib
import shutil
from pathlib import Path

from broker.adapters.backup.log_folder import link_parts
from broker.adapters.clickhouse.client import ENGINE_FOLDER, embedded_clickhouse
from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.domain.ids import SessionId, WorkspaceId
from tests.fixtures.log_rows import log_row
from tests.fixtures.log_store import open_log_store

W, S = WorkspaceId("w"), SessionId("s")
_EPOCH = "e"


async def insert(store: ClickHouseLogStore, first: int, count: int = 5) -> None:
    rows = [log_row(W, number, f"line {number}", session=S) for number in range(first, first + count)]
    await store.insert(W, rows, token=str(first), days=7)


async def offsets(store: ClickHouseLogStore, epoch: str) -> list[int]:
    page = await store.page(W, S, epoch, start=0, limit=1000, max_bytes=1 << 30)
    return [row.offset for row in page.rows]


async def test_a_copy_made_between_inserts_has_all_that_was_there(tmp_path: Path) -> None:
    staging, elsewhere = tmp_path / "staging", tmp_path / "elsewhere"
    async with embedded_clickhouse(tmp_path / "logs") as clickhouse:
        store = await open_log_store(clickhouse)
        epoch = log_row(W, 1, "x", session=S).epoch
        for first in range(1, 51, 5):
            await insert(store, first)
        inserting = asyncio.create_task(insert(store, 1001, 50))
        assert await asyncio.to_thread(link_parts, tmp_path / "logs", staging)
        await inserting
    elsewhere.mkdir()
    shutil.move(staging, elsewhere / ENGINE_FOLDER)
    async with embedded_clickhouse(elsewhere) as clickhouse:
        found = await offsets(await open_log_store(clickhouse), epoch)
    # What came meanwhile is there or not, as a whole.
    assert found in ([*range(1, 51)], [*range(1, 51), *range(1001, 1051)])


def test_where_there_is_no_log_store_nothing_is_copied(tmp_path: Path) -> None:
    assert link_parts(tmp_path, tmp_path / "staging") is False
    assert not (tmp_path / "staging").exists()


def test_a_part_that_is_deleted_meanwhile_is_replaced_by_what_covers_it(tmp_path: Path) -> None:
    table = tmp_path / ENGINE_FOLDER / "store" / "abc" / "abcd"
    for name in ("all_1_1_0", "all_2_2_0", "tmp_merge_all_1_2_1"):
        (table / name).mkdir(parents=True)
        (table / name / "data.bin").write_text(name)
    (table / "format_version.txt").write_text("1")
    (tmp_path / ENGINE_FOLDER / "data").mkdir()
    (tmp_path / ENGINE_FOLDER / "data" / "t").symlink_to("../store/abc/abcd")
    assert link_parts(tmp_path, tmp_path / "staging")
    copied = {str(each.relative_to(tmp_path / "staging")) for each in (tmp_path / "staging").rglob("*")}
    assert "store/abc/abcd/all_1_1_0/data.bin" in copied
    assert "store/abc/abcd/format_version.txt" in copied
    assert not [each for each in copied if "tmp_merge" in each]
    assert (tmp_path / "staging" / "data" / "t").readlink() == Path("../store/abc/abcd")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(table / "all_1_1_0")
    assert (tmp_path / "staging" / "store/abc/abcd/all_1_1_0/data.bin").read_text() == "all_1_1_0"
