from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from broker.domain.ids import AgentId, MessageId
from broker.protocol.proxy import Handed, NumberedReport, ReportsLost
from connect.machine import spool as spool_module
from connect.machine.spool import Spool, Weight

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


def _kinds(reports: list[bytes]) -> list[str]:
    return [orjson.loads(report)["report"]["type"] for report in reports]


async def _damaged(spool: Spool, folder: Path, damage: Callable[[list[bytes]], list[bytes]]) -> list[bytes]:
    """What the next process sends after five reports were kept and something has happened to their lines."""
    for text in ("one", "two", "three", "four", "five"):
        _add(spool, text)
    spool.close()
    segment = folder / spool.spool_id / "1.ndjson"
    segment.write_bytes(b"".join(damage(segment.read_bytes().splitlines(keepends=True))))
    again = Spool(folder, limit_bytes=_LIMIT)
    assert again.spool_id == spool.spool_id
    return again.batch(0, max_bytes=_LIMIT)


SECOND_LOST = ["one", "", "three", "four", "five"]


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        (lambda lines: [lines[0], b"rubbish\n", *lines[2:]], SECOND_LOST),
        (lambda lines: [lines[0], lines[1].replace(b'"type"', b'\xff\x00pe"'), *lines[2:]], SECOND_LOST),
        (lambda lines: [lines[0], lines[1].rstrip(b"\n"), *lines[2:]], ["one", "", "", "four", "five"]),
        (lambda lines: [lines[0], lines[1][:20] + b"\n" + lines[1][20:], *lines[2:]], SECOND_LOST),
        (lambda lines: [lines[0], *lines[2:]], SECOND_LOST),
        (lambda lines: [lines[0], lines[0], *lines[1:]], ["one", "two", "three", "four", "five"]),
        (lambda lines: [*lines[:4], b"\x00" * 300 + b"\n"], ["one", "two", "three", "four", ""]),
        (lambda lines: [*lines[:4], lines[4][:30]], ["one", "two", "three", "four"]),
        (lambda lines: [b"\n", *lines[1:]], ["", "two", "three", "four", "five"]),
    ],
    ids=["rubbish", "bytes", "joined", "split", "removed", "repeated", "zeros", "cut off", "emptied"],
)
async def test_a_damaged_line_costs_that_line_and_the_numbers_go_on(
    spool: Spool, tmp_path: Path, damage: Callable[[list[bytes]], list[bytes]], kept: list[str]
) -> None:
    found = await _damaged(spool, tmp_path, damage)
    assert _numbers(found) == [*range(1, len(kept) + 1)]
    assert _texts(found) == kept


async def test_in_the_place_of_a_lost_report_stands_one_that_says_so(spool: Spool, tmp_path: Path) -> None:
    found = await _damaged(
        spool, tmp_path, lambda lines: [b"rubbish\n", lines[1].replace(b"handed", b"hanged"), *lines[2:]]
    )
    assert _kinds(found) == ["overflow", "frame", "handed", "handed", "handed"]
    assert "could not be read" in str(orjson.loads(found[1])["report"]["events"])


async def test_a_lost_file_is_made_up_for_up_to_the_next_one(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=_LIMIT)
    for start in (1, 4):
        for index in range(start, start + 3):
            _add(spool, str(index))
        spool.close()
        spool = Spool(tmp_path, limit_bytes=_LIMIT)
    _add(spool, "7")
    spool.close()
    (tmp_path / spool.spool_id / "4.ndjson").unlink()
    again = Spool(tmp_path, limit_bytes=_LIMIT)
    assert _texts(again.batch(0, max_bytes=_LIMIT)) == ["1", "2", "3", "", "", "", "7"]


async def test_numbers_that_cannot_be_made_up_for_begin_again_under_a_new_id(spool: Spool, tmp_path: Path) -> None:
    _add(spool, "one")
    spool.close()
    stray = tmp_path / spool.spool_id / "99999999.ndjson"
    stray.write_bytes(spool.batch(0, max_bytes=_LIMIT)[0].replace(b'"seq":1', b'"seq":99999999') + b"\n")
    again = Spool(tmp_path, limit_bytes=_LIMIT)
    assert again.spool_id != spool.spool_id
    assert _numbers(again.batch(0, max_bytes=_LIMIT)) == [1, 2]


async def test_files_of_others_in_the_folder_are_left_alone(spool: Spool, tmp_path: Path) -> None:
    _add(spool, "one")
    spool.close()
    strays = [tmp_path / ".DS_Store", tmp_path / "zzz", tmp_path / spool.spool_id / ".nfs0001", tmp_path / "notes.txt"]
    for stray in strays:
        stray.write_text("x")
    (tmp_path / "zzzz").mkdir()
    (tmp_path / spool.spool_id / "one.ndjson").write_text("x")
    again = Spool(tmp_path, limit_bytes=_LIMIT)
    assert again.spool_id == spool.spool_id
    assert _texts(again.batch(0, max_bytes=_LIMIT)) == ["one"]
    assert all(stray.exists() for stray in strays)


async def test_what_went_out_while_the_disk_was_full_is_never_numbered_again(spool: Spool, tmp_path: Path) -> None:
    _add(spool, "one")
    spool.flush()
    with _full_disk():
        _add(spool, "two")
        assert _texts(spool.batch(0, max_bytes=_LIMIT)) == ["one", "two"]
        assert spool.problem is not None
    # A kill: the broker may have number 2, and the disk does not know of it.
    again = Spool(tmp_path, limit_bytes=_LIMIT)
    assert again.spool_id != spool.spool_id


