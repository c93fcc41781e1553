"""A start that cannot be is one sentence and status 2, never a traceback."""

from pathlib import Path

import pytest

from tests.fixtures.processes import refused
from tests.fixtures.redis_servers import cluster, data_server, watched


def one_sentence(folder: Path, *arguments: str) -> str:
    status, said = refused(folder, *arguments)
    assert status == 2, said
    assert "Traceback" not in said
    assert said.count("relaycast: ") == 1
    return said


@pytest.mark.parametrize("process", ["up", "gateway", "worker"])
def test_a_mistyped_url_is_named_without_its_password(tmp_path: Path, process: str) -> None:
    said = one_sentence(tmp_path, process, "--redis", "redsi://user:hunter2@host/0")
    assert "redsi://" in said
    assert "redis+sentinel://" in said
    assert "hunter2" not in said


async def test_a_store_of_another_kind_is_said_with_what_to_give(tmp_path: Path) -> None:
    async with cluster(tmp_path / "cluster") as nodes, watched(tmp_path / "watched", sentinels=1) as servers:
        alone = servers.primary.port
        for url, hint in (
            (nodes[1].url, "redis+cluster://"),
            (f"redis+cluster://127.0.0.1:{alone}", "redis://"),
            (f"redis://127.0.0.1:{servers.sentinels[0].port}/0", "redis+sentinel://"),
        ):
            assert hint in one_sentence(tmp_path, "gateway", "--redis", url, "--port", "0")


async def test_a_wrong_password_is_said(tmp_path: Path) -> None:
    async with data_server(tmp_path / "store") as store:
        await store.ask("CONFIG SET", "requirepass", "right")
        url = store.url.replace("127", ":wrong@127")
        assert "refuses the broker's user or password" in one_sentence(tmp_path, "up", "--redis", url, "--port", "0")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    assert str(folder) in one_sentence(tmp_path, "up", "--data-dir", str(folder), "--port", "0")


@pytest.mark.parametrize("mark", ["\ufeff", "\u200b", "\u201c"], ids=ascii)
def test_a_key_that_an_editor_has_marked_is_refused_without_being_said(tmp_path: Path, mark: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / "workspace.key").write_text(f"{mark}rk_live_{'s' * 43}\r\n", encoding="utf-8")
    said = one_sentence(tmp_path, "up", "--data-dir", str(folder), "--port", "0")
    assert f"workspace.key: the token has a character that no token has: U+{ord(mark):04X}" in said
    assert "character 1" in said
    assert "sss" not in said
