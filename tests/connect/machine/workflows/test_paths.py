"""What protected files hold, before and after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from broker.domain.workflows.runs.commands import CommandKind, CommandState
from broker.domain.workflows.runs.protection import changed_paths
from connect.machine.workflows import paths
from connect.machine.workflows.paths import TooMuch, hash_paths
from tests.connect.machine.workflows.ground import ground

PATTERNS = ("checks", "*.sh", "link", "nowhere/**/*.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    (made / "checks" / "deep").mkdir(parents=True)
    (made / "checks" / "deep" / "a.py").write_text("a")
    (made / "run.sh").write_text("true")
    (made / "free.txt").write_text("1")
    (made / "link").symlink_to("free.txt")
    return made


def _touch(project: Path, name: str) -> None:
    (project / name).write_text("changed")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda p: _touch(p, "free.txt"), ""),
        (lambda p: _touch(p, "checks/deep/a.py"), "checks/deep/a.py"),
        (lambda p: _touch(p, "checks/new"), "checks/new"),
        (lambda p: (p / "run.sh").unlink(), "run.sh"),
        (lambda p: (p / "run.sh").chmod(0o755), "run.sh"),
        (lambda p: ((p / "link").unlink(), (p / "link").symlink_to("run.sh")), "link"),
        (lambda p: (p / "checks").rename(p / "moved"), "checks/deep/a.py"),
    ],
)
def test_whatever_is_changed_is_seen(project: Path, change: Callable[[Path], object], named: str) -> None:
    before = hash_paths(project, PATTERNS)
    change(project)
    assert changed_paths(before, hash_paths(project, PATTERNS)) == named


def test_nothing_outside_of_the_folder_is_looked_at(project: Path) -> None:
    assert hash_paths(project / "checks", ["../run.sh", str(project / "run.sh"), ""]) == "{}"


def test_more_than_is_looked_at_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "MOST_FILES", 1)
    with pytest.raises(TooMuch):
        hash_paths(project, PATTERNS)


async def test_a_machine_tells_it_without_anybodys_consent(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        (machine.project / "a.sh").write_text("true")
        ended = await machine.take(machine.look(CommandKind.PATHS_HASHED, text="a.sh\nb.sh"))
        assert (ended.state, ended.exit_code) == (CommandState.ENDED, 0)
        assert "a.sh" in ended.output
