"""The file of a backup: whole, or refused before anything is made of it."""

import os
from pathlib import Path

import orjson
import pytest

from broker.adapters.backup.archive import BackupWriter, BadBackup, Manifest, extract, open_file, read_manifest, writing
from broker.adapters.backup.jobs import restore
from broker.settings import Settings


def manifest(**changes: object) -> Manifest:
    given: dict[str, object] = {
        "version": "1",
        "store_format": 1,
        "oldest": 1,
        "made_at_ms": 0,
        "keys": 0,
        "has_logs": False,
        **changes,
    }
    return Manifest(**given)  # type: ignore[arg-type]  # a mere dictionary of the fields


def written(path: Path, **changes: object) -> Path:
    with writing(path) as backup:
        backup.add_bytes("redis.jsonl", b"")
        backup.add_bytes("logs/engine/a", b"of a part")
        backup.finish(manifest(**changes))
    return path


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = written(tmp_path / "b.tar")
    assert set(read_manifest(path).sha256) == {"redis.jsonl", "logs/engine/a"}
    extract(path, "logs/", tmp_path / "out")
    assert (tmp_path / "out" / "engine" / "a").read_bytes() == b"of a part"
    with open_file(path, "redis.jsonl") as content:
        assert content.read() == b""
    with pytest.raises(BadBackup), open_file(path, "nothing"):
        pass


def test_a_backup_that_is_cut_off_leaves_no_file(tmp_path: Path) -> None:
    def cut_off(backup: BackupWriter) -> None:
        backup.add_bytes("redis.jsonl", b"x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), writing(tmp_path / "b.tar") as backup:
        cut_off(backup)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - only whether there is anything


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.9])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, keep: float) -> None:
    path = written(tmp_path / "b.tar")
    content = path.read_bytes()
    path.write_bytes(content[: int(keep if keep >= 1 else keep * content.find(b'"sha256"'))])
    with pytest.raises(BadBackup):
        read_manifest(path)


def test_a_file_whose_content_changed_is_refused_by_name(tmp_path: Path) -> None:
    path = written(tmp_path / "b.tar")
    path.write_bytes(path.read_bytes().replace(b"of a part", b"of a cart"))
    with pytest.raises(BadBackup, match="logs/engine/a is not as it was written"):
        read_manifest(path)


def test_a_backup_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadBackup, match="format 2, this version knows formats up to 1"):
        read_manifest(written(tmp_path / "b.tar", format=2))


async def test_data_that_needs_a_newer_program_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = written(tmp_path / "b.tar", store_format=999, oldest=999, version="9.9")
    with pytest.raises(BadBackup, match=r"restore it with that version"):
        await restore(Settings(data_dir=tmp_path / "new"), path)
    assert not (tmp_path / "new").exists()


def test_the_manifest_can_be_read_by_a_person(tmp_path: Path) -> None:
    with open_file(written(tmp_path / "b.tar"), "manifest.json") as content:
        assert orjson.loads(content.read())["version"] == "1"
