"""What is done for a workflow without its shell text: git worktrees, and checks and waits that only look."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from broker.domain.workflows.runs.commands import CommandKind
from broker.protocol.proxy import RunCommand
from connect.machine.git import GitFailed, run_git
from connect.machine.workflows.paths import TooMuch, hash_paths
from connect.policy.gate import Gate

_PAUSE_S = 0.5
"""Between two looks whether a file has come: of one path, which costs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What came of it, as of a program: exit code, output, and what it has to say."""

    exit_code: int
    output: str = ""
    errors: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """Does it in one folder."""

    order: RunCommand
    folder: Path
    gate: Gate
    environment: Mapping[str, str] = field(repr=False)
    pause_s: float = _PAUSE_S

    async def look(self) -> Looked:
        """Do what is ordered, once; what fails is said."""
        try:
            match self.order.kind:
                case CommandKind.WORKTREE_ADD:
                    return await self._add()
                case CommandKind.WORKTREE_REMOVE:
                    return await self._remove()
                case CommandKind.GIT_CLEAN:
                    changes = await self._git("status", "--porcelain")
                    return Looked(exit_code=1 if changes else 0, output=changes)
                case CommandKind.FILE_AWAITED:
                    return await self._await_file()
                case CommandKind.PATHS_HASHED:
                    return await self._hash()
                case _:
                    return self._exists()
        except GitFailed as failed:
            return Looked(exit_code=1, errors=f"{failed}\n")

    async def _add(self) -> Looked:
        """Make it, or find it as an earlier attempt has made it."""
        path, branch = self._place(), self.order.branch or ""
        if path is None or not branch or branch.startswith("-") or (self.order.base or "").startswith("-"):
            return self._outside()
        if path.exists():
            there = (await self._git("-C", str(path), "branch", "--show-current")).strip()
            if there == branch and await self._is_root(path):
                return Looked(exit_code=0, output=f"{path}\n")
            return Looked(exit_code=1, errors=f"{path} is there already, and is no worktree of {branch}\n")
        ref = f"refs/heads/{branch}"
        known = (await self._git("for-each-ref", "--format=%(refname)", ref)).split()
        if ref in known or not self.order.create_branch:
            await self._git("worktree", "add", "--", str(path), branch)
        else:
            await self._git("worktree", "add", "-b", branch, "--", str(path), self.order.base or "HEAD")
        return Looked(exit_code=0, output=f"{path}\n")

    async def _remove(self) -> Looked:
        """Take it away; git refuses where something in it is not committed. Its branch stays."""
        path = self._place()
        if path is None:
            return self._outside()
        if path.exists():
            await self._git("worktree", "remove", "--", str(path))
        return Looked(exit_code=0, output=f"{path}\n")

    async def _is_root(self, path: Path) -> bool:
        top = (await self._git("-C", str(path), "rev-parse", "--show-toplevel")).strip()
        return top == _real(path)

    async def _await_file(self) -> Looked:
        """Until it is there; what can never be found is said at once."""
        while True:
            looked = self._exists()
            if looked.exit_code == 0 or not any(map(self.gate.allows, self._places())):
                return looked
            await asyncio.sleep(self.pause_s)

    async def _hash(self) -> Looked:
        """By a thread: there may be much to read."""
        try:
            told = await asyncio.to_thread(hash_paths, self.folder, self.order.text.splitlines())
        except (TooMuch, OSError) as error:
            return Looked(exit_code=1, errors=f"{error}\n")
        return Looked(exit_code=0, output=told)

    def _exists(self) -> Looked:
        """Below the step's folder, as people mean it; below where relay-connect was started, as public runners do."""
        places = self._places()
        if not places:
            return Looked(exit_code=1, errors="a path without .. is looked for\n")
        for path in places:
            if self.gate.allows(path) and _is_there(path):
                return Looked(exit_code=0, output=f"{path}\n")
        return Looked(exit_code=1, errors=f"not there: {' nor '.join(map(str, places))}\n")

    def _places(self) -> list[Path]:
        """Where a path may lie; none for what is no path."""
        wanted = self.order.text
        if "\0" in wanted or ".." in Path(wanted).parts or not wanted:
            return []
        return list(dict.fromkeys((self.folder / wanted, self.gate.started_in / wanted)))

    def _place(self) -> Path | None:
        """Where the worktree is; None where that is no place for it."""
        wanted = self.order.path or ""
        if not wanted or "\0" in wanted or ".." in Path(wanted).parts:
            return None
        path = self.folder / wanted
        return path if path != self.folder and self.gate.allows(path) else None

    def _outside(self) -> Looked:
        return Looked(
            exit_code=1, errors=f"{self.order.path!r} does not lie below the step's folder: no worktree is made there\n"
        )

    async def _git(self, *arguments: str) -> str:
        return await run_git(self.folder, *arguments, environment=self.environment)


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
