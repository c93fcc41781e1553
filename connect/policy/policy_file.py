"""The machine's `policy.toml`: read with care, written whole, and known by the hash that a person has confirmed.

The file lies beside `relay-connect.toml`; the folders that were allowed at terminals of one link lie in its state
folder, and count as a part of it. What was confirmed is kept twice: in the memory of the running link, which believes
nobody whom an agent has started (`connect.control.peers`), and in the state folder, which the next link goes by.

A process of the same user can write both files, so this is a fence and not a wall as long as agents run as that user:
it holds against an agent that edits a file, not against one that sets out to pass for a person. Where agents have a
user of their own, whose files these are not, it is a wall.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tomllib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pydantic import ValidationError

from broker.domain.errors import BadRequest
from connect.policy.policy import Policy
from connect.system.own_file import NotOwn, read_own
from connect.system.state_folder import write_private

NAME = "policy.toml"
_RECORD = "policy.confirmed"
_REMEMBERED = "policy.folders"
_MAX_BYTES = 1024 * 1024
NO_FILE = "none"
"""The hash where nothing was ever set."""
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


class PolicyFile:
    """One machine's policy and what a person has confirmed of it."""

    def __init__(self, folder: Path, *, state: Path) -> None:
        """`folder` is the configuration's, `state` the state folder of the link that the confirmation is for."""
        self.path = folder / NAME
        self._record = state / _RECORD
        self._remembered = state / _REMEMBERED

    def read(self) -> Written:
        """The policy; the default one where there is no file. Raises `BadRequest` (POLICY_UNREADABLE) that says why."""
        content = self.content()
        return Written(policy=self.parsed(content), hash=content.hash)

    def parsed(self, content: Content) -> Policy:
        """What it says; raises `BadRequest`."""
        policy, remembered = (self._parsed(each or b"") for each in (content.policy, content.remembered))
        if policy.remembered:
            raise self._unreadable("remembered: folders are allowed with `folders`")
        return policy.model_copy(update={"remembered": remembered.folders}) if remembered.folders else policy

    def _parsed(self, content: bytes) -> Policy:
        try:
            return Policy.model_validate(tomllib.loads(content.decode("utf-8-sig")))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise self._unreadable(str(error)) from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise self._unreadable(f"{where}: {first['msg']}") from None

    def write(self, policy: Policy) -> Written:
        """Put a policy in place and confirm it. Raises `OSError`."""
        content = written(policy)
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
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_private(path, wanted, durable=True)

    def confirmed(self) -> str | None:
        """The hash that a person has confirmed; None when nobody ever has."""
        with contextlib.suppress(OSError):
            return self._record.read_text(encoding="ascii", errors="replace").strip() or None
        return None

    def confirm(self, known: str) -> None:
        """Remember that a person has seen the policy of this hash. Raises `OSError`."""
        self._record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self._record, known.encode(), durable=True)

    def remember(self, policy: Policy, folder: Path) -> Written:
        """Allow one more folder at this link alone, and confirm that. Raises `OSError`, `BadRequest`."""
        wanted = policy.model_copy(update={"remembered": (*policy.remembered, folder)})
        content = Content(policy=self.content().policy, remembered=written(wanted).remembered)
        self.put(content)
        return Written(policy=wanted, hash=content.hash)

    def content(self) -> Content:
        """What is on disk. Raises `BadRequest` for what nobody but the user may have put there, or cannot be read."""
        return Content(policy=self._read(self.path), remembered=self._read(self._remembered))

    def _read(self, path: Path) -> bytes | None:
        try:
            return read_own(path, max_bytes=_MAX_BYTES)
        except NotOwn as why:
            raise self._unreadable(str(why), path) from None

    def _unreadable(self, why: str, path: Path | None = None) -> BadRequest:
        return BadRequest(f"{path or self.path}: {why}", code="POLICY_UNREADABLE")


def written(policy: Policy) -> Content:
    """A policy as TOML: what was set, nothing else."""
    lines = [
        f"{name} = {_toml(getattr(policy, name))}\n"
        for name in Policy.model_fields
        if name in policy.model_fields_set and name != "remembered" and getattr(policy, name) is not None
    ]
    remembered = f"folders = {_toml(policy.remembered)}\n".encode() if policy.remembered else None
    return Content(policy="".join([_HEAD, *lines]).encode(), remembered=remembered)


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case frozenset():
            return f"[{', '.join(sorted(map(_toml, value)))}]"
        case Enum():
            return _toml(value.value)
        case _:
            # TOML's basic strings are JSON's, but for DEL.
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007F")
