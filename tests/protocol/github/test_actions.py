"""What is asked of GitHub for each action, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from broker.protocol.github.actions import MOST_PAGES, PAGE, Answer, GithubRefused, Request, carry_out

MARKER = "<!-- relaycast: x -->"


def do(action: str, params: Mapping[str, Any], *answers: Answer) -> tuple[Any, list[Request]]:
    """What it returns, and what it has asked for."""
    asking = carry_out(action, repository="team/shop", params=params, marker=MARKER, since="2026-01-31T10:00:00Z")
    asked, left = [next(asking)], list(answers)
    try:
        while True:
            asked.append(asking.send(left.pop(0)))
    except StopIteration as ended:
        assert not left
        return ended.value, asked


def ok(data: Any, status: int = 200) -> Answer:
    return Answer(status=status, data=data)


def test_what_has_the_marker_already_is_not_made_again() -> None:
    made, asked = do("addComment", {"issueNumber": 7, "body": "x"}, ok([{"body": None}, {"id": 3, "body": MARKER}]))
    assert made["id"] == 3
    assert [each.method for each in asked] == ["GET"]
    assert asked[0].path.startswith("/repos/team/shop/issues/7/comments?since=2026-01-31T10%3A00%3A00Z")


def test_pages_are_read_until_there_are_no_more_before_something_is_made() -> None:
    _, asked = do("createIssue", {"title": "t"}, ok([{"body": ""}] * PAGE), ok([]), ok({"number": 1}, 201))
    assert [each.method for each in asked] == ["GET", "GET", "POST"]
    assert asked[-1].body == {"title": "t", "body": MARKER}


def test_where_nobody_can_tell_nothing_is_made() -> None:
    with pytest.raises(GithubRefused, match="nobody can tell"):
        do("createIssue", {"title": "t"}, *[ok([{"body": ""}] * PAGE)] * MOST_PAGES)


def test_a_branch_begins_where_the_repository_does_unless_one_is_named() -> None:
    ref = ok({"object": {"sha": "a" * 40}})
    made, asked = do("createBranch", {"branch": "x"}, ok({"default_branch": "trunk"}), ref, Answer(status=404), ref)
    assert made == {"branch": "x", "sha": "a" * 40, "created": True}
    assert [each.path for each in asked][1:3] == [
        "/repos/team/shop/git/ref/heads/trunk",
        "/repos/team/shop/git/ref/heads/x",
    ]
    again, asked = do("createBranch", {"branch": "x", "fromBranch": "trunk"}, ref, ref)
    assert (again["created"], [each.method for each in asked]) == (False, ["GET", "GET"])


def test_a_merged_pull_request_is_not_merged_again() -> None:
    merged, asked = do("mergePR", {"pullNumber": 3}, ok({"merged": True}), ok({"merged": True}))
    assert merged == {"merged": True}
    assert {each.method for each in asked} == {"GET"}


def test_parameters_are_called_as_github_calls_them() -> None:
    params = {"title": "t", "head": "x", "base": "main", "maintainerCanModify": False}
    _, asked = do("createPR", params, ok([]), ok({"number": 1}, 201))
    assert asked[0].path.startswith("/repos/team/shop/pulls?state=all&head=team%3Ax&base=main")
    assert asked[1].body == {
        "title": "t",
        "head": "x",
        "base": "main",
        "maintainer_can_modify": False,
        "body": MARKER,
    }
    _, asked = do("updateIssue", {"issueNumber": 1, "assignee": "ada"}, ok({}))
    assert asked[0].body == {"assignees": ["ada"]}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(status=401, data={"message": "Bad credentials"}), "does not accept the token: Bad credentials"),
        (Answer(status=429, data=None, headers={"retry-after": "60"}), "rate limit is reached: no JSON"),
        (Answer(status=502, data=None), "answered 502: no JSON"),
        (Answer(status=200, data=None), "answered 200: no JSON"),
        (ok({"message": "No", "errors": [{"message": "head is gone"}, "x"]}, 422), "answered 422: No; head is gone"),
    ],
)
def test_why_github_did_not_do_it_is_said(answer: Answer, says: str) -> None:
    with pytest.raises(GithubRefused, match=says):
        do("getRepo", {}, answer)
