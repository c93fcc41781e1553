"""A copy of the embedded log store while the engine works on it.

The engine never changes a part of a table once it has its name: it writes new ones and deletes those that are covered
by them. So parts are linked, which takes no time, and listed again until nothing new has come meanwhile.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from broker.adapters.clickhouse.client import ENGINE_FOLDER
from broker.domain.errors import Unavailable

_PART = re.compile(r"[0-9a-z]+_\d+_\d+_\d+(_\d+)?", re.IGNORECASE)
_OF_NO_USE = ("tmp", "metadata_dropped", "detached", "status", "uuid")
"""What the engine makes anew, or has given up."""
_ROUNDS = 20


def link_parts(log_folder: Path, staging: Path) -> bool:
    """Put what the store on `log_folder` holds now into `staging`, on the same disk; False when there is none.

    Raises `Unavailable` when the engine changes all of it faster than it can be linked.
    """
    engine = log_folder / ENGINE_FOLDER
    if not engine.exists():
        return False
    for _ in range(_ROUNDS):
        if not _take(engine, staging):
            return True
    raise Unavailable("the log store does not stop to change; try again")


def _take(engine: Path, staging: Path) -> bool:
    """One pass; whether it found anything that was not there before."""
    found = False
    for path in _walk(engine):
        target = staging / path.relative_to(engine)
        if target.exists() or target.is_symlink():
            continue
        found = True
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            target.symlink_to(path.readlink())
        elif not path.is_dir():
            shutil.copy2(path, target)
        elif not _link_part(path, target):
            shutil.rmtree(target, ignore_errors=True)  # deleted meanwhile: what covers it is found in the next pass
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """Files, links and parts; a part is one thing."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(_OF_NO_USE) or entry.name.startswith(("delete_", "moving")):
            continue
        if entry.is_symlink() or not entry.is_dir() or _PART.fullmatch(entry.name):
            yield entry
        else:
            yield from _walk(entry)


def _link_part(part: Path, target: Path) -> bool:
    try:
        for file in sorted(part.rglob("*")):
            linked = target / file.relative_to(part)
            if file.is_dir():
                linked.mkdir(parents=True, exist_ok=True)
            else:
                linked.parent.mkdir(parents=True, exist_ok=True)
                os.link(file, linked)
    except FileNotFoundError:
        return False
    return target.exists()
