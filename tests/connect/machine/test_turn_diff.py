"""Files that shell commands change are found at the end of a turn, in a real git work tree."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from broker.domain.ids import MessageId
from broker.protocol.agents.events import CommandRan, FileChange, FilesChanged, TurnEnded, TurnOutcome, TurnStarted
from connect.machine.git import run_git
from connect.machine.turn_diff import MOST_FILES, SOURCE, TurnDiff

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}
STARTED = TurnStarted(turn_id="t", message_id=MessageId("m"))
ENDED = TurnEnded(turn_id="t", outcome=TurnOutcome.COMPLETED)
RAN = CommandRan(call_id="c", command="make", exit_code=0)


class Turns:
    """Turns of an agent in a folder, and what was found in each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: list[FilesChanged] = []
        self.failures: list[Exception] = []
        self.diff = TurnDiff(environment=ENVIRONMENT, found=self.found.append, failed=self.failures.append)
        self.diff.stand_in(folder)

    async def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        await run_git(self.folder, *who, *arguments, environment=ENVIRONMENT)

    async def begin(self) -> None:
        self.diff.heed([STARTED])
        before = self.diff._before
        assert before is not None
        await before

    async def end(self, *events: CommandRan | FilesChanged) -> dict[str, str]:
        """What was found, by the path inside the folder."""
        self.found.clear()
        self.diff.heed([*events, ENDED])
        if tasks := self.diff._tasks:
            await asyncio.wait(tasks)
        assert not self.failures
        return {os.path.relpath(each.path, self.folder): each.change for found in self.found for each in found.changes}


@pytest.fixture
async def turns(tmp_path: Path) -> Turns:
    folder = tmp_path.resolve() / "repository"
    folder.mkdir()
    turns = Turns(folder)
    await turns.git("init", "-q")
    for name in ("kept.py", "edited.py", "removed.py", "dirty.py"):
        (folder / name).write_text("1\n")
    (folder / ".gitignore").write_text("build/\n")
    await turns.git("add", ".")
    await turns.git("commit", "-qm", "first")
    turns.diff.stand_in(folder)
    return turns


async def test_what_commands_have_changed_is_told_once_with_how_it_changed(turns: Turns) -> None:
    (turns.folder / "dirty.py").write_text("before\n")
    await turns.begin()
    (turns.folder / "edited.py").write_text("22\n")
    (turns.folder / "removed.py").unlink()
    (turns.folder / "dirty.py").write_text("before and after\n")
    (turns.folder / "src").mkdir()
    (turns.folder / "src" / "a new one.py").write_text("")
    (turns.folder / "build").mkdir()
    (turns.folder / "build" / "ignored.o").write_text("")
    assert await turns.end(RAN) == {
        "dirty.py": "update",
        "edited.py": "update",
        "removed.py": "delete",
        "src/a new one.py": "add",
    }
    assert turns.found[0].tool == SOURCE
    await turns.begin()
    assert await turns.end(RAN) == {}


async def test_what_the_agent_has_told_itself_is_not_told_again(turns: Turns) -> None:
    await turns.begin()
    (turns.folder / "edited.py").write_text("22\n")
    (turns.folder / "kept.py").write_text("22\n")
    told = FilesChanged(call_id="e", changes=(FileChange(path="edited.py"),))
    assert await turns.end(told, RAN) == {"kept.py": "update"}


async def test_what_a_turn_has_committed_is_found_and_what_was_dirty_before_is_not(turns: Turns) -> None:
    (turns.folder / "dirty.py").write_text("before\n")
    await turns.begin()
    (turns.folder / "edited.py").write_text("22\n")
    (turns.folder / "new.py").write_text("")
    await turns.git("add", ".")
    await turns.git("commit", "-qm", "second")
    assert await turns.end(RAN) == {"edited.py": "update", "new.py": "add"}


async def test_a_turn_without_a_command_is_not_looked_at(turns: Turns) -> None:
    await turns.begin()
    (turns.folder / "edited.py").write_text("by a person\n")
    assert await turns.end() == {}


async def test_a_checkout_of_very_many_files_is_passed_over(turns: Turns) -> None:
    await turns.begin()
    for number in range(MOST_FILES + 1):
        (turns.folder / f"{number}.txt").touch()
    assert await turns.end(RAN) == {}


async def test_a_folder_outside_of_git_has_no_changes(tmp_path: Path) -> None:
    turns = Turns(tmp_path.resolve())
    turns.diff.heed([STARTED])
    assert turns.diff._before is None
    assert await turns.end(RAN) == {}
