"""Every spelling is judged as the data says, and those that are said to remove a file do so in a real shell."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.spellings import Spelling, judged, spellings

ALL = list(spellings())
RUN = [each for each in ALL if each.is_run]
WRAPPER = '#!/bin/sh\nwhile :; do case "$1" in -u) shift 2;; -*) shift;; *) break;; esac; done\nexec "$@"\n'


@pytest.mark.parametrize("spelling", ALL, ids=[f"{each.about}-{place}" for place, each in enumerate(ALL)])
def test_a_spelling_is_judged_as_the_data_says(spelling: Spelling) -> None:
    assert (judged(spelling), spelling.command) == (spelling.expected, spelling.command)


def test_there_are_hundreds_and_nothing_denied_is_allowed() -> None:
    figures = Counter((each.about == "harmless", each.expected) for each in ALL)
    assert figures[False, "denied"] + figures[False, "asked"] >= 200
    assert figures[True, "allowed"] >= 200
    assert figures[False, "allowed"] == figures[True, "denied"] == 0


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stand-ins for programs that not every machine has."""
    folder = tmp_path_factory.mktemp("programs")
    for name in ("sudo", "doas", "busybox"):
        (folder / name).write_text(WRAPPER)
        (folder / name).chmod(0o755)
    bash = shutil.which("bash")
    assert bash is not None, "a real bash confirms the spellings: install it"
    for name in ("zsh", "dash"):
        (folder / name).symlink_to(bash)
    return folder


@pytest.mark.parametrize("spelling", RUN, ids=range(len(RUN)))
def test_a_spelling_that_is_said_to_remove_a_file_does(spelling: Spelling, programs: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.touch()
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    subprocess.run(
        ["bash", "-c", spelling.command],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert not victim.exists(), spelling.command
