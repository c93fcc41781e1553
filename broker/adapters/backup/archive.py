"""The file: a tar whose last member, the manifest, has the checksum of each of the others and the formats."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import orjson

from broker.domain.errors import BadRequest

FORMAT = 1
"""Of the file."""
_MANIFEST = "manifest.json"
_CHUNK = 1024 * 1024


class BadBackup(BadRequest):
    """The file is no backup, was damaged, or is of a newer version; nothing was restored."""

    code = "BAD_BACKUP"


@dataclass(slots=True, kw_only=True)
class Manifest:
    """What stands in a backup. `store_format`: of the data in Redis; `oldest`: what a program must know to read it."""

    version: str
    store_format: int
    oldest: int
    made_at_ms: int
    keys: int
    """Of Redis."""
    has_logs: bool
    format: int = FORMAT
    sha256: dict[str, str] = field(default_factory=dict)
    """Of each file, by name."""


class BackupWriter:
    """Adds files, and the manifest at the end."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._sums: dict[str, str] = {}

    def add_file(self, name: str, path: Path) -> None:
        """A file of the disk."""
        with path.open("rb") as file:
            self._sums[name] = hashlib.file_digest(file, "sha256").hexdigest()
        self._tar.add(path, name, recursive=False)

    def add_link(self, name: str, path: Path) -> None:
        """A symbolic link, as it is."""
        self._tar.add(path, name, recursive=False)

    def add_bytes(self, name: str, content: bytes) -> None:
        """What is in memory."""
        self._sums[name] = hashlib.sha256(content).hexdigest()
        self._add(name, content)

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest."""
        manifest.sha256 = self._sums
        self._add(_MANIFEST, orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2))

    def _add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o600
        self._tar.addfile(member, io.BytesIO(content))


@contextmanager
def writing(path: Path) -> Iterator[BackupWriter]:
    """A new file, readable by its owner alone, that has its name only once it is whole. Raises `BadBackup`."""
    if path.exists():
        raise BadBackup(f"{path} exists; a backup overwrites nothing")
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        with tarfile.open(part, "w") as tar:
            yield BackupWriter(tar)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_manifest(path: Path) -> Manifest:
    """Check every file in a backup against its checksum. Raises `BadBackup`."""
    sums: dict[str, str] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                if not member.isfile():
                    continue
                content = tar.extractfile(member)
                assert content is not None  # of a file there is one
                if member.name == _MANIFEST:
                    manifest = _read(content)
                else:
                    sums[member.name] = _sum(content)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadBackup(f"{path} cannot be read: {error}") from None
    if manifest is None:
        raise BadBackup(f"{path} is no backup, or its end is missing")
    if wrong := sorted({*sums.items()} ^ {*manifest.sha256.items()}):
        raise BadBackup(f"{path} was damaged: {wrong[0][0]} is not as it was written")
    return manifest


def _read(content: IO[bytes]) -> Manifest:
    try:
        found = orjson.loads(content.read())
        if found["format"] > FORMAT:
            raise BadBackup(
                f"the backup has format {found['format']}, this version knows formats up to {FORMAT}: it was made by"
                f" Relaycast {found['version']}"
            )
        return Manifest(**found)
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BadBackup(f"its manifest cannot be read: {error}") from None


def _sum(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def extract(path: Path, prefix: str, folder: Path) -> None:
    """Put the files below a prefix into a folder. Python's own filter refuses what would lie outside it."""
    with tarfile.open(path) as tar:
        for member in tar:
            if member.name.startswith(prefix):
                inside = member.replace(name=member.name.removeprefix(prefix), deep=False)
                tar.extract(inside, folder, filter="data")


@contextmanager
def open_file(path: Path, name: str) -> Iterator[IO[bytes]]:
    """One file of a backup. Raises `BadBackup` where there is none."""
    with tarfile.open(path) as tar:
        try:
            content = tar.extractfile(name)
        except KeyError:
            content = None
        if content is None:
            raise BadBackup(f"{path} has no {name}")
        yield content
