"""What a hook's words lead to on this machine's disk: its program, and the files of it that agents could change."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from broker.domain.hooks.templates import Template, fill_text
from connect.machine.hooks.inline_code import has_values, runs_files

_CHUNK = 1024 * 1024


def usable_path(path: str) -> str:
    """A PATH without what depends on where one stands."""
    return os.pathsep.join(each for each in path.split(os.pathsep) if Path(each).is_absolute())


def find_program(word: str, *, folder: Path, path: str) -> Path | None:
    """Where a command's first word leads from `folder`; None when there is no such program."""
    if "\0" in word or not word:
        return None
    if "/" in word:
        # As it is written, but absolute: a link may be one of many names of one program, and decide what that does.
        found = Path(os.path.normpath(folder / word)) if ".." not in Path(word).parts else folder / word
        return found if found.is_file() else None
    program = shutil.which(word, path=path)
    return Path(program) if program else None


def files_within_reach(
    words: Sequence[Template], values: Mapping[str, str], *, program: Path, folder: Path, roots: Iterable[Path]
) -> tuple[Path, ...]:
    """The program, and the script it is given to run, as far as they lie where agents may write.

    What programs read by themselves (`package.json`, `Makefile`) is not among them: that no list of words tells.
    """
    named = [program]
    if runs_files(words[0]):
        fixed = [fill_text(word, values) for word in words[1:] if not has_values(word)]
        named += [folder / text for text in fixed if text and "\0" not in text]
    allowed = [Path(os.path.realpath(root)) for root in roots]
    return tuple(dict.fromkeys(each for each in named if _is_file(each) and _is_in(each, allowed)))


def digests_of(files: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of each. Raises `OSError`."""
    return {str(path): _digest(path) for path in files}


def files_to_name(files: Iterable[str], *, agent_folder: Path, folder: Path, roots: Iterable[Path]) -> list[str]:
    """The changed files that a command may be given, as they are named from `folder`.

    Those that are gone are left out, and those that lead out of the policy's folders: an agent that may not write
    elsewhere must not have a hook do it, through a link.
    """
    allowed = [Path(os.path.realpath(root)) for root in roots]
    return [
        file if folder == agent_folder else os.path.relpath(agent_folder / file, folder)
        for file in files
        if _is_plain(file) and _exists(agent_folder / file) and _is_in(agent_folder / file, allowed, lexically=False)
    ]


def project_of(folder: Path) -> Path | None:
    """The root of the git work tree that a folder belongs to."""
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)


def _is_plain(file: str) -> bool:
    return bool(file) and "\0" not in file and not Path(file).is_absolute() and ".." not in Path(file).parts


def _is_in(path: Path, roots: Sequence[Path], *, lexically: bool = True) -> bool:
    """Whether a file lies in one of the folders; `lexically`: or is named there, by a link that may be exchanged."""
    names = [os.path.realpath(path), *([os.path.normpath(path)] if lexically else [])]
    return any(Path(name).is_relative_to(root) for name in names for root in roots)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long
        return False


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()
