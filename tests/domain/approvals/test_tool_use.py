"""One use of a tool: what it is about, and what else is like it."""

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.approvals.effects import Effect
from broker.domain.approvals.rules import Rule, rule_on
from broker.domain.approvals.tool_use import ToolUse, absolute, likeness, paths_in, tool_use


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"file_path": "/a"}, ("/a",)),
        ({"notebook_path": "/a", "new_source": "b", "cell_type": "code"}, ("/a",)),
        ({"path": "/a", "pattern": "/b", "output_mode": "content"}, ("/a",)),
        ({"paths": ["/a", "/b"]}, ("/a", "/b")),
        ({"edits": [{"file": {"path": "/a"}}, {"filename": "b"}]}, ("/a", "b")),
        ({"uri": "file:///a%20b"}, ("/a b",)),
        ({"source": "/a", "destination": "/b", "newPath": "/c"}, ("/a", "/b", "/c")),
        ({"content": "/a", "file_text": "/b", "url": "https://c.example"}, ()),
        ({"path": 5, "file": None, "dir": ""}, ()),
        (None, ()),
    ],
)
def test_paths_are_found_by_the_names_of_members(given: dict[str, Any] | None, found: tuple[str, ...]) -> None:
    assert paths_in(given) == found


@pytest.mark.parametrize(
    ("path", "folder", "found"),
    [("a", "/p", "/p/a"), ("../a", "/p/q", "/p/a"), ("/a/./b", "/p", "/a/b"), ("//a", None, "/a"), ("a", None, "a")],
)
def test_a_path_is_whole_inside_its_folder(path: str, folder: str | None, found: str) -> None:
    assert absolute(path, folder) == found


def test_the_command_of_a_shell_comes_from_its_input_where_the_machine_did_not_tell_it() -> None:
    use = tool_use(tool="Monitor", command=None, paths=(), given={"command": "rm x", "path": "/p"}, folder=None)
    assert (use.command, use.paths) == ("rm x", ())


def test_more_paths_than_are_kept_are_never_allowed_and_never_pass() -> None:
    use = tool_use(tool="Read", command=None, paths=[f"/p/{n}" for n in range(500)], given=None, folder=None)
    assert rule_on([Rule(effect=Effect.ALLOW, path="/p/*")], use) is None
    ruling = rule_on([Rule(effect=Effect.DENY, path="*.env"), Rule(effect=Effect.ALLOW)], use)
    assert ruling is not None
    assert ruling.effect is Effect.ASK


def test_likeness_is_of_what_is_done_and_not_of_how_it_is_written() -> None:
    edit = ToolUse(tool="Edit", paths=("a.py",), folder="/p")
    changes = [("a.py", "update")]
    assert likeness(edit, {"x": 1}, changes) == likeness(
        replace(edit, paths=("/p/a.py",)), {"x": 2}, [("/p/a.py", "update")]
    )
    assert likeness(edit, None, changes) != likeness(edit, None, [("a.py", "delete")])
    assert likeness(edit, None, changes) != likeness(replace(edit, folder="/q"), None, changes)


@pytest.mark.parametrize(
    "use",
    [
        ToolUse(tool="fileChange"),
        ToolUse(tool="mcp__a__b"),
        ToolUse(tool="Bash", command="ls", widens=("more",)),
    ],
)
def test_nothing_is_like_a_request_that_hides_what_it_is_about(use: ToolUse) -> None:
    assert likeness(use, None, ()) == ""
