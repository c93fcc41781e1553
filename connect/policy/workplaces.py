"""Where each agent works: fixed at its first start, remembered on disk, the same at every later one."""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import orjson

from broker.domain.ids import AgentId
from connect.policy.folders import OpenFolder
from connect.system.state_folder import write_private

_MOST = 4096
"""Agents that are remembered; of more, those that started longest ago are forgotten."""


class FolderUnusable(Exception):
    """A folder that agents cannot work in, whatever is allowed."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """One agent's folder."""

    ordered: str | None
    """As the broker named it; None when it named none."""
    folder: Path
    """As the file system has it."""


class Workplaces:
    """Remembers; a line is added for each agent, and the file is written anew now and then."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = _read(file)
        self._lines = len(self._known)

    def of(self, agent: AgentId) -> Workplace | None:
        """Where it works; None for an agent that never started here."""
        return self._known.get(agent)

    def remember(self, agent: AgentId, workplace: Workplace) -> None:
        """It starts there. That it cannot be kept on disk costs the next relay-connect the memory, nothing else."""
        known = self._known.get(agent)
        self._known[agent] = workplace
        self._known.move_to_end(agent)
        if known == workplace:
            return
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        with contextlib.suppress(OSError):
            self._keep(agent, workplace)

    def _keep(self, agent: AgentId, workplace: Workplace) -> None:
        self._lines += 1
        if self._lines > 2 * _MOST:
            write_private(self._file, b"".join(_line(*each) for each in self._known.items()))
            self._lines = len(self._known)
            return
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._file, flags, 0o600)
        try:
            os.write(descriptor, _line(agent, workplace))
        finally:
            os.close(descriptor)


def open_folder(ordered: str | None, *, start: Path) -> OpenFolder:
    """The folder that a broker's words lead to from `start`; raises `FolderUnusable`."""
    try:
        path = start / Path(ordered or "").expanduser()
        folder = OpenFolder(path)
    except (FileNotFoundError, NotADirectoryError):
        raise FolderUnusable("CWD_MISSING", f"{path} is not a folder on this machine") from None
    except (OSError, RuntimeError, ValueError) as error:  # no such user in `~user`; a NUL; a name that is too long
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FolderUnusable("CWD_UNUSABLE", f"{(ordered or '')[:200]!r} is no folder to work in: {words}") from None
    if not folder.enterable:
        folder.close()
        raise FolderUnusable("CWD_MISSING", f"{path} is not a folder this user can enter")
    return folder


def _line(agent: AgentId, workplace: Workplace) -> bytes:
    body = {"agent": agent, "ordered": workplace.ordered, "folder": os.fsencode(workplace.folder).hex()}
    return orjson.dumps(body) + b"\n"


def _read(file: Path) -> OrderedDict[AgentId, Workplace]:
    found: OrderedDict[AgentId, Workplace] = OrderedDict()
    with contextlib.suppress(OSError):
        for line in file.read_bytes().splitlines()[-2 * _MOST :]:
            with contextlib.suppress(ValueError, KeyError, TypeError):  # half a line, of a kill
                body = orjson.loads(line)
                folder = Path(os.fsdecode(bytes.fromhex(body["folder"])))
                found[AgentId(body["agent"])] = Workplace(ordered=body["ordered"], folder=folder)
                found.move_to_end(AgentId(body["agent"]))
    while len(found) > _MOST:
        found.popitem(last=False)
    return found