async def test_with_room_on_the_disk_again_everything_is_kept_under_the_same_id(spool: Spool, tmp_path: Path) -> None:
    with _full_disk():
        _add(spool, "one")
        spool.flush()
    _add(spool, "two")
    spool.close()
    assert spool.problem is None
    again = Spool(tmp_path, limit_bytes=_LIMIT)
    assert (again.spool_id, _texts(again.batch(0, max_bytes=_LIMIT))) == (spool.spool_id, ["one", "two"])


async def test_beginning_again_on_a_full_disk_goes_on_from_memory(spool: Spool, tmp_path: Path) -> None:
    _add(spool, "one")
    spool.flush()
    with _full_disk():
        spool.renew()
        assert _texts(spool.batch(0, max_bytes=_LIMIT)) == ["one"]
    spool.close()
    again = Spool(tmp_path, limit_bytes=_LIMIT)
    assert (again.spool_id, _texts(again.batch(0, max_bytes=_LIMIT))) == (spool.spool_id, ["one"])


async def test_a_write_that_takes_a_part_is_gone_on_with(spool: Spool, tmp_path: Path) -> None:
    write = os.write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:7]))
        _add(spool, "one")
        spool.close()
    assert _texts(Spool(tmp_path, limit_bytes=_LIMIT).batch(0, max_bytes=_LIMIT)) == ["one"]


async def test_a_head_that_is_refused_is_kept_aside_and_told_of_in_its_place(spool: Spool, tmp_path: Path) -> None:
    for text in ("one", "two"):
        _add(spool, text)
    head, before = spool.batch(0, max_bytes=0)[0], spool.spool_id
    spool.set_head_aside("the broker refused it")
    found = spool.batch(0, max_bytes=_LIMIT)
    assert _kinds(found) == ["frame", "handed"]
    assert "the broker refused it" in str(orjson.loads(found[0])["report"]["events"])
    assert spool.spool_id != before
    assert [path.read_bytes() for path in (tmp_path / "aside").iterdir()] == [head]
    spool.set_head_aside("again")
    assert _kinds(spool.batch(0, max_bytes=_LIMIT)) == ["overflow", "handed"]


async def test_only_so_many_refused_reports_are_kept_aside(spool: Spool, tmp_path: Path) -> None:
    for index in range(30):
        _add(spool, str(index))
    for _ in range(30):
        spool.set_head_aside("refused")
        spool.ack(1)
    assert len(list((tmp_path / "aside").iterdir())) == 16
    assert spool.batch(spool.acked, max_bytes=_LIMIT) == []


@contextmanager
def _full_disk() -> Iterator[None]:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", refuse)
        patch.setattr(Path, "write_bytes", refuse)
        yield


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


async def test_of_two_left_by_a_kill_the_newer_is_found_although_the_clock_was_set_back_between_them(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(spool, "taken already")
    _add(spool, "waits")
    spool.flush()
    older = tmp_path / spool.spool_id
    kept = {file.name: file.read_bytes() for file in older.iterdir()}
    spool.ack(1)
    a_day_ago = time.time_ns() - 86_400 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: a_day_ago)
    for _ in range(2):
        spool.renew()
    older.mkdir()
    for name, content in kept.items():  # the kill came before they were removed
        (older / name).write_bytes(content)
    found = Spool(tmp_path, limit_bytes=_LIMIT)
    assert found.spool_id == spool.spool_id
    assert _texts(found.batch(0, max_bytes=_LIMIT)) == ["waits"]


async def test_no_report_that_is_set_aside_replaces_another_whatever_the_clock_says(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    clock = iter([now, now, now - 86_400 * 10**9, now + 1])  # two within one tick, then set back by a day
    with monkeypatch.context() as patched:
        patched.setattr(spool_module, "_new_id", lambda *, after: f"{int(after[:20]) + 1:020d}-00000000")
        patched.setattr(time, "time_ns", lambda: next(clock))
        for text in ("first", "second", "third", "fourth"):
            _add(spool, text)
            spool.set_head_aside("refused")
            spool.ack(1)
    aside = sorted((tmp_path / "aside").iterdir())
    assert _texts([path.read_bytes() for path in aside]) == ["first", "second", "third", "fourth"]


async def test_what_the_broker_lost_goes_ahead_of_what_is_pending_and_survives_a_kill(
    spool: Spool, tmp_path: Path
) -> None:
    for index in range(6):
        _add(spool, str(index))
    spool.ack(4)
    waiting = asyncio.ensure_future(spool.wait_acked(5))
    await asyncio.sleep(0)
    assert spool.recover(1) == ReportsLost(lost=0, sent_again=3)
    batch = spool.batch(0, max_bytes=_LIMIT)
    assert _numbers(batch) == [1, 2, 3, 4, 5, 6]
    assert _texts(batch) == ["1", "2", "3", "4", "5", ""]
    assert Spool(tmp_path, limit_bytes=_LIMIT).batch(0, max_bytes=_LIMIT) == batch
    spool.ack(3)
    assert not waiting.done()
    spool.ack(4)
    async with asyncio.timeout(5):
        await waiting
    assert _texts(spool.batch(4, max_bytes=_LIMIT)) == ["5", ""]


async def test_what_nobody_has_any_more_is_counted(spool: Spool) -> None:
    _add(spool, "x" * 1024 * 1024)
    _add(spool, "y" * 1024 * 1024)
    _add(spool, "z")
    spool.ack(3)
    assert spool.recover(0) == ReportsLost(lost=2, sent_again=1, states=True)
    assert _kinds(spool.batch(0, max_bytes=_LIMIT)) == ["handed", "reports_lost"]


async def test_a_full_spool_drops_fragments_first_then_frames_and_never_state(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=1000)
    assert _add(spool, "s" * 750)
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
