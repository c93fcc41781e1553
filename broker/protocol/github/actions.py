"""What each action asks GitHub, one request after the other. It looks before it makes something, so that it makes
nothing twice: what it makes has a marker in its body, by which whoever tries again finds it.

REST API version 2022-11-28 (docs.github.com/rest: git/refs, issues, issues/comments, pulls).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

VERSION = "2022-11-28"
PAGE = 50
MOST_PAGES = 4
"""Of what others have made meanwhile, among which it looks for what it has made itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One to make. `path` begins with a slash and has its query."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; `data`: its JSON, None where there is none."""

    status: int
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case names."""


class GithubRefused(Exception):
    """GitHub did not do it, in words for people."""


class GithubLimited(GithubRefused):
    """Its rate limit is reached. One of the two says until when, where GitHub does."""

    def __init__(self, message: str, *, resets_at_s: int | None, retry_after_s: int | None) -> None:
        super().__init__(message)
        self.resets_at_s = resets_at_s
        self.retry_after_s = retry_after_s


Asking = Generator[Request, Answer, Any]


def carry_out(action: str, *, repository: str, params: Mapping[str, Any], marker: str, since: str) -> Asking:
    """Yields requests, takes their answers, and returns what there is now. `since`: ISO 8601, no later than the first
    try. Raises `GithubRefused`."""
    asking = _Repository(f"/repos/{repository}", marker, since)
    match action:
        case "getRepo":
            return (yield from _ask("GET", asking.root))
        case "createBranch":
            return (yield from asking.create_branch(params["branch"], params.get("fromBranch")))
        case "createIssue":
            body = _assigned(params)
            return (yield from asking.make(f"{asking.root}/issues", body, listed={"state": "all", "since": since}))
        case "updateIssue":
            body = _assigned(_renamed(params, without="issueNumber"))
            return (yield from _ask("PATCH", f"{asking.root}/issues/{params['issueNumber']}", body))
        case "closeIssue":
            return (yield from _ask("PATCH", f"{asking.root}/issues/{params['issueNumber']}", {"state": "closed"}))
        case "addComment":
            path = f"{asking.root}/issues/{params['issueNumber']}/comments"
            return (yield from asking.make(path, {"body": params["body"]}, listed={"since": since}))
        case "getPR":
            return (yield from _ask("GET", f"{asking.root}/pulls/{params['pullNumber']}"))
        case "createPR":
            return (yield from asking.create_pull(params))
        case "updatePR":
            body = _renamed(params, maintainerCanModify="maintainer_can_modify", without="pullNumber")
            return (yield from _ask("PATCH", f"{asking.root}/pulls/{params['pullNumber']}", body))
        case "mergePR":
            return (yield from asking.merge(params))
    raise GithubRefused(f"nobody carries out {action}")


@dataclass(frozen=True, slots=True)
class _Repository:
    root: str
    marker: str
    since: str

    def create_branch(self, branch: str, start: str | None) -> Asking:
        """One that is there already counts where it begins at the same commit: nobody can tell who has made it."""
        if start is None:
            start = str((yield from _ask("GET", self.root))["default_branch"])
        wanted = (yield from _ask("GET", self._ref(start)))["object"]["sha"]
        there = yield from _ask("GET", self._ref(branch), may_be_missing=True)
        if there is None:
            body = {"ref": f"refs/heads/{branch}", "sha": wanted}
            made = yield from _ask("POST", f"{self.root}/git/refs", body)
            return {"branch": branch, "sha": made["object"]["sha"], "created": True}
        if there["object"]["sha"] != wanted:
            raise GithubRefused(f"there is a branch {branch} already, at {there['object']['sha'][:12]}, not at {start}")
        return {"branch": branch, "sha": wanted, "created": False}

    def create_pull(self, params: Mapping[str, Any]) -> Asking:
        body = _renamed(params, maintainerCanModify="maintainer_can_modify")
        owner = self.root.split("/")[2]
        head = body["head"] if ":" in body["head"] else f"{owner}:{body['head']}"
        listed = {"state": "all", "head": head, "base": body["base"]}
        return (yield from self.make(f"{self.root}/pulls", body, listed=listed))

    def merge(self, params: Mapping[str, Any]) -> Asking:
        path = f"{self.root}/pulls/{params['pullNumber']}"
        if not (yield from _ask("GET", path))["merged"]:
            names = {"mergeMethod": "merge_method", "commitTitle": "commit_title", "commitMessage": "commit_message"}
            yield from _ask("PUT", f"{path}/merge", _renamed(params, without="pullNumber", **names))
        return (yield from _ask("GET", path))

    def make(self, path: str, body: Mapping[str, Any], *, listed: Mapping[str, str]) -> Asking:
        """Make something with the marker, unless that is among those that are `listed` so."""
        for page in range(1, MOST_PAGES + 1):
            query = urlencode({**listed, "per_page": PAGE, "page": page})
            found = yield from _ask("GET", f"{path}?{query}")
            mine = next((each for each in found if self.marker in (each.get("body") or "")), None)
            if mine is not None:
                return mine
            if len(found) < PAGE:
                text = f"{body.get('body', '')}\n\n{self.marker}".lstrip()
                return (yield from _ask("POST", path, {**body, "body": text}))
        raise GithubRefused("so much was made there meanwhile that nobody can tell whether this was done already")

    def _ref(self, branch: str) -> str:
        return f"{self.root}/git/ref/heads/{quote(branch)}"


def _ask(method: str, path: str, body: Mapping[str, Any] | None = None, *, may_be_missing: bool = False) -> Asking:
    answer = yield Request(method=method, path=path, body=body)
    if 200 <= answer.status < 300 and answer.data is not None:
        return answer.data
    if may_be_missing and answer.status == 404:
        return None
    raise refusal(answer)


def refusal(answer: Answer) -> GithubRefused:
    """Why GitHub did not do it."""
    said = answer.data.get("message") if isinstance(answer.data, dict) else None
    details = answer.data.get("errors") if isinstance(answer.data, dict) else None
    words = [str(each.get("message") or each.get("code") or "") for each in details or [] if isinstance(each, dict)]
    text = "; ".join([str(said or "no JSON"), *filter(None, words)])[:500]
    is_spent = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    if answer.status == 429 or (answer.status == 403 and is_spent):
        return GithubLimited(
            f"GitHub's rate limit is reached: {text}",
            resets_at_s=_seconds(answer, "x-ratelimit-reset"),
            retry_after_s=_seconds(answer, "retry-after"),
        )
    if answer.status == 401:
        return GithubRefused(f"GitHub does not accept the token: {text}")
    return GithubRefused(f"GitHub answered {answer.status}: {text}")


def _seconds(answer: Answer, header: str) -> int | None:
    text = answer.headers.get(header, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else None


def _renamed(params: Mapping[str, Any], *, without: str = "", **names: str) -> dict[str, Any]:
    return {names.get(key, key): each for key, each in params.items() if key != without}


def _assigned(params: Mapping[str, Any]) -> dict[str, Any]:
    """GitHub takes several; the format has one."""
    body = {key: each for key, each in params.items() if key != "assignee"}
    return {**body, "assignees": [params["assignee"]]} if "assignee" in params else body
