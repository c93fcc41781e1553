"""What an agent that is kept to some files may do."""

from __future__ import annotations

import time

import pytest

from broker.domain.agents.agents import FileLimits
from broker.domain.approvals.file_limits import beyond
from broker.domain.approvals.tool_use import tool_use

LIMITS: FileLimits = (("src/**", "docs/*.md", "/srv/out/**", "**/CHANGELOG", "[ab]?.{c,h}"),)


def said(path: str, *, tool: str = "Edit", limits: FileLimits = LIMITS, cwd: str | None = "/w") -> str:
    use = tool_use(tool=tool, command=None, paths=[path] if path else [], given=None, folder=cwd)
    return beyond(limits, use, folder="/w")


@pytest.mark.parametrize(
    "path",
    [
        "src/a",
        "src/a/b.py",
        "./src/a",
        "/w/src/a",
        "docs/a.md",
        "/srv/out/a/b",
        "CHANGELOG",
        "a/b/CHANGELOG",
        "a1.c",
        "b1.h",
    ],
)
@pytest.mark.parametrize("tool", ["Edit", "write_file", "fileChange", "delete", "move"])
def test_what_a_pattern_covers_is_within(path: str, tool: str) -> None:
    assert said(path, tool=tool) == ""


@pytest.mark.parametrize(
    "path",
    [
        *("src", "srcx/a", "src/../a", "../w/src/a", "/src/a", "/etc/passwd", "docs/a/b.md", "docs/.md/x", "/srv/out"),
        *("/srv/out/../a", "c1.c", "a12.c", "a1.x", "", "src/a\0b", "/other/CHANGELOG", "~/src/a"),
    ],
)
def test_what_none_covers_is_outside(path: str) -> None:
    assert said(path).startswith("the file of the run lets it change src/**, ")


def test_a_path_is_taken_from_where_the_tool_works_and_a_pattern_from_the_agents_folder() -> None:
    assert said("src/a", cwd="/tmp") != ""
    assert said("a", cwd="/w/src") == ""
    assert said("src/a", cwd=None) != ""


def test_every_list_has_to_let_it_in_and_an_empty_one_lets_in_nothing() -> None:
    both: FileLimits = (("src/**",), ("**/*.py",))
    assert said("src/a.py", limits=both) == ""
    assert said("src/a.c", limits=both) != ""
    assert said("b.py", limits=both) != ""
    assert said("src/a", limits=((),)).startswith("the file of the run lets it change nothing")
    assert said("/etc/passwd", limits=()) == ""


@pytest.mark.parametrize("tool", ["Bash", "exec_command", "mcp__files__write", "SomethingNew"])
def test_what_may_change_anything_is_beyond_them(tool: str) -> None:
    assert f"what {tool} changes cannot be told" in said("src/a", tool=tool)


@pytest.mark.parametrize("tool", ["Read", "Grep", "Glob", "WebFetch"])
def test_what_changes_nothing_is_within(tool: str) -> None:
    assert said("/etc/passwd", tool=tool) == ""


def test_a_change_that_asks_for_more_or_for_several_files_is_within_only_with_all_of_it() -> None:
    several = tool_use(tool="Edit", command=None, paths=["src/a", "b"], given=None, folder="/w")
    assert beyond(LIMITS, several, folder="/w").endswith(": b is outside")
    wider = tool_use(tool="Edit", command=None, paths=["src/a"], given=None, folder="/w", widens=("all of /",))
    assert "more than this one change" in beyond(LIMITS, wider, folder="/w")


def test_no_pattern_takes_long() -> None:
    began = time.process_time()
    hostile = "/".join(["**", "*a*a*a*a*b"] * 40)
    assert said("/".join(["a" * 200] * 20), limits=((hostile, "{a,b}" * 50),)) != ""
    assert time.process_time() - began < 1
