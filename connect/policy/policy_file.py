"""The machine's `policy.toml`: read with care, written whole, and known by the hash that a person has confirmed.

The file lies beside `relay-connect.toml`; the folders that were allowed at terminals of one link lie in its state
folder, and count as a part of it. What was confirmed is kept twice: in the memory of the running link, which believes
nobody whom an agent has started (`connect.control.peers`), and in the state folder, which the next link goes by.

A process of the same user can write both files, so this is a fence and not a wall as long as agents run as that user:
it holds against an agent that edits a file, not against one that sets out to pass for a person. Where agents have a
user of their own, whose files these are not, it is a wall.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from connect.policy.owners_file import NO_FILE, OwnersFile, toml_text
from connect.policy.policy import Policy

NAME = "policy.toml"
_RECORD = "policy.confirmed"
_REMEMBERED = "policy.folders"
_HEAD = (
    "# What agents may do on this machine. Change it with `relay-connect policy`: other changes have to be confirmed.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is on disk, whether it can be understood or not; None for a file that is not there."""

    policy: bytes | None
    remembered: bytes | None

    @property
    def hash(self) -> str:
        """What a person's word is for; `none` when there is nothing."""
        if self.policy is None and self.remembered is None:
            return NO_FILE
        parts = (hashlib.sha256(each or b"").digest() for each in (self.policy, self.remembered))
        return hashlib.sha256(b"".join(parts)).hexdigest()


DEFAULTS = Content(policy=None, remembered=None)
"""What holds where nothing was ever set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A policy as it is on disk."""

    policy: Policy
    hash: str


class PolicyFile(OwnersFile):
    """One machine's policy and what a person has confirmed of it."""

    _UNREADABLE = "POLICY_UNREADABLE"
    _MAX_BYTES = 1024 * 1024

    def __init__(self, folder: Path, *, state: Path) -> None:
        """`folder` is the configuration's, `state` the state folder of the link that the confirmation is for."""
        super().__init__(folder / NAME, record=state / _RECORD)
        self._remembered = state / _REMEMBERED

    def read(self) -> Written:
        """The policy; the default one where there is no file. Raises `BadRequest` (POLICY_UNREADABLE) that says why."""
        content = self.content()
        return Written(policy=self.parse(content), hash=content.hash)

    def parse(self, content: Content) -> Policy:
        """What it says; raises `BadRequest`."""
        policy, remembered = (self._parse(Policy, each or b"") for each in (content.policy, content.remembered))
        if policy.remembered:
            raise self._unreadable("remembered: folders are allowed with `folders`")
        return policy.model_copy(update={"remembered": remembered.folders}) if remembered.folders else policy

    def write(self, policy: Policy) -> Written:
        """Put a policy in place and confirm it. Raises `OSError`."""
        content = to_toml(policy)
        self.put(content)
        return Written(policy=policy, hash=content.hash)

    def put(self, content: Content) -> None:
        """The same for what was `parsed`."""
        # Confirmed first: a running link never meets a file that nobody has confirmed.
        self.confirm(content.hash)
        for path, wanted in ((self.path, content.policy), (self._remembered, content.remembered)):
            if wanted is None:
                path.unlink(missing_ok=True)
            else:
                self._place(path, wanted)

    def remember(self, policy: Policy, folder: Path) -> Written:
        """Allow one more folder at this link alone, and confirm that. Raises `OSError`, `BadRequest`."""
        wanted = policy.model_copy(update={"remembered": (*policy.remembered, folder)})
        content = Content(policy=self.content().policy, remembered=to_toml(wanted).remembered)
        self.put(content)
        return Written(policy=wanted, hash=content.hash)

    def content(self) -> Content:
        """What is on disk. Raises `BadRequest` for what nobody but the user may have put there, or cannot be read."""
        return Content(policy=self._read(self.path), remembered=self._read(self._remembered))


def to_toml(policy: Policy) -> Content:
    """A policy as TOML: what was set, nothing else."""
    lines = [
        f"{name} = {toml_text(getattr(policy, name))}\n"
        for name in Policy.model_fields
        if name in policy.model_fields_set and name != "remembered" and getattr(policy, name) is not None
    ]
    remembered = f"folders = {toml_text(policy.remembered)}\n".encode() if policy.remembered else None
    return Content(policy="".join([_HEAD, *lines]).encode(), remembered=remembered)
