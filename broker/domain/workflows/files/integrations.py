"""What steps of type integration may have done: actions on GitHub, in the words of the public format.

`addComment` is ours. What else the format names is refused by the check: nobody here would carry it out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.domain.secrets.references import find_reference
from broker.domain.workflows.files.placeholders import placeholders

GITHUB = "github"
DEFAULT_TOKEN = "secret:GITHUB_TOKEN"  # noqa: S105 - the name of one
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_OWN = ("repo", "repository", "owner", "token", "params", "output")
"""Of `params`, what is no parameter of the action; the public builder puts those into `params.params`, as JSON."""
OUTPUT_KEYS = ("format", "path")


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One, with its parameters and their types."""

    required: Mapping[str, type]
    optional: Mapping[str, type]

    @property
    def types(self) -> dict[str, type]:
        """All parameters."""
        return {**self.required, **self.optional}


def _action(required: Mapping[str, type], **optional: type) -> Action:
    return Action(required=required, optional=optional)


ACTIONS: Mapping[str, Action] = {
    "getRepo": _action({}),
    "createBranch": _action({"branch": str}, fromBranch=str),
    "createIssue": _action({"title": str}, body=str, assignee=str, labels=list, milestone=int),
    "updateIssue": _action({"issueNumber": int}, title=str, body=str, state=str, assignee=str, labels=list),
    "closeIssue": _action({"issueNumber": int}),
    "addComment": _action({"issueNumber": int, "body": str}),
    "getPR": _action({"pullNumber": int}),
    "createPR": _action({"title": str, "head": str, "base": str}, body=str, draft=bool, maintainerCanModify=bool),
    "updatePR": _action({"pullNumber": int}, title=str, body=str, state=str, base=str, maintainerCanModify=bool),
    "mergePR": _action({"pullNumber": int}, mergeMethod=str, commitTitle=str, commitMessage=str),
}
WORDS: Mapping[str, tuple[str, ...]] = {"state": ("open", "closed"), "mergeMethod": ("merge", "squash", "rebase")}
_NAMES: Mapping[type, str] = {str: "text", int: "a number", bool: "true or false", list: "a list of texts"}


class BadParams(ValueError):
    """What is wrong, and the keys that lead to it."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a step asks for; texts may have placeholders yet."""

    repository: str
    """As `owner/name`."""
    token: str
    params: Mapping[str, Any]
    output: Mapping[str, Any]


def read_call(params: Mapping[str, Any] | None) -> Call:
    """A step's `params`, as the public builder writes them or flat. Raises `BadParams`."""
    given = dict(params or {})
    return Call(
        repository=_read_repository(given),
        token=_text(given.get("token", DEFAULT_TOKEN), "token"),
        params=_read_params(given),
        output=_mapping(given.get("output", {}), "output"),
    )


def _read_repository(given: Mapping[str, Any]) -> str:
    key = "repository" if "repository" in given else "repo"
    name = _text(given.get(key, ""), key)
    return f"{_text(given['owner'], 'owner')}/{name}" if "owner" in given else name


def _read_params(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if "params" not in given:
        return {key: each for key, each in given.items() if key not in _OWN}
    for key in given:
        if key not in _OWN:
            raise BadParams(f'"{key}" stands beside params: it belongs into it', key)
    return _mapping(given["params"], "params")


def _mapping(value: object, key: str) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise BadParams("this is a mapping, or JSON of one; a placeholder stands within quotes", key) from None
    if not isinstance(value, dict):
        raise BadParams("this is a mapping, or JSON of one", key)
    return value


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise BadParams("this is a text", key)
    return value


def check_call(action: str, call: Call) -> None:
    """What can be said of it before the run: what has a placeholder is looked at there. Raises `BadParams`."""
    if find_reference(call.token) is None:
        raise BadParams("a token is a secret of the workspace, as secret:GITHUB_TOKEN: a file has none", "token")
    if not any(True for _ in placeholders(call.repository)):
        check_repository(call.repository)
    for key in call.output:
        if key not in OUTPUT_KEYS:
            raise BadParams(f'"{key}" of output is not supported: it has {", ".join(OUTPUT_KEYS)}', "output")
    take_params(action, call.params)


def check_repository(repository: str) -> None:
    """Raises `BadParams`."""
    if not _REPOSITORY.fullmatch(repository) or {".", ".."} & set(repository.split("/")):
        raise BadParams("write the repository as owner/name", "repo")


def take_params(action: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an action, of their types: numbers and truth may be written as texts, as a placeholder leaves
    them. What has a placeholder yet is left as it is. Raises `BadParams`."""
    known = ACTIONS[action]
    for key in given:
        if key not in known.types:
            raise BadParams(f'{action} has no parameter "{key}": it has {", ".join(known.types) or "none"}', key)
    for key in known.required:
        if given.get(key) is None or given[key] == "":
            raise BadParams(f'{action} needs "{key}"')
    return {key: _take(key, each, known.types[key]) for key, each in given.items() if each is not None}


def _take(key: str, value: object, kind: type) -> Any:
    if isinstance(value, str) and any(True for _ in placeholders(value)):
        return value
    if kind is list and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    if kind is int and isinstance(value, str) and re.fullmatch(r"\s*\d{1,18}\s*", value):
        return int(value)
    if kind is bool and value in {"true", "false"}:
        return value == "true"
    if kind is str and key in WORDS and value not in WORDS[key]:
        raise BadParams(f"{key} is one of {', '.join(WORDS[key])}", key)
    if kind in {str, int, bool} and type(value) is kind:
        return value
    raise BadParams(f"{key} is {_NAMES[kind]}", key)
