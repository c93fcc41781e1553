from __future__ import annotations

import asyncio
import os
from pathlib import Path

import orjson
import pytest

from broker.domain.ids import AgentId, MessageId
from broker.protocol.proxy import Handed, NumberedReport
from connect.spool import Spool, Weight

_LIMIT = 1024 * 1024


def _add(spool: Spool, text: str, *, weight: Weight = Weight.STATE) -> int | None:
    report = Handed(agent=AgentId("a"), generation=1, message_id=MessageId(text))
    return spool.add(lambda seq: NumberedReport(seq=seq, report=report).model_dump_json().encode(), weight=weight)


def _numbers(reports: list[bytes]) -> list[int]:
    return [orjson.loads(report)["seq"] for report in reports]


def _texts(reports: list[bytes]) -> list[str]:
    return [orjson.loads(report)["report"].get("message_id", "") for report in reports]


@pytest.fixture
async def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, limit_bytes=_LIMIT)


async def test_reports_are_numbered_from_one_without_holes(spool: Spool) -> None:
    assert [_add(spool, str(index)) for index in range(3)] == [1, 2, 3]
    assert _numbers(spool.batch(0, max_bytes=_LIMIT)) == [1, 2, 3]


async def test_a_batch_holds_one_report_even_when_that_is_larger_than_asked_for(spool: Spool) -> None:
    _add(spool, "x" * 1000)
    _add(spool, "y")
    assert _numbers(spool.batch(0, max_bytes=10)) == [1]


async def test_acknowledged_reports_are_not_handed_out_again(spool: Spool) -> None:
    for index in range(5):
        _add(spool, str(index))
    spool.ack(3)
    assert _numbers(spool.batch(spool.acked, max_bytes=_LIMIT)) == [4, 5]


async def test_what_a_batch_handed_out_has_the_same_number_and_content_after_a_kill(
    spool: Spool, tmp_path: Path
) -> None:
    _add(spool, "one")
    _add(spool, "two")
    before = spool.batch(0, max_bytes=_LIMIT)
    # Nothing is closed or flushed: that is what a kill looks like to the next process.
    after = Spool(tmp_path, limit_bytes=_LIMIT)
    assert after.batch(0, max_bytes=_LIMIT) == before
    assert after.spool_id == spool.spool_id
    assert _add(after, "three") == 3


async def test_numbers_go_on_after_a_restart_when_everything_was_acknowledged(tmp_path: Path) -> None:
    first = Spool(tmp_path, limit_bytes=_LIMIT)
    for index in range(10):
        _add(first, str(index))
    first.flush()
    first.ack(10)
    again = Spool(tmp_path, limit_bytes=_LIMIT)
    assert again.last == 10
    again.ack(10)
    assert _add(again, "next") == 11


async def test_added_reports_reach_the_disk_without_being_sent(spool: Spool, tmp_path: Path) -> None:
    _add(spool, "one")
    await asyncio.sleep(0)
    assert Spool(tmp_path, limit_bytes=_LIMIT).last == 1


async def test_a_line_cut_off_by_a_kill_is_forgotten(spool: Spool, tmp_path: Path) -> None:
    _add(spool, "one")
    spool.flush()
    segment = tmp_path / spool.spool_id / "1.ndjson"
    with segment.open("ab") as file:
        file.write(b'{"seq":2,"report":{"ty')
    again = Spool(tmp_path, limit_bytes=_LIMIT)
    assert again.last == 1
    assert _add(again, "two") == 2
    assert Spool(tmp_path, limit_bytes=_LIMIT).last == 1
    again.flush()
    assert Spool(tmp_path, limit_bytes=_LIMIT).last == 2


async def test_a_damaged_spool_begins_again_under_a_new_id_with_what_can_be_read(spool: Spool, tmp_path: Path) -> None:
    for text in ("one", "two", "three"):
        _add(spool, text)
    spool.flush()
    segment = tmp_path / spool.spool_id / "1.ndjson"
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(lines[0] + b"rubbish\n" + lines[2])
    again = Spool(tmp_path, limit_bytes=_LIMIT)
    assert again.spool_id != spool.spool_id
    assert _texts(again.batch(0, max_bytes=_LIMIT)) == ["one"]


async def test_renewed_reports_keep_their_order_and_content_and_start_at_one(spool: Spool, tmp_path: Path) -> None:
    for index in range(12):
        _add(spool, str(index))
    spool.ack(9)
    waiting = asyncio.ensure_future(spool.wait_acked(11))
    await asyncio.sleep(0)
    spool.renew()
    assert _numbers(spool.batch(0, max_bytes=_LIMIT)) == [1, 2, 3]
    assert _texts(spool.batch(0, max_bytes=_LIMIT)) == ["9", "10", "11"]
    assert Spool(tmp_path, limit_bytes=_LIMIT).batch(0, max_bytes=_LIMIT) == spool.batch(0, max_bytes=_LIMIT)
    spool.ack(2)
    async with asyncio.timeout(5):
        await waiting


async def test_a_full_spool_drops_fragments_first_then_frames_and_never_state(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=1000)
    while spool.pending_bytes < 750:
        assert _add(spool, "s")
    assert _add(spool, "fragment", weight=Weight.TRANSIENT) is None
    assert _add(spool, "f" * 250, weight=Weight.FRAME)
    assert _add(spool, "frame", weight=Weight.FRAME) is None
    assert _add(spool, "state")


async def test_dropped_frames_are_counted_in_a_report_once_there_is_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=1000)
    _add(spool, "s" * 1000)
    for _ in range(3):
        _add(spool, "frame", weight=Weight.FRAME)
    spool.ack(1)
    assert [orjson.loads(report) for report in spool.batch(1, max_bytes=_LIMIT)] == [
        {"seq": 2, "report": {"type": "overflow", "dropped_frames": 3}}
    ]


async def test_acknowledged_segments_leave_the_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=64 * 1024 * 1024)
    for _ in range(10):
        _add(spool, "x" * 1024 * 1024)
        spool.flush()
    spool.ack(spool.last)
    kept = sum(path.stat().st_size for path in (tmp_path / spool.spool_id).iterdir())
    assert kept < 5 * 1024 * 1024


async def test_a_disk_that_refuses_writes_is_told_and_tried_again(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        _add(spool, "one")
        spool.flush()
    problem = spool.problem
    spool.flush()
    assert (problem, spool.problem) == ("reports cannot be kept on disk: No space left on device", None)
    assert Spool(tmp_path, limit_bytes=_LIMIT).last == 1
