"""The store of our own: one at a time on a folder, private, and found again after a crash."""

import asyncio
import re
import stat
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from broker.adapters.embedded import (
    DataFolderBusy,
    DataFolderUnusable,
    EmbeddedServerFailed,
    FolderLock,
    embedded_redis,
    write_private,
)
from broker.adapters.redis.connecting.opening import open_redis


async def test_what_was_written_is_there_at_the_next_start(tmp_path: Path) -> None:
    for found in (None, "kept"):
        async with embedded_redis(tmp_path) as url:
            redis = open_redis(url)
            assert await redis.get("key") == found
            await redis.set("key", "kept")
            await redis.aclose()


async def test_a_second_server_on_a_folder_waits_for_the_end_of_the_first(tmp_path: Path) -> None:
    first, second = AsyncExitStack(), AsyncExitStack()
    url = await first.enter_async_context(embedded_redis(tmp_path))
    starting = asyncio.create_task(second.enter_async_context(embedded_redis(tmp_path)))
    redis = open_redis(url)
    await redis.set("key", "of the first")
    await redis.aclose()
    assert not starting.done()
    await first.aclose()
    async with asyncio.timeout(20):
        redis = open_redis(await starting)
    assert await redis.get("key") == "of the first"
    await redis.aclose()
    await second.aclose()


async def test_a_socket_that_a_crash_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "redis.sock").touch()
    async with embedded_redis(tmp_path) as url:
        redis = open_redis(url)
        assert await redis.ping()
        await redis.aclose()


async def test_a_folder_with_a_long_path_is_served_too(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    async with embedded_redis(folder) as url:
        assert str(folder) not in url


async def test_a_server_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYCAST_REDIS_BIN", "/bin/false")
    with pytest.raises(EmbeddedServerFailed, match="ended with 1"):
        async with embedded_redis(tmp_path):
            pass


def test_a_folder_has_one_holder_who_is_named(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    first.acquire()
    with pytest.raises(DataFolderBusy, match="pid"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_a_private_file_is_whole_and_private_whatever_was_there(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old and open to all")
    (tmp_path / "secret.new").write_text("left by a crash")
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_that_is_damaged_in_the_middle_is_named_with_the_way_out(tmp_path: Path) -> None:
    async with embedded_redis(tmp_path) as url:
        redis = open_redis(url)
        for number in range(200):
            await redis.set(f"key{number}", "x" * 100)
        await redis.aclose()
    (file,) = (tmp_path / "appendonlydir").glob("*.incr.aof")
    content = bytearray(file.read_bytes())
    content[10_000:10_300] = bytes(300)
    file.write_bytes(content)
    with pytest.raises(EmbeddedServerFailed) as failed:
        async with embedded_redis(tmp_path):
            pass
    assert str(file) in failed.value.message
    assert file.read_bytes() == content
    _, _, repair = failed.value.message.partition("run with bash ")
    done = subprocess.run(["bash", "-c", repair], cwd=file.parent, input=b"y\n", check=False, capture_output=True)
    assert done.returncode == 0, done.stdout[-600:].decode() + done.stderr.decode()
    async with embedded_redis(tmp_path) as url:
        redis = open_redis(url)
        assert await redis.get("key0")
        await redis.aclose()


async def test_a_program_that_cannot_be_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYCAST_REDIS_BIN", "/nowhere/valkey-server")
    with pytest.raises(EmbeddedServerFailed, match="/nowhere/valkey-server cannot be run"):
        async with embedded_redis(tmp_path):
            pass


async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataFolderUnusable, match=re.escape(str(tmp_path / "file"))):
        async with embedded_redis(tmp_path / "file" / "redis"):
            pass
    with pytest.raises(DataFolderUnusable, match="Not a directory"):
        FolderLock(tmp_path / "file" / "data").acquire()
