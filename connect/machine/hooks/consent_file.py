"""The machine's `hooks.allow`: read with care, written whole, and known by the hash that a person has confirmed.

It lies beside the machine's policy and is guarded as that is (`connect.policy.policy_file`): a fence as long as agents
run as this user, and a wall where they have one of their own.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

from broker.domain.errors import BadRequest
from connect.machine.hooks.consents import Consent, Consents
from connect.policy.owners_file import NO_FILE, OwnersFile, toml_text

NAME = "hooks.allow"
_RECORD = "hooks.confirmed"
_HEAD = (
    "# What hooks may run on this machine. Change it with `relay-connect hooks`: other changes have to be confirmed.\n"
)
CONFIRM = "look at it and confirm it with `relay-connect hooks review` in a terminal of this machine"


class ConsentFile(OwnersFile):
    """One machine's allow-list and what a person has confirmed of it."""

    _UNREADABLE = "HOOKS_UNREADABLE"
    _MAX_BYTES = 4 * 1024 * 1024

    def __init__(self, folder: Path, *, state: Path) -> None:
        """`folder` is the configuration's, `state` the state folder of the link that the confirmation is for."""
        super().__init__(folder / NAME, record=state / _RECORD)

    def content(self) -> bytes | None:
        """What is on disk; None for nothing. Raises `BadRequest` for what others may have put there."""
        return self._read(self.path)

    def parsed(self, content: bytes | None) -> Consents:
        """What it says; raises `BadRequest`."""
        return self._parse(Consents, content or b"")

    def is_confirmed(self, content: bytes | None) -> bool:
        """Whether this is what a person has put there or looked at."""
        return hash_of(content) == (self.confirmed() or NO_FILE)

    def put(self, content: bytes) -> None:
        """Put what a person wants in place, confirmed. Raises `OSError`."""
        # Confirmed first: a running link never meets a file that nobody has confirmed.
        self.confirm(hash_of(content))
        self._place(self.path, content)


class TakenConsents:
    """The allow-list a running link goes by. What has changed on disk without a person's word allows nothing."""

    def __init__(self, file: ConsentFile, *, fresh: bool, warn: Callable[[str], None]) -> None:
        """`fresh`: the machine has never been linked, so what lies there was put there by whoever set it up."""
        self._file = file
        self._warn = warn
        self._hash = file.confirmed()
        self._expected = ""
        self._problem = ""
        self._consents = Consents()
        self._begin(fresh=fresh)

    @property
    def problem(self) -> str:
        """Why no hook may run; empty when the list is what was confirmed."""
        return self._problem

    def current(self) -> Consents:
        """The list, after a look at the file; an empty one while there is a `problem`."""
        self.look()
        return Consents() if self._problem else self._consents

    def expect(self, known: str) -> None:
        """A person at a terminal is about to put a list of this hash in place, or has looked at it there."""
        self._expected = known
        self.look()

    def look(self) -> None:
        """See whether the file is still what was taken, or what a person was said to put there."""
        try:
            content = self._file.content()
            if hash_of(content) == self._hash:
                self._problem = ""
            elif hash_of(content) == self._expected:
                self._take(content)
            else:
                self._object(f"{self._file.path} was changed, and not by `relay-connect hooks`: no hook runs here")
        except BadRequest as error:
            self._object(f"what hooks may run on this machine cannot be read ({error.message}): none runs here")

    def _begin(self, *, fresh: bool) -> None:
        with contextlib.suppress(BadRequest):
            content = self._file.content()
            if self._hash is None and (fresh or content is None):
                self._hash = hash_of(content)
                with contextlib.suppress(OSError):  # a disk that is full: the next start is the first one again
                    self._file.confirm(self._hash)
            if hash_of(content) == self._hash:
                self._take(content)
        self.look()

    def _take(self, content: bytes | None) -> None:
        self._consents = self._file.parsed(content)
        self._hash, self._problem = hash_of(content), ""

    def _object(self, problem: str) -> None:
        told = f"{problem}; {CONFIRM}"
        if told != self._problem:
            self._problem = told
            self._warn(told)


def hash_of(content: bytes | None) -> str:
    """What a person's word is for."""
    return NO_FILE if content is None else hashlib.sha256(content).hexdigest()


def written(consents: Consents) -> bytes:
    """A list as TOML."""
    lines = [_HEAD, f"deny = {toml_text(consents.deny)}\n"]
    for consent in consents.allow:
        lines += ["\n[[allow]]\n", *(f"{name} = {toml_text(value)}\n" for name, value in _members(consent))]
    return "".join(lines).encode()


def _members(consent: Consent) -> list[tuple[str, object]]:
    return [(name, value) for name in Consent.model_fields if (value := getattr(consent, name)) is not None]
