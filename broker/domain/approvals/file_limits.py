"""Which files an agent may change at most: what the file of its run says.

It narrows and never widens: what lies within is asked, allowed or denied as it would be without. An agent that is kept
to files starts no command and uses no other program's tools, since nobody could tell what these change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from broker.domain.agents.agents import FileLimits
from broker.domain.approvals.patterns import UNKNOWN, Match, pattern
from broker.domain.approvals.tool_kinds import ToolKind
from broker.domain.approvals.tool_use import ToolUse, absolute

_CHANGES = frozenset({ToolKind.EDIT, ToolKind.DELETE, ToolKind.MOVE})
_HARMLESS = frozenset({ToolKind.READ, ToolKind.SEARCH, ToolKind.LIST, ToolKind.FETCH})
_BRACES = re.compile(r"\{([^{}]*)\}")
_MOST_ALTERNATIVES = 100


def beyond(limits: FileLimits, use: ToolUse, *, folder: str | None) -> str:
    """Why a use of a tool goes beyond the limits, in words for the agent; '' when it does not.

    `folder`: the agent's own, in which patterns begin that do not begin at the root.
    """
    if not limits or use.kind in _HARMLESS:
        return ""
    listed = "; ".join(", ".join(each) or "nothing" for each in limits)
    kept = f"the file of the run lets it change {listed}, and nothing else"
    if use.kind not in _CHANGES:
        return f"{kept}: what {use.tool} changes cannot be told"
    if use.widens:
        return f"{kept}: it asks for more than this one change"
    if use.hides_paths:
        return f"{kept}: this does not say which files it is about"
    outside = [path for path in use.paths if not _is_within(limits, path, use, folder=folder)]
    return f"{kept}: {outside[0]} is outside" if outside else ""


def _is_within(limits: FileLimits, path: str, use: ToolUse, *, folder: str | None) -> bool:
    whole = absolute(path, use.folder)
    if ".." in PurePosixPath(path).parts or UNKNOWN in path or not whole.startswith("/"):
        return False
    inside = f"{(folder or '').rstrip('/')}/"
    relative = whole.removeprefix(inside) if folder and whole.startswith(inside) else None
    return all(any(_lets_in(pattern, whole, relative) for pattern in each) for each in limits)


def _lets_in(text: str, whole: str, relative: str | None) -> bool:
    """A pattern that begins at the root is about whole paths, another about those inside the agent's folder."""
    path = whole if text.startswith("/") else relative
    if path is None:
        return False
    parts = tuple(path.split("/"))
    return any(_covers(each, parts) for each in _alternatives(text))


def _covers(wanted: Sequence[str], parts: Sequence[str]) -> bool:
    """`**` stands for any folders, the last one for all that is below; the other wildcards stay within one name."""
    reached = {0}
    for number, each in enumerate(wanted):
        if each != "**":
            reached = {at + 1 for at in reached if at < len(parts) and pattern(each).match(parts[at]) is Match.MUST}
        elif number == len(wanted) - 1:
            return any(at < len(parts) for at in reached)
        elif reached:
            reached = set(range(min(reached), len(parts) + 1))
    return len(parts) in reached


@lru_cache(maxsize=1024)
def _alternatives(text: str) -> tuple[tuple[str, ...], ...]:
    """A pattern without its braces, in its parts; one with too many alternatives lets nothing in."""
    found, done = [text.removeprefix("./")], list[str]()
    while found:
        if len(found) + len(done) > _MOST_ALTERNATIVES:
            return ()
        each = found.pop()
        if braces := _BRACES.search(each):
            found += [f"{each[: braces.start()]}{choice}{each[braces.end() :]}" for choice in braces[1].split(",")]
        else:
            done.append(each)
    return tuple(tuple(each.split("/")) for each in done)
