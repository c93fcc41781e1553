"""How risky it is to allow what an agent asks for, with reasons a person understands at a glance.

It helps people to look at the right thing; it decides nothing, and low does not mean safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from broker.domain.approvals.approvals import Approval
from broker.domain.approvals.changes import is_cut
from broker.domain.approvals.hidden import find_changed_texts, hidden_characters, name_characters, texts_in
from broker.domain.approvals.risk.commands import command_findings
from broker.domain.approvals.risk.findings import Assessment, Finding, Risk, shorten, sum_up
from broker.domain.approvals.risk.paths import reading_findings, writing_findings

HARMLESS_TOOLS = frozenset(
    {"glob", "ls", "list", "todowrite", "todoread", "exitplanmode", "think", "plan", "websearch"}
)
"""Whatever they are given."""
_READERS = frozenset({"read", "grep", "search", "notebookread", "read_file", "read_many_files", "search_file_content"})
_EDITORS = frozenset(
    {"write", "edit", "multiedit", "notebookedit", "filechange", "write_file", "replace", "delete", "move"}
)
_FETCHERS = frozenset({"webfetch", "fetch", "web_fetch"})
_PATHS = ("file_path", "path", "notebook_path", "absolute_path")


def assess(approval: Approval, *, cwd: str | None = None) -> Assessment:
    """The risk of an approval. `cwd` is the agent's folder, for vendors that do not tell it with the request."""
    return assess_request(
        tool=approval.tool,
        command=approval.command,
        cwd=approval.cwd or cwd,
        changes=approval.changes,
        given=approval.input,
        widens=approval.widens,
    )


def assess_request(
    *,
    tool: str,
    command: str | None = None,
    cwd: str | None = None,
    changes: tuple[dict[str, Any], ...] = (),
    given: dict[str, Any] | None = None,
    widens: tuple[str, ...] = (),
) -> Assessment:
    """The same for the parts of a request."""
    more = (Finding(Risk.HIGH, f"asks for more than this once: {each}") for each in widens)
    hiding = _hiding(texts_in([tool, command, cwd, given]), "it")
    in_changes = _hiding((text for change in changes for text in find_changed_texts(change)), "what it writes")
    return sum_up((*hiding, *in_changes, *more, *_findings(tool, command, cwd, changes, given or {})))


def _hiding(texts: Iterable[str], what: str) -> Iterator[Finding]:
    found = tuple(dict.fromkeys(character for text in texts for character in hidden_characters(text)))
    if found:
        yield Finding(Risk.HIGH, f"{what} contains characters that change how it is read: {name_characters(found)}")


def _findings(
    tool: str, command: str | None, cwd: str | None, changes: tuple[dict[str, Any], ...], given: dict[str, Any]
) -> Iterator[Finding]:
    if command is not None:
        yield from command_findings(command, cwd)
    for change in changes:
        yield from writing_findings(str(change.get("path") or ""), cwd)
        if is_cut(str(change.get("diff") or "")):
            yield Finding(Risk.HIGH, f"changes more than is shown: {shorten(str(change.get('path') or ''))}")
        if change.get("change") == "delete":
            yield Finding(Risk.MEDIUM, "deletes files")
    if command is None and not changes:
        yield from _of_tool(tool, cwd, given)


def _of_tool(tool: str, cwd: str | None, given: dict[str, Any]) -> Iterator[Finding]:
    name = tool.lower()
    paths = [path for member in _PATHS if isinstance(path := given.get(member), str)]
    if name in _READERS or name in HARMLESS_TOOLS:
        for path in paths:
            yield from reading_findings(path, cwd)
    elif name in _EDITORS:
        for path in paths:
            yield from writing_findings(path, cwd)
        if not paths:
            yield Finding(Risk.MEDIUM, "edits files, and does not say which")
    elif name in _FETCHERS:
        host = urlsplit(str(given.get("url") or "")).netloc
        yield Finding(Risk.MEDIUM, f"talks to the network: {shorten(host)}" if host else "talks to the network")
    elif name.startswith("mcp__"):
        yield Finding(
            Risk.MEDIUM, f"uses a tool of another program: {shorten(tool.removeprefix('mcp__').replace('__', ' / '))}"
        )
    else:
        yield Finding(Risk.MEDIUM, f"uses {shorten(tool)}, a tool of which nothing is known here")
