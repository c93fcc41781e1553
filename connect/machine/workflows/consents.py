"""Which workflow files this machine's owner lets run, and whether a command is of one of those. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from pydantic import Field
from typing_extensions import override

from broker.domain.workflows.runs.commands import (
    CommandKind,
    check_template,
    digest_of,
    preflight_template,
    shell_template,
    worktree_template,
)
from broker.protocol.proxy import RunCommand
from connect.machine.commands.consents import ConsentList, NamedConsent

_LONGEST_NAME = 128
_SHA256 = r"[0-9a-f]{64}"


def is_readable(name: str) -> bool:
    """Whether a workflow's name is one that a person can read, type and find again."""
    return 0 < len(name) <= _LONGEST_NAME and name.isprintable() and not name.startswith("-") and name == name.strip()


def allowing(name: str) -> str:
    """The command that lets a workflow run."""
    return f"relay-connect workflow allow {shlex.quote(name)}"


ALLOWING_FILE = "relay-connect workflow allow FILE"
"""The same, of one whose texts this machine was not told."""


class Standing(StrEnum):
    """How a workflow stands with this machine's owner."""

    UNKNOWN = "unknown"
    """Nobody here was ever asked, or not for this folder."""
    MODIFIED = "modified"
    """Something else of this name was allowed."""
    DENIED = "denied"


class Consent(NamedConsent):
    """All that one file has run in one folder of this machine, as a person was shown it."""

    name: str
    """The workflow file's own."""
    digest: str = Field(pattern=_SHA256)
    """Of the texts."""
    templates: tuple[str, ...]
    """Commands, checks and worktrees as the file has them: their values are not consented to."""
    root: Path
    """They run there and below."""

    @property
    @override
    def key(self) -> str:
        """What it is allowed under."""
        return self.name

    @cached_property
    def texts(self) -> frozenset[str]:
        """The same, to be looked for."""
        return frozenset(self.templates)


class Consents(ConsentList[Consent]):
    """The whole of the allow-list, by the names of files."""

    def with_more(self, consent: Consent) -> Consents:
        """One more beside what its file is allowed already, such as what it does in another folder of the same run."""
        return self._with_allowed((each for each in self.allow if each != consent), consent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a command does not run."""

    standing: Standing
    why: str


def mismatch(order: RunCommand) -> str:
    """Why what is ordered is none of the texts that it says to be; '' when it is one."""
    if order.templates and order.template not in order.templates:
        return "it is not among what the file has run"
    if order.templates and order.digest and order.digest != digest_of(order.templates):
        return "what the file has run is not what its hash is of"
    if not order.templates and not order.digest:
        return "it does not say what the file has run"
    if order.kind is CommandKind.SHELL:
        known = {f(order.text) for f in (shell_template, check_template, preflight_template)}
        return "" if order.template in known else "its text is not the one that it says to be"
    return "" if order.template == worktree_text(order) else "its worktree is not the one that it says to be"


def worktree_text(order: RunCommand) -> str:
    """What a person consents to of a worktree, made or taken away."""
    return worktree_template(path=order.path or "", branch=order.branch or "", base=order.base)


def judge(consents: Consents, order: RunCommand, *, folder: Path) -> Objection | None:
    """Why a command does not run in a folder; None when this machine's owner has allowed its file there."""
    if order.file in consents.deny:
        return Objection(standing=Standing.DENIED, why="the owner of this machine has denied this workflow")
    known = consents.of(order.file)
    if not known:
        return Objection(standing=Standing.UNKNOWN, why="the owner of this machine has not allowed this workflow")
    here = [each for each in known if folder.is_relative_to(each.root)]
    if not here:
        why = f"the owner of this machine has not allowed this workflow in {folder}"
        return Objection(standing=Standing.UNKNOWN, why=why)
    digest = order.digest or digest_of(order.templates)
    # Whatever the broker says of it: it has to be a text that the owner was shown.
    if any(each.digest == digest and order.template in each.texts for each in here):
        return None
    why = "what it runs was changed since the owner of this machine allowed it"
    return Objection(standing=Standing.MODIFIED, why=why)
