"""What certain files hold, as hashes: two looks tell whether somebody has changed them in between."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

MOST_FILES = 1000
MOST_BYTES = 256 * 1024 * 1024
"""Of all of them together: a few seconds of hashing."""
_BLOCK = 1024 * 1024


class TooMuch(Exception):
    """There is more to look at than is looked at."""


def hash_paths(folder: Path, patterns: Iterable[str]) -> str:
    """JSON: by the hash of what a file is and holds, the paths of those that are so, below `folder`.

    A pattern may name a folder, which stands for all in it. A link is what it leads to by name: it is not followed.
    Raises `TooMuch`, and `OSError` for what cannot be read.
    """
    found: dict[str, list[str]] = {}
    count = size = 0
    for path in sorted(set(_files(folder, patterns))):
        count, size = count + 1, size + path.lstat().st_size
        if count > MOST_FILES or size > MOST_BYTES:
            raise TooMuch(f"the protected paths have more than {MOST_FILES} files or {MOST_BYTES >> 20} MiB")
        found.setdefault(_hash(path), []).append(os.fsencode(path.relative_to(folder)).decode("utf-8", "replace"))
    return json.dumps(found)


def _files(folder: Path, patterns: Iterable[str]) -> Iterator[Path]:
    for pattern in patterns:
        if not pattern or "\0" in pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            continue
        for path in folder.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                for at, _, names in os.walk(path):
                    yield from (Path(at) / name for name in names)
            else:
                yield path


def _hash(path: Path) -> str:
    known = hashlib.sha256()
    if path.is_symlink():
        known.update(b"link " + os.fsencode(path.readlink()))
    elif path.is_file():
        known.update(b"%o " % (path.stat().st_mode & 0o777))
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                known.update(block)
    return known.hexdigest()[:32]
