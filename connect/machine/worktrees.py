"""A git worktree of its own for an agent: made below the folder it may work in, taken away when nothing is in it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from broker.domain.ids import AgentId
from connect.machine.git import GitFailed, run_git
from connect.policy.gate import NotAdmitted

_PLACE = (".relaycast", "worktrees")
"""Below the folder; with a `.gitignore` of its own, so that it is no change of the repository."""
_PREFIX = "relay/"


class NoWorktree(NotAdmitted):
    """It cannot be made; the message says why."""

    def __init__(self, reason: str) -> None:
        super().__init__("NO_WORKTREE", f"no worktree: {reason}")


@dataclass(slots=True, kw_only=True)
class AgentWorktree:
    """One agent's worktree, on the branch `relay/<its name>`, or with the end of its id where that one is taken."""

    agent: AgentId
    name: str
    environment: Mapping[str, str] = field(repr=False)
    """What git is run with, but for its own variables, which would lead it elsewhere."""

    async def make(self, folder: Path) -> Path:
        """Make one of the repository that `folder` is in, from its present commit; the same folder in it.

        Raises `NoWorktree`.
        """
        prefix = (await self._git(folder, "rev-parse", "--show-prefix")).strip()
        branch = await self._free_branch(folder)
        root = _prepare_home(folder) / f"{self.name}-{self._tag}"
        await self._git(folder, "worktree", "add", "-b", branch, "--", str(root), "HEAD")
        return _deepest(root, prefix)

    async def restore(self, folder: Path) -> None:
        """Make it again where it was, for an agent that is brought back. Raises `NoWorktree`."""
        root = worktree_root(folder)
        if root is None or _is_there(folder):
            return
        base = root.parents[len(_PLACE)]
        await self._git(base, "worktree", "prune")
        branch = await self._free_branch(base)
        await self._git(base, "worktree", "add", "-b", branch, "--", str(root), "HEAD")

    async def branch(self, folder: Path) -> str | None:
        """What is checked out in it; None for no branch."""
        with contextlib.suppress(NoWorktree):
            return (await self._git(folder, "branch", "--show-current")).strip() or None
        return None

    async def clear(self, folder: Path) -> str:
        """Take it away with its branch where neither a file nor a commit is its own; what became of it, in words."""
        root = worktree_root(folder)
        branch = await self.branch(folder)
        if root is None or branch is None or not branch.startswith(_PREFIX):
            return f"its worktree stays: {folder}"
        kept = f"its work is on the branch {branch}, in {root}"
        try:
            if await self._is_changed(root, branch=branch):
                return kept
            base = root.parents[len(_PLACE)]
            await self._git(base, "worktree", "remove", "--", str(root))
            await self._git(base, "branch", "-D", "--", branch)
        except NoWorktree as error:
            return f"{kept}; it could not be taken away: {error}"
        return f"its worktree had nothing in it and is gone, with the branch {branch}"

    async def _is_changed(self, root: Path, *, branch: str) -> bool:
        if _is_there(root.joinpath(*_PLACE)):  # of agents that it has started
            return True
        if (await self._git(root, "status", "--porcelain")).strip():
            return True
        # Not `--all`: that has this worktree's own HEAD, behind which its commits would hide.
        others = (f"--exclude={branch}", "--branches", "--remotes", "--tags")
        return (await self._git(root, "rev-list", "--count", "HEAD", "--not", *others)).strip() != "0"

    async def _free_branch(self, folder: Path) -> str:
        wanted = f"{_PREFIX}{self.name}"
        taken = (await self._git(folder, "branch", "--list", "--format=%(refname:short)", f"{wanted}*")).split()
        return wanted if wanted not in taken else f"{wanted}-{self._tag}"

    @property
    def _tag(self) -> str:
        return self.agent[-6:]

    async def _git(self, folder: Path, *arguments: str) -> str:
        """What git prints. Raises `NoWorktree` with its words."""
        try:
            return await run_git(folder, *arguments, environment=self.environment)
        except GitFailed as failed:
            raise NoWorktree(str(failed)) from None


def _prepare_home(folder: Path) -> Path:
    """Where worktrees of it are put. Raises `NoWorktree`."""
    place = folder.joinpath(*_PLACE)
    try:
        place.mkdir(parents=True, exist_ok=True)
        (place.parent / ".gitignore").write_text("*\n")
    except OSError as error:
        raise NoWorktree(f"{place}: {error.strerror}") from None
    return place


def _deepest(root: Path, prefix: str) -> Path:
    """The same folder in the worktree, where that is a part of the repository."""
    within = root / prefix
    return within if within.is_dir() else root


def _is_there(path: Path) -> bool:
    return path.exists()


def worktree_root(folder: Path) -> Path | None:
    """The worktree that we made for an agent and that `folder` is in, or None."""
    for each in (folder, *folder.parents):
        if each.parent.parts[-len(_PLACE) :] == _PLACE:
            return each
    return None
