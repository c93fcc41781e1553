from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from broker.domain.errors import BadRequest
from connect.system.state_folder import Cursor, StateFolder, StateFolderLost, write_private


def test_a_folder_that_others_can_write_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(BadRequest, match=f"can be written by other users; run `chmod go-w {folder}`"):
        StateFolder(folder)


def test_a_folder_inside_it_that_others_can_write_is_refused_too(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    state.folder("processes").chmod(0o770)
    with pytest.raises(BadRequest, match="can be written by other users"):
        state.folder("processes")
    state.close()


def test_a_folder_of_another_user_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(BadRequest, match=r"belongs to another user .*; choose another --state-dir"):
        StateFolder(folder)


def test_a_folder_that_cannot_be_made_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadRequest, match="cannot be used: Not a directory; choose another --state-dir"):
        StateFolder(tmp_path / "file" / "state")


@pytest.mark.parametrize("name", ["lock", "commands.json"])
def test_a_link_in_place_of_a_file_is_not_followed(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (folder / name).symlink_to(victim)
    with pytest.raises(BadRequest, match="cannot be used"):
        StateFolder(folder)
    assert victim.read_text() == "precious"


def test_a_private_file_replaces_a_planted_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "token.json.new").symlink_to(victim)
    (tmp_path / "token.json").symlink_to(victim)
    write_private(tmp_path / "token.json", b"secret")
    assert victim.read_text() == "precious"
    assert (tmp_path / "token.json").read_text() == "secret"
    assert (tmp_path / "token.json").stat().st_mode & 0o777 == 0o600


def test_a_private_file_is_written_whole_though_the_system_takes_it_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:3]))
    write_private(tmp_path / "file", b"0123456789", durable=True)
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_a_private_file_that_finds_no_room_leaves_the_old_one_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_private(tmp_path / "file", b"old")

    def full(descriptor: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        write_private(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_new_identity_forgets_who_the_machine_was_and_keeps_what_it_left_running(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    was = state.machine_id
    state.move_cursor(Cursor(epoch="e", seen=7))
    write_private(state.path / "token.json", b"{}")
    (state.folder("spool") / "generation").mkdir()
    (state.folder("processes") / "mark.json").write_text("{}")
    state.close()
    again = StateFolder(tmp_path / "state", new_identity=True)
    assert again.machine_id != was
    assert again.cursor == Cursor()
    assert sorted(path.name for path in again.path.iterdir()) == [
        "boots.json",
        "commands.json",
        "lock",
        "machine-id",
        "processes",
    ]
    assert (again.path / "processes" / "mark.json").exists()
    again.close()


def test_who_holds_the_lock_after_another_is_of_its_line(tmp_path: Path) -> None:
    first = StateFolder(tmp_path / "state")
    first.close()
    second = StateFolder(tmp_path / "state")
    second.close()
    line, _, number = first.boot_id.partition(".")
    assert second.boot_id == f"{line}.{int(number) + 1}"


def test_a_copy_of_the_folder_begins_a_line_of_its_own(tmp_path: Path) -> None:
    first = StateFolder(tmp_path / "state")
    shutil.copytree(tmp_path / "state", tmp_path / "copy")
    copy = StateFolder(tmp_path / "copy")
    assert copy.machine_id == first.machine_id
    assert copy.boot_id.partition(".")[0] != first.boot_id.partition(".")[0]
    first.close()
    copy.close()


def test_a_boot_that_cannot_be_written_down_is_of_no_known_line(tmp_path: Path) -> None:
    first = StateFolder(tmp_path / "state")
    first.close()
    (tmp_path / "state" / "boots.json.new").mkdir()  # in the way, as a full disk is
    second = StateFolder(tmp_path / "state")
    second.close()
    assert second.boot_id.partition(".")[0] != first.boot_id.partition(".")[0]


def test_a_folder_whose_lock_is_another_one_is_lost_and_a_disk_that_does_not_answer_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    state = StateFolder(path)
    state.require_held()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", _unanswered)
        state.require_held()
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(StateFolderLost, match=str(path)):
        state.require_held()
    other = StateFolder(path)
    with pytest.raises(StateFolderLost):
        state.require_held()
    other.require_held()
    state.close()
    other.close()


def _unanswered(_: int) -> os.stat_result:
    raise OSError(5, "Input/output error")
