"""Lists of what a machine's owner has allowed: read with care, written whole, known by the hash that was confirmed.

They lie beside the machine's policy and are guarded as that is (`connect.policy.policy_file`): a fence as long as
agents run as this user, and a wall where they have one of their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from broker.domain.errors import BadRequest
from connect.policy.owners_file import NO_FILE, OwnersFile, toml_text

M = TypeVar("M", bound=BaseModel)
Stamp = tuple[int, int, int, int, int]
_SETTLED_NS = 2_000_000_000
"""File systems tell times in steps of up to two seconds: a change within one of them would not show."""


class AllowFile(OwnersFile, Generic[M]):
    """One machine's allow-list and what a person has confirmed of it."""

    _MAX_BYTES = 4 * 1024 * 1024
    _name: str
    """The file's; what was confirmed of it lies under `<beginning>.confirmed`."""
    _model: type[M]
    what: str
    """What it is about: `what hooks may run on this machine`."""
    none: str
    """What follows when nobody has confirmed it: `no hook runs here`."""
    command: str
    """Of the command line, which changes it."""

    def __init__(self, folder: Path, *, state: Path) -> None:
        """`folder` is the configuration's, `state` the state folder of the link that the confirmation is for."""
        super().__init__(folder / self._name, record=state / f"{Path(self._name).stem}.confirmed")

    def content(self) -> bytes | None:
        """What is on disk; None for nothing. Raises `BadRequest` for what others may have put there."""
        return self._read(self.path)

    def stamp(self) -> Stamp | None:
        """What changes with whatever changes the file; None where that cannot be told, as it was changed just now."""
        try:
            found = os.lstat(self.path)
        except OSError:
            return None
        if time.time_ns() - found.st_ctime_ns < _SETTLED_NS:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    def parse(self, content: bytes | None) -> M:
        """What it says; raises `BadRequest`."""
        return self._parse(self._model, content or b"")

    def nothing(self) -> M:
        """An empty list."""
        return self._model()

    @property
    def advice(self) -> str:
        """How a list that was changed in another way comes into force."""
        return f"look at it and confirm it with `{self.command} review` in a terminal of this machine"

    def is_confirmed(self, content: bytes | None) -> bool:
        """Whether this is what a person has put there or looked at."""
        return hash_of(content) == (self.read_confirmed() or NO_FILE)

    def put(self, content: bytes) -> None:
        """Put what a person wants in place, confirmed. Raises `OSError`."""
        # Confirmed first: a running link never meets a file that nobody has confirmed.
        self.confirm(hash_of(content))
        self._place(self.path, content)


class TakenList(Generic[M]):
    """The allow-list a running link goes by. What has changed on disk without a person's word allows nothing."""

    def __init__(self, file: AllowFile[M], *, fresh: bool, warn: Callable[[str], None]) -> None:
        """`fresh`: the machine has never been linked, so what lies there was put there by whoever set it up."""
        self._file = file
        self._warn = warn
        self._hash = file.read_confirmed()
        self._expected = ""
        self._problem = ""
        self._list = file.nothing()
        self._stamp: Stamp | None = None
        """Of the file when it was what was taken: as long as it is the same, nobody has to read megabytes again."""
        self._begin(fresh=fresh)

    @property
    def problem(self) -> str:
        """Why nothing of it may run; empty when the list is what was confirmed."""
        return self._problem

    def current(self) -> M:
        """The list, after a look at the file; an empty one while there is a `problem`."""
        self.look()
        return self._file.nothing() if self._problem else self._list

    def expect(self, known: str) -> None:
        """A person at a terminal is about to put a list of this hash in place, or has looked at it there."""
        self._expected = known
        self.look()

    def look(self) -> None:
        """See whether the file is still what was taken, or what a person was said to put there."""
        file = self._file
        stamp = file.stamp()
        if stamp is not None and stamp == self._stamp:
            return
        self._stamp = None
        try:
            content = file.content()
            if hash_of(content) == self._hash:
                self._stamp, self._problem = stamp, ""
            elif hash_of(content) == self._expected:
                self._take(content)
            else:
                self._object(f"{file.path} was changed, and not by `{file.command}`: {file.none}")
        except BadRequest as error:
            self._object(f"{file.what} cannot be read ({error.message}): {file.none}")

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
        self._list = self._file.parse(content)
        self._hash, self._problem = hash_of(content), ""

    def _object(self, problem: str) -> None:
        told = f"{problem}; {self._file.advice}"
        if told != self._problem:
            self._problem = told
            self._warn(told)


def hash_of(content: bytes | None) -> str:
    """What a person's word is for."""
    return NO_FILE if content is None else hashlib.sha256(content).hexdigest()


def list_text(head: str, deny: tuple[str, ...], allow: Iterable[BaseModel]) -> bytes:
    """A list as TOML. `head`: a comment."""
    lines = [head, f"deny = {toml_text(deny)}\n"]
    for consent in allow:
        members = [(name, getattr(consent, name)) for name in type(consent).model_fields]
        lines += ["\n[[allow]]\n", *(f"{name} = {toml_text(value)}\n" for name, value in members if value is not None)]
    return "".join(lines).encode()
