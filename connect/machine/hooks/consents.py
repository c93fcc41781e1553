"""What this machine's owner has allowed hooks to run, and whether a hook is one of those. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import Field
from typing_extensions import override

from broker.domain.hooks.definitions import CommandAction
from connect.machine.commands.consents import ConsentList, NamedConsent

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}")
_SHA256 = r"[0-9a-f]{64}"


def is_hook_id(text: str) -> bool:
    """Whether a hook's id is one that a person can read, type and find again."""
    return _ID.fullmatch(text) is not None


class Standing(StrEnum):
    """How a hook stands with this machine's owner."""

    UNKNOWN = "unknown"
    """Nobody here was ever asked, or not for this folder."""
    ALLOWED = "allowed"
    MODIFIED = "modified"
    """Something else of this id was allowed: another definition, another program, another script."""
    DENIED = "denied"


class Consent(NamedConsent):
    """One command that may run, whole: what a person was shown."""

    id: str
    fingerprint: str = Field(pattern=_SHA256)
    """Of the definition: words, folder, environment, time."""
    words: tuple[str, ...]
    """As they were written, with their variables."""
    program: Path
    """What is started, wherever the first word may lead by then."""
    roots: tuple[Path, ...]
    """It runs in these and below."""
    cwd: str | None = None
    env: tuple[str, ...] = ()
    timeout_s: float
    files: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each file it consists of that agents could change: the program, a script."""
    shell: bool = False
    """Its words are a program, and the person has said yes to that."""

    @property
    @override
    def key(self) -> str:
        """What it is allowed under."""
        return self.id


class Consents(ConsentList[Consent]):
    """The whole of the allow-list, by the ids of hooks."""

    def with_consent(self, consent: Consent) -> Consents:
        """One more; what its id was allowed before in one of its folders gives way."""
        kept = (each for each in self.allow if each.id != consent.id or not set(each.roots) & set(consent.roots))
        return self._with_allowed(kept, consent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A hook that is to run, as this machine sees it."""

    hook: str
    action: CommandAction
    folder: Path
    """Where it would run, as the file system has it."""
    program: Path | None
    """Where its first word leads; None: nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a hook does not run."""

    standing: Standing
    why: str
    before: Consent | None = None
    """What was allowed of it."""


def judge(consents: Consents, wanted: Wanted) -> Consent | Objection:
    """What allows a hook to run here; else why it does not. `changed` has the last word."""
    if wanted.hook in consents.deny:
        return Objection(standing=Standing.DENIED, why="the owner of this machine has denied it")
    known = consents.of(wanted.hook)
    if not known:
        return Objection(standing=Standing.UNKNOWN, why="the owner of this machine has not allowed it")
    same = [each for each in known if each.fingerprint == wanted.action.fingerprint]
    if not same:
        why = "it is another command than the owner of this machine has allowed"
        return Objection(standing=Standing.MODIFIED, why=why, before=known[-1])
    here = [each for each in same if any(map(wanted.folder.is_relative_to, each.roots))]
    if not here:
        why = f"the owner of this machine has not allowed it in {wanted.folder}"
        return Objection(standing=Standing.UNKNOWN, why=why, before=same[-1])
    for each in here:
        if each.program == wanted.program:
            return each
    why = f"its program is {wanted.program} by now, and {here[-1].program} was allowed"
    return Objection(standing=Standing.MODIFIED, why=why, before=here[-1])


def find_change(consent: Consent, files: Mapping[str, str]) -> Objection | None:
    """Whether what it consists of is not what was allowed. `files`: SHA-256 of what agents could change of it now."""
    for path, digest in files.items():
        if path not in consent.files:
            why = f"agents can change {path} by now"
        elif consent.files[path] != digest:
            why = f"{path} was changed since it was allowed"
        else:
            continue
        return Objection(standing=Standing.MODIFIED, why=why, before=consent)
    return None
