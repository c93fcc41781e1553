"""Real folders, links and exchanges: what counts is where a path leads, and that it stays there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connect.policy.folders import OpenFolder, real_folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """`allowed/inner` and `other`, under the name that the file system has for it."""
    real = real_folder(tmp_path)
    (real / "allowed" / "inner").mkdir(parents=True)
    (real / "other").mkdir()
    return real


@pytest.fixture
def opened(home: Path) -> Iterator[OpenFolder]:
    folder = OpenFolder(home / "allowed" / "inner")
    yield folder
    folder.close()


def lies_in(path: Path, root: Path) -> bool:
    folder = OpenFolder(path)
    try:
        return folder.lies_in(root)
    finally:
        folder.close()


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("allowed", True),
        ("allowed/inner", True),
        ("allowed/inner/..", True),
        ("other/../allowed", True),
        ("other", False),
        ("allowed/..", False),
        ("allowed/inner/../../other", False),
        ("allowed/inner/../..", False),
    ],
)
def test_a_folder_is_where_its_path_leads(home: Path, path: str, inside: bool) -> None:
    assert lies_in(home / path, home / "allowed") is inside


def test_a_name_that_only_begins_alike_is_another_folder(home: Path) -> None:
    (home / "allowed-not").mkdir()
    assert not lies_in(home / "allowed-not", home / "allowed")


def test_a_link_is_where_it_leads(home: Path) -> None:
    (home / "allowed" / "out").symlink_to(home / "other")
    (home / "in").symlink_to(home / "allowed" / "inner")
    assert not lies_in(home / "allowed" / "out", home / "allowed")
    assert lies_in(home / "in", home / "allowed")
    assert real_folder(home / "in") == home / "allowed" / "inner"


def test_everything_lies_in_the_root_and_the_root_in_nothing_else(home: Path) -> None:
    assert lies_in(home, Path("/"))
    assert not lies_in(Path("/"), home)


def test_an_allowed_folder_that_became_a_link_allows_nothing(home: Path) -> None:
    (home / "allowed").rename(home / "moved")
    (home / "allowed").symlink_to(home / "other")
    assert not lies_in(home / "other", home / "allowed")


def test_an_allowed_folder_below_a_link_allows_nothing(home: Path) -> None:
    (home / "way").symlink_to(home)
    assert not lies_in(home / "allowed", home / "way" / "allowed")


def test_an_allowed_folder_that_is_gone_allows_nothing(home: Path) -> None:
    assert not lies_in(home / "other", home / "gone")


def test_a_folder_stays_the_same_when_its_name_is_given_to_another(home: Path, opened: OpenFolder) -> None:
    before = os.fstat(opened.descriptor).st_ino
    (home / "allowed" / "inner").rename(home / "allowed" / "kept")
    (home / "allowed" / "inner").symlink_to(home / "other")
    assert not opened.still_named
    assert os.fstat(opened.descriptor).st_ino == before
    assert opened.lies_in(home / "allowed")


def test_a_folder_that_was_moved_out_lies_there_no_more(home: Path, opened: OpenFolder) -> None:
    (home / "allowed" / "inner").rename(home / "other" / "inner")
    assert not opened.lies_in(home / "allowed")
    assert not opened.still_named


def test_a_folder_whose_way_became_a_link_is_no_longer_named(home: Path, opened: OpenFolder) -> None:
    assert opened.still_named
    (home / "allowed").rename(home / "moved")
    (home / "allowed").symlink_to(home / "moved")
    assert not opened.still_named


@pytest.mark.parametrize("name", ["file", "gone", "loop"])
def test_what_is_no_folder_cannot_be_opened(home: Path, name: str) -> None:
    (home / "file").write_text("")
    (home / "loop").symlink_to(home / "loop")
    with pytest.raises(OSError, match=name):
        OpenFolder(home / name)


def test_a_folder_that_may_be_entered_and_not_listed_is_one_to_work_in(home: Path) -> None:
    (home / "other").chmod(0o100)
    folder = OpenFolder(home / "other")
    assert folder.enterable
    folder.close()
    (home / "other").chmod(0o700)


def test_names_that_are_not_text_are_names_all_the_same(home: Path) -> None:
    odd = home / "allowed" / os.fsdecode(b"caf\xe9") if sys.platform == "linux" else home / "allowed" / "café"
    odd.mkdir()
    assert lies_in(odd, home / "allowed")


def test_letters_case_and_unicode_forms_are_the_file_systems_business(home: Path) -> None:
    """On a file system that tells them apart these are other folders, and there are none; elsewhere the same one."""
    (home / "caf\u00e9").mkdir()
    for known, other in ((home / "allowed", home / "ALLOWED"), (home / "caf\u00e9", home / "cafe\u0301")):
        if other.exists():
            assert real_folder(other) == real_folder(known)
            assert lies_in(other, real_folder(known))
        else:
            with pytest.raises(FileNotFoundError):
                OpenFolder(other)
