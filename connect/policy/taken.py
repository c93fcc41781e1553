"""The policy that a running link goes by: taken at its start, and again only when a person has confirmed a change."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from broker.domain.errors import BadRequest
from connect.policy.owners_file import NO_FILE
from connect.policy.policy import Policy
from connect.policy.policy_file import PolicyFile, Written

_UNREADABLE = "the policy of this machine cannot be read ({}): no agent starts here"


class PolicyNotConfirmed(Exception):
    """The file is another one than what a person has confirmed; the message says what to do."""


class TakenPolicy:
    """Keeps the policy in memory. What has changed on disk without a person's word is not taken, and said once."""

    def __init__(self, file: PolicyFile, *, fresh: bool, warn: Callable[[str], None]) -> None:
        """`fresh`: the machine has never been linked, so what lies there was put there by whoever set it up."""
        self._file = file
        self._warn = warn
        self._problem = ""
        self.on_taken: Callable[[], None] = _unheard
        self.policy = Policy()
        self._hash: str | None = file.read_confirmed()
        self._expected = ""
        self._begin(fresh=fresh)

    @property
    def problem(self) -> str:
        """Why no agent may start; empty when the file is what was confirmed."""
        return self._problem

    @property
    def hash(self) -> str:
        """Of what is in force; empty where nothing was confirmed."""
        return self._hash or ""

    @property
    def since_ms(self) -> int | None:
        """Since when it is in force (Unix time of this machine's clock): when a person confirmed it."""
        return self._file.confirmed_ms()

    @property
    def path(self) -> Path:
        """Where the policy lies."""
        return self._file.path

    def current(self) -> Policy:
        """The policy, after a look at the file. Raises `PolicyNotConfirmed`."""
        self.look()
        if self._problem:
            raise PolicyNotConfirmed(self._problem)
        return self.policy

    def expect(self, known: str) -> None:
        """A person at a terminal is about to put a policy of this hash in place, or has looked at it there."""
        self._expected = known
        self.look()

    def look(self) -> None:
        """See whether the file is still what was taken, or what a person was said to put there."""
        try:
            content = self._file.content()
            if content.hash == self._hash:
                self._settle()
            elif content.hash == self._expected:
                self._take(Written(policy=self._file.parse(content), hash=content.hash), "a person has changed it")
            else:
                self._object(f"{self._file.path} was changed, and not by `relay-connect policy`: no agent starts here")
        except BadRequest as error:
            self._object(_UNREADABLE.format(error.message))

    def allow_folder(self, folder: Path) -> None:
        """Let agents work in a folder from now on, on the word of the person at the terminal. Raises `OSError`.

        Nothing is changed while the policy is not the one that was confirmed.
        """
        self.look()
        if not self._problem:
            self._take(self._file.remember(self.policy, folder), f"agents may work in {folder} from now on")

    def _begin(self, *, fresh: bool) -> None:
        try:
            found = self._file.read()
        except BadRequest as error:
            self._object(_UNREADABLE.format(error.message))
            return
        if self._hash is None and (fresh or found.hash == NO_FILE):
            self._hash = found.hash
            with contextlib.suppress(OSError):  # a disk that is full: the next start is the first one again
                self._file.confirm(found.hash)
        if found.hash == self._hash:
            self.policy = found.policy
        else:
            self._object(f"{self._file.path} was changed while relay-connect did not run: no agent starts here")

    def _take(self, found: Written, told: str) -> None:
        self.policy, self._hash, self._problem = found.policy, found.hash, ""
        self._warn(f"the policy of this machine ({self._file.path}): {told}")
        self.on_taken()

    def _settle(self) -> None:
        if self._problem:
            self._problem = ""
            self.on_taken()

    def _object(self, problem: str) -> None:
        told = f"{problem}; look at it and run `relay-connect policy confirm` in a terminal of this machine"
        if told != self._problem:
            self._problem = told
            self._warn(told)
            self.on_taken()


def _unheard() -> None:
    """Nobody wants to know."""
