"""Files that change during a turn without the agent saying so, as shell commands change them: what git sees at its end.

No vendor tells of them. Looks are bounded: a repository that git needs long for, or has too much to say of, is passed
over. Files that git ignores are nobody's, and what another agent changes in the same folder meanwhile is told too.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from broker.domain.approvals.tool_use import absolute
from broker.protocol.agents.events import AgentEvent, CommandRan, FileChange, FilesChanged, TurnEnded, TurnStarted
from connect.machine.git import GitFailed, run_git
from connect.machine.hooks.programs import project_of

SOURCE = "turn_diff"
"""What such changes have for the tool that made them."""
MOST_FILES = 1000
"""Of one turn; more is a checkout rather than work."""
_PATIENCE_S = 5.0
_STATUS = ("--no-optional-locks", "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
_Kind = Literal["add", "update", "delete"]
_Stat = tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A work tree as git sees it at one moment."""

    head: str
    codes: dict[str, str]
    """Of each file that is not as in HEAD, what git says of it."""
    stats: dict[str, _Stat] = field(default_factory=dict)
    """The same files' time and size; None: it is not there."""


def parse_status(text: str) -> dict[str, str]:
    """`git status --porcelain -z --no-renames`: two letters, a blank and a path for each file."""
    return {entry[3:]: entry[:2] for entry in text.split("\0") if len(entry) > 3 and not entry.endswith("/")}


def parse_names(text: str) -> dict[str, str]:
    """`git diff --name-status -z --no-renames`: a letter and a path in turns."""
    parts = text.split("\0")
    return dict(zip(parts[1::2], parts[0::2], strict=False))


def find_changed(before: Look, after: Look, committed: Mapping[str, str]) -> Iterator[tuple[str, _Kind]]:
    """The files that differ, and how. `committed`: those that differ between the two HEADs, by git's letter."""
    for path in dict.fromkeys((*before.codes, *after.codes, *committed)):
        code = after.codes.get(path)
        if path in before.codes:
            if before.stats.get(path) != after.stats.get(path):
                yield path, "delete" if after.stats.get(path) is None else "update"
        elif code is not None:
            yield path, _kind(code)
        elif path in committed:
            yield path, _kind(committed[path])


def _kind(code: str) -> _Kind:
    if "D" in code:
        return "delete"
    return "add" if "?" in code or "A" in code else "update"


class TurnDiff:
    """Looks at one agent's folder as its turns begin and end."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        found: Callable[[FilesChanged], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """`found` hears of the changes that nobody has told of, after the end of the turn."""
        self._environment = environment
        self._found = found
        self._failed = failed
        self._folder: Path | None = None
        self._root: Path | None = None
        self._before: asyncio.Task[Look | None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ran = False
        self._told: set[str] = set()

    def stand_in(self, folder: Path) -> None:
        """Where the agent works; nothing is found outside of a git work tree."""
        self._folder, self._root = folder, project_of(folder)

    def heed(self, events: Sequence[AgentEvent]) -> None:
        """Follow the agent's turns."""
        if self._root is None or self._folder is None:
            return
        for event in events:
            match event:
                case TurnStarted():
                    self._ran, self._told = False, set()
                    self._before = asyncio.ensure_future(self._look(self._root))
                case CommandRan():
                    self._ran = True
                case FilesChanged():
                    paths = [path for each in event.changes for path in (each.path, each.moved_to) if path]
                    self._told.update(absolute(path, str(self._folder)) for path in paths)
                case TurnEnded() if self._before is not None:
                    self._end(event.turn_id, self._before, root=self._root)
                    self._before = None
                case _:
                    pass

    def close(self) -> None:
        """The agent is over; what it did last is looked at no more."""
        for task in (*self._tasks, self._before):
            if task is not None:
                task.cancel()

    def _end(self, turn: str, before: asyncio.Task[Look | None], *, root: Path) -> None:
        if not self._ran:
            before.cancel()
            return
        task = asyncio.ensure_future(self._compare(turn, before, root=root, told=frozenset(self._told)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _compare(self, turn: str, before: asyncio.Task[Look | None], *, root: Path, told: frozenset[str]) -> None:
        try:
            first = await before
            last = await self._look(root, also=first.codes) if first else None
            if first is None or last is None:
                return
            committed = await self._find_committed(root, first.head, last.head)
            files = [(str(root / path), kind) for path, kind in find_changed(first, last, committed)]
            untold = [FileChange(path=path, change=kind) for path, kind in files if path not in told]
            if untold and len(untold) <= MOST_FILES:
                self._found(FilesChanged(call_id=f"turn:{turn}", changes=tuple(untold), tool=SOURCE))
        except Exception as error:
            self._failed(error)

    async def _look(self, root: Path, *, also: Mapping[str, str] | None = None) -> Look | None:
        """None where git cannot say, not soon enough, or too much."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                head = await self._head(root)
                codes = parse_status(await run_git(root, *_STATUS, environment=self._environment))
        except (GitFailed, TimeoutError):
            return None
        if len(codes) > MOST_FILES:
            return None
        paths = [*codes, *(also or {})]
        return Look(head=head, codes=codes, stats=await asyncio.to_thread(_stats, root, paths))

    async def _head(self, root: Path) -> str:
        try:
            return (await run_git(root, "rev-parse", "HEAD", environment=self._environment)).strip()
        except GitFailed:  # nothing was committed yet
            return ""

    async def _find_committed(self, root: Path, old: str, new: str) -> dict[str, str]:
        if old == new or not old:
            return {}
        arguments = ("diff", "--name-status", "-z", "--no-renames", "--no-ext-diff", old, new)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return parse_names(await run_git(root, *arguments, environment=self._environment))
        except (GitFailed, TimeoutError):
            return {}


def _stats(root: Path, paths: Sequence[str]) -> dict[str, _Stat]:
    return {path: _stat(root / path) for path in paths}


def _stat(path: Path) -> _Stat:
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size
