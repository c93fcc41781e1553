"""Where the control socket lies, and how it is opened there: paths of sockets are short, those of folders are not."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from connect.system.state_folder import private_folder

_MAX_PATH_BYTES = 100
"""The kernel takes 107 on Linux and 103 on macOS."""
_FOLDER = "control"
_SOCKET = "link.sock"


def control_folder(state_dir: Path) -> Path:
    """Of a state folder; made by its link."""
    return state_dir / _FOLDER


def listen(state_dir: Path) -> socket.socket:
    """A listening control socket in place of one that a killed link left. Raises `OSError`.

    The caller holds the state folder's lock, and the folder is private.
    """
    folder = private_folder(control_folder(state_dir))
    (folder / _SOCKET).unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    try:
        with _short(folder) as short:
            listening.bind(str(short / _SOCKET))
        (folder / _SOCKET).chmod(0o600)
        listening.listen()
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening


def node_of(state_dir: Path) -> tuple[int, int] | None:
    """What tells the socket that lies there from another in its place; None when there is none."""
    with contextlib.suppress(OSError):
        found = (control_folder(state_dir) / _SOCKET).stat()
        return found.st_dev, found.st_ino
    return None


def leave(state_dir: Path, node: tuple[int, int]) -> None:
    """Take one's own socket away: where the folder was replaced, there may be another link's."""
    if node_of(state_dir) == node:
        with contextlib.suppress(OSError):
            (control_folder(state_dir) / _SOCKET).unlink(missing_ok=True)


def dial(state_dir: Path) -> socket.socket | None:
    """A connection to the link of this state folder; None when none runs, or one that has no such socket."""
    folder = control_folder(state_dir)
    connection = socket.socket(socket.AF_UNIX)
    try:
        if not _is_private(folder):
            raise FileNotFoundError
        with _short(folder) as short:
            connection.connect(str(short / _SOCKET))
    except OSError:
        connection.close()
        return None
    connection.setblocking(False)
    return connection


def _is_private(folder: Path) -> bool:
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[Path]:
    """The folder under a name that is short enough for a socket in it."""
    if len(os.fsencode(folder / _SOCKET)) <= _MAX_PATH_BYTES:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="relaycast-") as private:
        link = Path(private) / "f"
        link.symlink_to(folder)
        yield link
