"""Allow rules a person may want to add when answering an approval, from the narrowest to the widest.

Never one that covers something of high risk: what is asked for would not be suggested then, and wider patterns are
tried on what they could be abused for first.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from broker.domain.approvals.approvals import Approval
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.patterns import Match
from broker.domain.approvals.risk.assessment import HARMLESS_TOOLS, assess, assess_request
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.risk.known_programs import ANY_ARGUMENTS
from broker.domain.approvals.rules import Rule, allowable, match
from broker.domain.approvals.tool_use import ToolUse, tool_use

_ABUSES = (
    "-rf /",
    "--force",
    "--hard",
    "-delete",
    "-exec rm -rf {} +",
    "~/.ssh/id_rsa",
    ".env",
    "--output=/etc/passwd",
    "-o /etc/passwd",
    "/etc/shadow",
)
_RISKY_PLACES = (
    ".env",
    ".env.local",
    ".ssh/id_rsa",
    ".git/config",
    ".git/hooks/pre-commit",
    ".husky/pre-push",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".codex/config.toml",
    ".gemini/settings.json",
    ".mcp.json",
    ".vscode/tasks.json",
    ".npmrc",
    "key.pem",
    "server.key",
    "secrets.yaml",
    "secrets.yml",
    "secrets.json",
    "secrets.toml",
    "credentials.json",
    "credentials.toml",
)


def suggest_rules(approval: Approval, *, cwd: str | None = None) -> tuple[Rule, ...]:
    """Rules that would have allowed this, narrowest first; none when it is of high risk. `cwd` as for `assess`.

    None either where secrets are masked: a rule made of what is shown would not cover what is asked.
    """
    if approval.masked:
        return ()
    asked = tool_use(
        tool=approval.tool,
        command=approval.command,
        paths=(*approval.paths, *(change["path"] for change in approval.changes)),
        given=approval.input,
        folder=approval.cwd or cwd,
        widens=approval.widens,
    )
    return rules_for(asked, assess(approval, cwd=cwd).risk)


def rules_for(asked: ToolUse, risk: Risk) -> tuple[Rule, ...]:
    """The same for a use of a tool, and how risky it is."""
    if risk is Risk.HIGH:
        return ()
    return tuple(rule for rule in dict.fromkeys(_rules(asked, asked.folder)) if match(rule, asked) is Match.MUST)


def _rules(asked: ToolUse, cwd: str | None) -> Iterator[Rule]:
    tool = _literal(asked.tool)
    if asked.command is not None:
        for command in _commands(asked.command, cwd):
            yield Rule(effect=Effect.ALLOW, tool=tool, command=command)
    elif asked.paths:
        for path in _paths(asked.paths, cwd):
            yield Rule(effect=Effect.ALLOW, tool=tool, path=path)
    elif asked.tool.lower() in HARMLESS_TOOLS:
        yield Rule(effect=Effect.ALLOW, tool=tool)


def _commands(command: str, cwd: str | None) -> Iterator[str]:
    inner = allowable(command)
    if not inner:
        return
    yield _literal(inner)
    for prefix in ANY_ARGUMENTS:
        if (inner == prefix or inner.startswith(prefix + " ")) and not _can_be_abused(prefix, cwd):
            # With the space: `ls*` would be `lsof` too.
            yield f"{prefix} *"


def _can_be_abused(prefix: str, cwd: str | None) -> bool:
    abuses = (f"{prefix} {abuse}" for abuse in _ABUSES)
    return any(assess_request(tool="", command=each, cwd=cwd).risk is Risk.HIGH for each in abuses)


def _paths(paths: tuple[str, ...], cwd: str | None) -> Iterator[str]:
    """The same file; then files of the same kind in its folder and below."""
    if len(paths) == 1:
        yield _literal(paths[0])
    folder = posixpath.commonpath([posixpath.dirname(path) for path in paths]) if _is_alike(paths) else ""
    endings = {PurePosixPath(path).suffix for path in paths}
    if len(endings) != 1 or "" in endings or not _is_inside(folder, cwd):
        return
    pattern = f"{_literal(folder)}/*{_literal(endings.pop())}"
    if not any(_covers(pattern, f"{folder}/{place}") for place in _RISKY_PLACES):
        yield pattern


def _covers(pattern: str, path: str) -> bool:
    rule = Rule(effect=Effect.ALLOW, path=pattern)
    return match(rule, ToolUse(tool="Edit", paths=(path,))) is Match.MUST


def _is_inside(folder: str, cwd: str | None) -> bool:
    return cwd is not None and PurePosixPath(folder).is_relative_to(posixpath.normpath(cwd))


def _is_alike(paths: tuple[str, ...]) -> bool:
    return len({path.startswith("/") for path in paths}) == 1


def _literal(text: str) -> str:
    """A pattern that matches this text alone."""
    return re.sub(r"([*?[])", r"[\1]", text)
