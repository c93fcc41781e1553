"""Worktrees of agents, with the real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from broker.domain.ids import AgentId
from connect.machine.worktrees import AgentWorktree, NoWorktree, worktree_root

_IDENTITY = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def git(folder: Path, *arguments: str) -> str:
    found = subprocess.run(
        ["git", "-C", folder, *arguments], capture_output=True, text=True, check=True, env={**os.environ, **_IDENTITY}
    )
    return found.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    (made / "src").mkdir(parents=True)
    (made / "src" / "a.py").write_text("1\n")
    git(made, "init", "-q", "-b", "main")
    git(made, "add", ".")
    git(made, "commit", "-qm", "first")
    return made


def worktree(name: str = "Worker", agent: str = "0123456789abcdef") -> AgentWorktree:
    # What would lead git to another repository has no effect.
    return AgentWorktree(agent=AgentId(agent), name=name, environment={**os.environ, "GIT_DIR": "/nowhere"})


async def test_an_agent_gets_a_worktree_on_a_branch_of_its_own_below_its_folder(repository: Path) -> None:
    own = worktree()
    made = await own.make(repository)
    assert made == repository / ".relaycast" / "worktrees" / "Worker-abcdef"
    assert (made / "src" / "a.py").read_text() == "1\n"
    assert await own.branch(made) == "relay/Worker"
    assert git(repository, "status", "--porcelain") == ""  # it is no change of the repository
    assert worktree_root(made / "src") == made


async def test_in_a_folder_of_a_repository_it_works_in_the_same_folder_of_the_worktree(repository: Path) -> None:
    made = await worktree().make(repository / "src")
    assert made == repository / "src" / ".relaycast" / "worktrees" / "Worker-abcdef" / "src"
    assert (made / "a.py").exists()


async def test_a_second_agent_of_the_name_gets_another_branch(repository: Path) -> None:
    await worktree().make(repository)
    other = worktree(agent="fedcba9876543210")
    assert await other.branch(await other.make(repository)) == "relay/Worker-543210"


async def test_a_worktree_with_nothing_in_it_goes_with_its_branch(repository: Path) -> None:
    own = worktree()
    made = await own.make(repository / "src")
    assert "is gone, with the branch relay/Worker" in await own.clear(made)
    assert not made.exists()
    assert git(repository, "branch", "--list", "relay/*") == ""


async def test_a_worktree_with_a_new_file_stays(repository: Path) -> None:
    own = worktree()
    made = await own.make(repository)
    (made / "new.txt").write_text("work")
    assert f"its work is on the branch relay/Worker, in {made}" in await own.clear(made)
    assert (made / "new.txt").exists()


async def test_a_worktree_with_a_commit_stays_until_that_is_elsewhere(repository: Path) -> None:
    own = worktree()
    made = await own.make(repository)
    (made / "src" / "a.py").write_text("2\n")
    git(made, "commit", "-qam", "work")
    assert "its work is on the branch" in await own.clear(made)
    git(repository, "merge", "-q", "relay/Worker")
    assert "is gone" in await own.clear(made)


async def test_a_worktree_in_which_another_agents_lies_stays(repository: Path) -> None:
    outer, inner = worktree("Lead"), worktree("Worker", agent="fedcba9876543210")
    folder = await outer.make(repository)
    nested = await inner.make(folder)
    assert "its work is on the branch relay/Lead" in await outer.clear(folder)
    assert nested.exists()


async def test_a_branch_that_the_agent_has_left_is_not_touched(repository: Path) -> None:
    own = worktree()
    made = await own.make(repository)
    git(made, "switch", "-qc", "feature")
    assert "stays" in await own.clear(made)
    assert made.exists()


async def test_an_agent_that_is_brought_back_has_its_folder_again(repository: Path) -> None:
    own = worktree()
    made = await own.make(repository / "src")
    await own.clear(made)
    await own.restore(made)
    assert (made / "a.py").exists()
    assert await own.branch(made) == "relay/Worker"
    await own.restore(made)  # it is there already


async def test_what_is_no_repository_or_has_no_commit_is_refused_in_gits_words(tmp_path: Path) -> None:
    with pytest.raises(NoWorktree, match="not a git repository"):
        await worktree().make(tmp_path)
    git(tmp_path, "init", "-q")
    with pytest.raises(NoWorktree):
        await worktree().make(tmp_path)


async def test_hooks_of_the_repository_are_not_run(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {repository.parent}/ran\n")
    hook.chmod(0o755)
    await worktree().make(repository)
    assert not (repository.parent / "ran").exists()


async def test_without_git_that_is_said(repository: Path) -> None:
    own = AgentWorktree(agent=AgentId("a"), name="Worker", environment={"PATH": "/nowhere"})
    with pytest.raises(NoWorktree, match="git cannot be run here"):
        await own.make(repository)
