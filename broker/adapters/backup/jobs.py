"""Making a backup of an installation and restoring one."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from broker import __version__
from broker.adapters.backup.archive import BackupWriter, BadBackup, Manifest, extract, open_file, read_manifest, writing
from broker.adapters.backup.log_folder import link_parts
from broker.adapters.backup.redis_contents import open_store, pause_writes, read_all, write_all
from broker.adapters.clickhouse.client import ENGINE_FOLDER
from broker.adapters.embedded import DataFolderBusy, FolderLock, embedded_redis, usable, write_private
from broker.adapters.redis import keys
from broker.adapters.redis.store_format import FORMAT as STORE_FORMAT
from broker.domain.errors import Conflict
from broker.protocol.local import ADMINISTRATOR_KEY_FILE, KEY_FILE, SECRET_KEY_FILE
from broker.settings import Settings

_CONTENTS = "redis.jsonl"
_LOGS = "logs/"
_FILES = "folder/"
_KEPT = (KEY_FILE, ADMINISTRATOR_KEY_FILE, SECRET_KEY_FILE)
"""Of the data folder. Without them nobody has a key to what is restored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a backup has come to. `paused_s`: how long writes waited for it."""

    manifest: Manifest
    paused_s: float


async def back_up(settings: Settings, path: Path) -> Made:
    """Write an installation, which runs or not, to a new file. Raises `BadBackup`, `Unavailable`, `BadRequest`."""
    folder = settings.data_dir
    with usable(folder), writing(path) as backup, tempfile.TemporaryDirectory(dir=_near(folder)) as scratch:
        async with _store_of(settings) as url, open_store(url) as store:
            contents, began = Path(scratch) / _CONTENTS, time.monotonic()
            async with pause_writes(store):
                count = await _write_lines(contents, read_all(store))
            paused_s = time.monotonic() - began
            if not count:
                raise BadBackup(
                    "there is nothing in this Redis; a broker that is being started has nothing to keep yet"
                )
            version, oldest = await store.hmget(keys.FORMAT, "version", "oldest")
            seconds, microseconds = await store.time()
        has_logs = settings.clickhouse_url is None and await asyncio.to_thread(
            link_parts, settings.log_folder, Path(scratch) / ENGINE_FOLDER
        )
        await asyncio.to_thread(_pack, backup, Path(scratch), folder)
        manifest = Manifest(
            version=__version__,
            store_format=int(version or 1),
            oldest=int(oldest or version or 1),
            made_at_ms=int(seconds) * 1000 + int(microseconds) // 1000,
            keys=count,
            has_logs=has_logs,
        )
        backup.finish(manifest)
    return Made(manifest=manifest, paused_s=paused_s)


async def restore(settings: Settings, path: Path) -> Manifest:
    """Make an installation again in a data folder that has none, and on a Redis that has none.

    Every checksum is verified before anything is written. Raises `BadBackup`, `Conflict` (NOT_EMPTY),
    `DataFolderBusy`.
    """
    manifest = await asyncio.to_thread(read_manifest, path)
    if manifest.oldest > STORE_FORMAT:
        raise BadBackup(
            f"the backup has data in format {manifest.store_format} of Relaycast {manifest.version}; this version knows"
            f" formats up to {STORE_FORMAT}: restore it with that version"
        )
    folder = settings.data_dir
    lock = FolderLock(folder)
    lock.acquire()
    try:
        _require_empty(settings)
        url = settings.redis_url
        if url is not None:
            await _fill(url, path)
        else:
            async with embedded_redis(folder / "redis") as own:
                await _fill(own, path)
        with usable(folder):
            if manifest.has_logs and settings.clickhouse_url is None:
                settings.log_folder.mkdir(mode=0o700, exist_ok=True)
                await asyncio.to_thread(extract, path, _LOGS, settings.log_folder)
            for name in _KEPT:
                if f"{_FILES}{name}" in manifest.sha256:
                    with open_file(path, f"{_FILES}{name}") as content:
                        write_private(folder / name, content.read())
    finally:
        lock.release()
    return manifest


async def _fill(url: str, path: Path) -> None:
    async with open_store(url) as store:
        with open_file(path, _CONTENTS) as lines:
            await write_all(store, lines)


def _require_empty(settings: Settings) -> None:
    folder = settings.data_dir
    there = [name for name in (*_KEPT, "installation") if (folder / name).exists()]
    if settings.redis_url is None and (folder / "redis" / "appendonlydir").exists():
        there.append("redis")
    if (settings.log_folder / ENGINE_FOLDER).exists():
        there.append(settings.log_folder.name)
    if there:
        raise Conflict(
            f"{folder} has {', '.join(there)} already; restore into a --data-dir that is empty", code="NOT_EMPTY"
        )


@asynccontextmanager
async def _store_of(settings: Settings) -> AsyncIterator[str]:
    """The URL of its Redis: the one that was given, that of a running `up`, or one that we start for the occasion."""
    if settings.redis_url is not None:
        yield settings.redis_url
        return
    folder = settings.data_dir / "redis"
    if not folder.exists():
        raise BadBackup(f"there is no installation in {settings.data_dir}; choose it with --data-dir, or give --redis")
    lock = FolderLock(settings.data_dir)
    try:
        lock.acquire()
    except DataFolderBusy:
        yield _running(folder)
        return
    try:
        async with embedded_redis(folder) as url:
            yield url
    finally:
        lock.release()


def _running(folder: Path) -> str:
    """Where the server of a running `up` listens; its socket may lie elsewhere when the folder's path is long."""
    found = re.search(r'^unixsocket "(.+)"$', (folder / "server.conf").read_text(), re.MULTILINE)
    assert found is not None  # we wrote it
    return f"unix://:{quote((folder / 'password').read_text())}@{quote(found[1])}"


def _near(folder: Path) -> Path | None:
    """A place on the same disk, so that parts can be linked."""
    return folder if folder.exists() else None


async def _write_lines(path: Path, lines: AsyncIterator[bytes]) -> int:
    count = 0
    with path.open("wb") as file:
        async for line in lines:
            file.write(line + b"\n")
            count += 1
    return count


def _pack(backup: BackupWriter, scratch: Path, folder: Path) -> None:
    backup.add_file(_CONTENTS, scratch / _CONTENTS)
    for name in _KEPT:
        if (folder / name).exists():
            backup.add_file(f"{_FILES}{name}", folder / name)
    for file in sorted((scratch / ENGINE_FOLDER).rglob("*")):
        name = f"{_LOGS}{file.relative_to(scratch)}"
        if file.is_symlink():
            backup.add_link(name, file)
        elif file.is_file():
            backup.add_file(name, file)
    shutil.rmtree(scratch / ENGINE_FOLDER, ignore_errors=True)
